"""Slices send what the whole program sends, whatever the placement; where they do not, the place is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from snncc.compiler.coding import CODINGS
from snncc.compiler.ir.graph import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.placement.place import place
from snncc.compiler.placement.sliced import sliced
from snncc.compiler.placement.slices import Slice
from snncc.compiler.program import Population, Program
from snncc.compiler.targets import load_target
from snncc.compiler.trace import Arrivals, Feed
from snncc.runtime.placed import compare
from snncc.runtime.placed.compare import compare_feed, compare_placed
from tests.integer_nets import random_levels, two_layers
from tests.random_slices import placements
from tests.runtime.placed.test_count import by_input
from tests.runtime.test_emulator import EYES, lif_program
from tests.test_dags import programs

LOIHI2 = load_target("loihi2")
SAMPLES, STREAMS = 4, 2


def often(cases: int) -> Callable[..., object]:
    return settings(max_examples=cases, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


def levels_of(graph: Graph, program: Program, seed: int = 0) -> dict[str, np.ndarray]:
    flat = by_input(program, random_levels(graph, SAMPLES * STREAMS, seed))
    return {name: array.reshape(SAMPLES, STREAMS, *array.shape[1:]) for name, array in flat.items()}


@often(60)
@given(made=programs(), data=st.data(), seed=st.integers(0, 99))
def test_random_placements_send_the_same_spikes(made: tuple[Graph, Program], data: st.DataObject, seed: int) -> None:
    graph, program = made
    found = compare_placed(data.draw(placements(program)), levels_of(graph, program, seed))
    assert found.mismatches == 0, found.first
    assert found.samples == SAMPLES * STREAMS
    assert found.steps == STREAMS * (program.latency + (SAMPLES - 1) * program.interval + 1)


@often(20)
@given(made=programs())
def test_placements_of_the_compiler_send_the_same_spikes(made: tuple[Graph, Program]) -> None:
    graph, program = made
    tight = replace(LOIHI2, core=replace(LOIHI2.core, neurons=3), board=replace(LOIHI2.board, chips=8))
    placed = place(program, tight)
    assert max(part.size for part in placed.slices) <= 3
    found = compare_placed(placed, levels_of(graph, program))
    assert found.mismatches == 0, found.first


@often(10)
@given(data=st.data(), seed=st.integers(0, 99))
def test_recurrent_programs_fed_with_events_do_the_same(data: st.DataObject, seed: int) -> None:
    program, random = lif_program(), np.random.default_rng(seed)
    events = [(int(random.integers(20)), int(random.integers(EYES)), int(random.integers(1, 40))) for _ in range(40)]
    found = compare_feed(data.draw(placements(program)), Feed(20, {"dvs": Arrivals.of(events)}))
    assert (found.mismatches, found.steps) == (0, 20)


def two_layers_placed() -> tuple[Graph, Program]:
    """Return two layers, the first of them cut in two by channels and in two by rows, on cores 0, 1, ..."""
    graph = two_layers()
    program = lower(graph, Choice(CODINGS["graded"], CODINGS["graded"]), LOIHI2)
    slices: list[Slice] = []
    for p in program.populations:
        boxes = [((0,) * len(p.shape), p.shape)]
        if p.name == "first":
            boxes = [((c, y, 0), (c + 1, y + 2, 4)) for c in range(2) for y in (0, 2)]
        for number, (lo, hi) in enumerate(boxes):
            slices.append(Slice(f"{p.name}.{number}", p.name, lo, hi, len(slices)))
    return graph, replace(program, board="test", slices=tuple(slices))


def plant(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Population], Population]) -> None:
    """Let a slice of the sliced program differ."""

    def broken(program: Program) -> Program:
        parts = sliced(program)
        cells = tuple(change(p) if p.name == name else p for p in parts.populations)
        return replace(parts, populations=cells)

    monkeypatch.setattr(compare, "sliced", broken)


def test_the_first_difference_is_named_with_its_core(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, program = two_layers_placed()
    plant(monkeypatch, "first.3", lambda p: replace(p, params={**p.params, "offset": p.params["offset"] + 100}))
    found = compare_placed(program, levels_of(graph, program))
    assert found.mismatches > 0
    assert found.first is not None
    assert (found.first.population, found.first.step, found.first.sample) == ("first", 1, 0)
    assert found.first.core == 4  # behind the input and three slices
    assert found.first.neuron >= 16 + 8  # second channel, lower half
    assert found.first.what in ("spike", "membrane")
    assert found.first.expected != found.first.found
    assert found.first.loc == program.population["first"].loc


def test_a_state_that_leaves_its_width_is_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, program = two_layers_placed()
    plant(monkeypatch, "first.3", lambda p: replace(p, params={**p.params, "offset": p.params["offset"] + (1 << 40)}))
    found = compare_placed(program, levels_of(graph, program))
    assert found.mismatches == 1
    assert found.first is not None
    assert (found.first.population, found.first.neuron, found.first.core) == ("first", 16 + 8, 4)
    assert "left" in found.first.what


def test_a_whole_program_that_overflows_is_named_too() -> None:
    graph, program = two_layers_placed()
    wide = tuple(
        replace(p, params={**p.params, "offset": p.params["offset"] + (1 << 40)}) if p.name == "first" else p
        for p in program.populations
    )
    found = compare_placed(replace(program, populations=wide), levels_of(graph, program))
    assert found.first is not None
    assert (found.first.population, found.first.core) == ("first", 1)


def test_lost_connections_are_a_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, program = two_layers_placed()

    def broken(whole: Program) -> Program:
        parts = sliced(whole)
        return replace(parts, connections=tuple(c for c in parts.connections if c.source != "first.2"))

    monkeypatch.setattr(compare, "sliced", broken)
    found = compare_placed(program, levels_of(graph, program))
    assert found.first is not None
    assert found.first.population == "pool"
    assert found.first.inputs
