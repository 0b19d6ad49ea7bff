"""Every rule of a placement is checked, and every broken one reported."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.container import load_program, program_bytes, save_program
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Program
from snncc.compiler.program_check import check_program
from tests.random_slices import placements
from tests.runtime.placed_files import PLANTS, PlacedFile
from tests.strategies_program import example, programs

# kinds of violations that need no target to be seen
RULES = {
    "slice taken away": {"SNN720", "SNN724"},  # SNN720 if it was the only one
    "slice shorter by one": {"SNN724"},
    "slice longer by one": {"SNN723", "SNN724"},
    "slice before the start": {"SNN723", "SNN724"},
    "slice moved along": {"SNN724"},
    "slice twice": {"SNN724"},
    "slice in full twice": {"SNN721", "SNN724"},
    "name twice": {"SNN721"},
    "slice empty": {"SNN723", "SNN724"},
    "slice without an axis": {"SNN723", "SNN724"},
    "slice of no population": {"SNN722", "SNN724"},
    "slice of another population": {"SNN723", "SNN724"},
    "core below the host": {"SNN725"},
    "no board": {"SNN720"},
    "no slices": {"SNN720"},
}
SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large)


def placed(*slices: Slice, board: str = "chip") -> Program:
    """Return the example, of populations [1, 2, 2] and [9, 1, 1], with slices."""
    return replace(example(), board=board, slices=slices)


FIRST, SECOND = example().populations[0].name, example().populations[1].name
LEFT = Slice("a", FIRST, (0, 0, 0), (1, 1, 2), 0)
RIGHT = Slice("b", FIRST, (0, 1, 0), (1, 2, 2), HOST)
WHOLE = Slice("c", SECOND, (0, 0, 0), (9, 1, 1), 7)


def changed(**changes: Any) -> Program:
    """Return the placed example, with its first slice changed."""
    return placed(replace(LEFT, **changes), RIGHT, WHOLE)


def test_a_placement_that_covers_everything_once_is_legal() -> None:
    assert check_program(placed(LEFT, RIGHT, WHOLE)) == []


@pytest.mark.parametrize(
    ("program", "codes", "words"),
    [
        (placed(board="chip"), ["SNN720"], "is placed on chip, and no neuron has a core"),
        (placed(LEFT, RIGHT, WHOLE, board=""), ["SNN720"], "names no target"),
        (placed(LEFT, RIGHT, WHOLE, board="a chip"), ["SNN720"], "'a chip', which is no name of a target"),
        (changed(name="a b"), ["SNN721"], "slice 'a b' is not named"),
        (changed(name="b"), ["SNN721"], "slice b stands 2 times"),
        (changed(population="q"), ["SNN722", "SNN724"], "slice a is a part of q, which is no population"),
        (changed(hi=(1, 1, 3)), ["SNN723", "SNN724"], r"slice a goes from \(0, 0, 0\) up to \(1, 1, 3\)"),
        (changed(lo=(0, -1, 0)), ["SNN723", "SNN724"], "in a population of shape"),
        (changed(hi=(1, 0, 2)), ["SNN723", "SNN724"], "2 neurons of population .* are in no slice"),
        (changed(lo=(0, 0)), ["SNN723", "SNN724"], "slice a goes from"),
        (changed(hi=(1, 1, 1)), ["SNN724"], "1 neurons of population .* are in no slice"),
        (changed(hi=(1, 2, 2)), ["SNN724"], "overlap in 2 neurons"),
        (changed(core=-2), ["SNN725"], "slice a is on core -2"),
    ],
)
def test_each_broken_rule_is_reported(program: Program, codes: list[str], words: str) -> None:
    found = check_program(program)
    assert [problem.code for problem in found] == codes
    assert any(re.search(words, problem.message) for problem in found)
    assert all(code in CATALOGUE for code in codes)


def test_all_broken_rules_are_reported_together(tmp_path: Path) -> None:
    program = placed(replace(LEFT, core=-3), replace(RIGHT, population="q"), board="")
    with pytest.raises(SnnccError) as caught:
        save_program(program, tmp_path / "it.snnp")
    assert {problem.code for problem in caught.value.diagnostics} == {"SNN720", "SNN722", "SNN724", "SNN725"}
    assert not list(tmp_path.iterdir())


@settings(max_examples=25, suppress_health_check=SLOW)
@given(programs(), st.data())
def test_random_placements_are_legal_and_read_back(tmp_path: Path, program: Program, data: st.DataObject) -> None:
    whole = data.draw(placements(program))
    assert check_program(whole) == []
    (tmp_path / "it.snnp").write_bytes(program_bytes(whole))
    assert load_program(tmp_path / "it.snnp") == whole


@settings(max_examples=20, suppress_health_check=SLOW)
@given(programs(), st.integers(0, 999), st.data())
def test_planted_violations_are_refused_by_whoever_reads_the_file(
    tmp_path: Path, program: Program, seed: int, data: st.DataObject
) -> None:
    whole = PlacedFile(data.draw(placements(program)))
    for number, (kind, codes) in enumerate(RULES.items()):
        planted = whole.copy()
        if not whole.slices or not PLANTS[kind](planted, np.random.default_rng([seed, number])):
            continue
        (tmp_path / "it.snnp").write_bytes(planted.data())
        with pytest.raises(SnnccError) as caught:
            load_program(tmp_path / "it.snnp")
        assert {problem.code for problem in caught.value.diagnostics} <= codes, kind
