"""``--slices``: how many samples are stepped slice by slice, and artifacts with a population for every slice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from snncc import api
from tests.snncc.conftest import Command


def test_verify_steps_as_many_samples_as_are_asked_for(work: Path, snncc: Command) -> None:
    words = ("verify", "tiny.snnp", "--data", "test.npz", "--limit", 2, "--json")
    assert snncc(*words).json["placed_samples"] == 2
    assert snncc(*words, "--slices", 3).json["placed_samples"] == 3
    assert snncc(*words, "--slices", 0).json["placed_samples"] == 0


def test_emit_writes_a_population_for_every_slice(work: Path, snncc: Command) -> None:
    program = api.load("tiny.snnp")
    done = snncc("emit", "tiny.snnp", "--backend", "c", "-o", "art", "--slices", "--data", "test.npz", "--json")
    assert done.code == 0, done.out
    assert [p["name"] for p in done.json["populations"]] == [s.name for s in program.slices]
    assert [s["core"] for s in done.json["placement"]["slices"]] == [s.core for s in program.slices]


def test_slices_of_a_program_without_placement_are_refused(work: Path, refused: Command) -> None:
    replace(api.load("tiny.snnp"), board="", slices=()).save("loose.snnp")
    assert refused("emit", "loose.snnp", "--backend", "c", "-o", "art", "--slices").codes == ["SNN729"]
