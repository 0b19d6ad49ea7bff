"""Options: every wrong one is reported, all at once, with exit code 2."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snncc.compiler import options
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.options import make_options
from snncc.compiler.per_layer import choices
from snncc.compiler.targets import load_target


def wrong(**given: Any) -> list[str]:
    with pytest.raises(SnnccError) as caught:
        make_options(**given)
    assert caught.value.exit_code == 2
    assert all(d.hint and d.loc.file == "options" for d in caught.value.diagnostics)
    return [d.code for d in caught.value.diagnostics]


def test_the_defaults_are_the_targets_and_four_bits() -> None:
    made = make_options()
    assert (made.levels, made.bits, made.weight_bits) == (15, 4, 8)
    assert (made.coding, made.schedule) == (made.target.coding, made.target.schedule)


def test_bits_n_means_levels_two_to_the_n_less_one() -> None:
    assert [make_options(bits=n).levels for n in (1, 4, 16)] == [1, 15, 65535]
    assert make_options(levels=6).bits is None


def test_integers_of_numpy_become_our_own() -> None:
    made = make_options(bits=np.int64(3), weight_bits=np.int32(5))
    assert (type(made.bits), type(made.levels), type(made.weight_bits)) == (int, int, int)


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("SNN501", {"target": "loihi"}),
        ("SNN501", {"target": None}),
        ("SNN502", {"coding": "gradde"}),
        ("SNN502", {"coding": []}),
        ("SNN503", {"bits": 0}),
        ("SNN503", {"bits": 17}),
        ("SNN503", {"bits": "four"}),
        ("SNN503", {"bits": 4.0}),
        ("SNN503", {"bits": True}),
        ("SNN503", {"levels": 0}),
        ("SNN503", {"levels": 65536}),
        ("SNN503", {"bits": 4, "levels": 15}),
        ("SNN504", {"weight_bits": 1}),
        ("SNN504", {"weight_bits": 9}),
        ("SNN504", {"weight_bits": "eight"}),
        ("SNN505", {"schedule": "eager"}),
    ],
)
def test_a_wrong_option_is_named(code: str, given: dict[str, Any]) -> None:
    assert wrong(**given) == [code]


def test_all_problems_come_at_once() -> None:
    assert wrong(target="x", coding="y", schedule="z", bits=0, levels=0, weight_bits=0) == [
        "SNN501",
        "SNN502",
        "SNN505",
        "SNN503",
        "SNN503",
        "SNN503",
        "SNN504",
    ]


def test_a_coding_with_payloads_needs_a_target_that_carries_them(monkeypatch: pytest.MonkeyPatch) -> None:
    poor = replace(load_target("loihi2"), graded=False)
    monkeypatch.setattr(options, "load_target", lambda name: poor)
    graded = [name for name, coding in CODINGS.items() if coding.graded]
    assert [wrong(coding=name) for name in graded] == [["SNN506"]] * len(graded)
    assert make_options(coding="rate").coding == "rate"


def test_weights_are_no_wider_than_the_target_stores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "load_target", lambda name: replace(load_target("loihi2"), weight_bits=4))
    assert make_options().weight_bits == make_options(weight_bits=4).weight_bits == 4
    assert make_options(weight_bits="a=3").recipes.weight_bits("b") == 4
    assert wrong(weight_bits=5) == ["SNN504"]
    assert wrong(weight_bits="6,a=8,b=4") == ["SNN504", "SNN504"]


def test_a_dominated_coding_is_noted() -> None:
    for name in CODINGS:
        made = make_options(coding=name)
        assert [note.code for note in made.notes()] == (["SNN510"] if name in made.target.dominated else [])


def test_the_nearest_name_comes_first() -> None:
    assert choices("codings", ("graded", "rate"), "gradde") == "did you mean 'graded'? codings are: graded, rate"
    assert choices("codings", ("graded", "rate"), "") == "codings are: graded, rate"
