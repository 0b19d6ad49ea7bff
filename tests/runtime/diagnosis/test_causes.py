"""The vocabulary is fixed: every cause is documented in the words that the program uses, and has a knob."""

from __future__ import annotations

from pathlib import Path

import pytest

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Loc
from snncc.compiler.options import make_options
from snncc.runtime.diagnosis.causes import CAUSES, MEASURED, SIGNS
from snncc.runtime.diagnosis.knobs import Knobs
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.ranking import IN_DATA, IN_NETWORK

DOCUMENT = Path(__file__).parents[3] / "docs" / "diagnose.md"


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_is_documented_in_its_own_words(cause: str) -> None:
    assert f"| `{cause}` | {CAUSES[cause]}" in DOCUMENT.read_text(encoding="utf-8")


def test_every_sign_has_its_place_in_the_order_but_what_is_measured() -> None:
    assert {*IN_NETWORK, *IN_DATA} == set(SIGNS) - {"channel spread"}  # found by looking closer at measured rows


@pytest.mark.parametrize("cause", MEASURED)
@pytest.mark.parametrize("recipes", [{}, {"levels": 10, "weight_bits": 4, "scales": "max", "rounding": "nearest"}])
def test_knobs_are_options_that_can_be_typed(cause: str, recipes: dict[str, object]) -> None:
    layer = Layer("relu1", "fire", "relu1", Loc(), Levels(0, 15), 0.1, shape=(4,), reads=("relu0",), area=49)
    knob = Knobs({"recipes": {**recipes, "by_layer": {}}}).against(cause, layer)
    assert knob
    words = knob.partition(", or ")[0].partition(":")[0].split()
    if knob.startswith("--"):
        name, value = words
        made = make_options(**{name[2:].replace("-", "_"): value})
        assert made.recipes.by_layer


def test_a_pools_knob_makes_its_sums_exact() -> None:
    layer = Layer("pool", "average", "pool", Loc(), Levels(0, 700), 0.1, reads=("relu0",), area=200)
    knob = Knobs({}).against("average-pool rounding", layer)
    bits = int(knob.partition("relu0=")[2].partition(":")[0])
    assert 200 * (2**bits - 1) <= 1023
