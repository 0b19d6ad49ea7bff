"""Counts made fast, from the program as a whole, are those of the definition, and add up to the program's totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.placement.place import place
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Program
from snncc.compiler.targets import Board, Packing, Target, load_target
from snncc.compiler.trace import Arrivals, Feed, feed_levels
from snncc.runtime.placed.count import count, count_feed
from snncc.runtime.placed.counts import COUNTED, Counts
from snncc.runtime.stepped import Tally, step_and_compare
from tests.integer_nets import random_levels, two_layers
from tests.random_slices import placements
from tests.runtime.placed.definition import Slow
from tests.runtime.test_emulator import EYES, lif_program
from tests.test_dags import programs

Ints = npt.NDArray[np.int64]
SAMPLES = 3
LOIHI2 = load_target("loihi2")
BOARD = Board(chips=3, cores=4, tile_cores=1, columns=2, chip_columns=2)
often = settings(max_examples=40, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


@st.composite
def targets(draw: st.DrawFn) -> Target:
    """Return Loihi 2 with synapses stored in some way, on some small board."""
    packing = Packing(
        kind=draw(st.sampled_from(["list", "list", "crossbar"])),
        word_bits=draw(st.sampled_from([8, 64])),
        shared_kernels=draw(st.booleans()),
        kernel_bits=draw(st.integers(0, 3)),
        list_bits=draw(st.integers(0, 9)),
        delay_bits=draw(st.integers(0, 3)),
        header_bits=draw(st.integers(0, 20)),
        block_synapses=draw(st.sampled_from([0, 2])),
        widths=draw(st.sampled_from([(), (2, 8)])),
        rows=4,
    )
    board = Board(3, 4, draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 3)))
    return replace(LOIHI2, packing=packing, board=board)


def by_input(program: Program, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    claims = {p.name: p.claim for p in program.populations}
    return {i.name: levels[claim.node] for i in program.inputs if (claim := claims[i.population])}


def by_core(counts: Counts, name: str) -> dict[tuple[int, int], int]:
    """Return a count where it is not 0, by (step, core)."""
    sides = [counts, counts.host] if counts.host else [counts]
    return {
        (int(step), int(side.cores[column])): int(getattr(side, name)[step, column])
        for side in sides
        for step, column in np.argwhere(getattr(side, name))
    }


def assert_defined(counts: Counts, program: Program, target: Target, feed: Feed, lives: Mapping[str, range]) -> None:
    slow = Slow(program, target, lives)
    slow.run(feed)
    for name in set(COUNTED) - {"injected"}:
        assert by_core(counts, name) == {place: n for place, n in slow.found[name].items() if n}, name
        assert counts.slices[name].sum() == counts.total(name)
    assert counts.busiest_link.tolist() == slow.busiest(counts.steps)


@often
@given(made=programs(), data=st.data(), target=targets(), seed=st.integers(0, 99))
def test_counts_are_those_of_the_definition(
    made: tuple[Graph, Program], data: st.DataObject, target: Target, seed: int
) -> None:
    graph, program = made
    placed = data.draw(placements(program))
    levels = by_input(placed, random_levels(graph, SAMPLES, seed))
    found = count(placed, target, levels)
    lives = {p.name: range(p.start, p.start + SAMPLES * program.interval) for p in program.populations}
    feed = replace(feed_levels(placed, levels), steps=found.steps)
    assert_defined(found, placed, target, feed, lives)
    assert found.total("injected") == sum(np.count_nonzero(a) for a in levels.values())


@often
@given(made=programs(), data=st.data(), seed=st.integers(0, 99))
def test_sums_over_cores_are_what_verification_counts(
    made: tuple[Graph, Program], data: st.DataObject, seed: int
) -> None:
    graph, program = made
    levels = random_levels(graph, SAMPLES, seed)
    found = count(data.draw(placements(program)), LOIHI2, by_input(program, levels))
    tally = Tally()
    step_and_compare(program, graph, levels, tally)
    assert found.total("updates") == SAMPLES * program.interval * sum(p.size for p in program.populations)
    assert found.total("sent") == found.total("received")
    ends = (p.start + p.window for p in program.populations if p.claim and p.claim.kind != "read")
    if max(ends) <= program.latency + 1:  # else the tally ends before some population has sent all it has to
        assert found.total("spikes") == tally.spikes
        assert found.total("synaptic_events") == tally.synops


def two_layer_program(coding: str = "graded") -> tuple[Graph, Program]:
    graph = two_layers()
    return graph, lower(graph, Choice(CODINGS[coding], CODINGS[coding]), LOIHI2)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_program_placed_by_the_compiler_is_counted(coding: str) -> None:
    graph, program = two_layer_program(coding)
    levels, tally = random_levels(graph, 4), Tally()
    step_and_compare(program, graph, levels, tally)
    found = count(place(program, LOIHI2), LOIHI2, by_input(program, levels))
    assert (found.total("spikes"), found.total("synaptic_events")) == (tally.spikes, tally.synops)
    assert found.samples == 4
    assert found.interval == program.interval


def test_what_the_host_plays_is_counted_apart() -> None:
    graph, program = two_layer_program()
    fed = program.inputs[0].population
    slices = [
        Slice(f"{p.name}.0", p.name, (0,) * len(p.shape), p.shape, HOST if p.name == fed else 5)
        for p in program.populations
    ]
    placed = replace(program, board="test", slices=tuple(slices))
    levels = by_input(program, random_levels(graph, 2))
    found = count(placed, replace(LOIHI2, board=BOARD), levels)
    assert found.host is not None
    assert found.cores.tolist() == [5]
    assert found.host.cores.tolist() == [HOST]
    sent = int(sum(np.count_nonzero(a) for a in levels.values()))
    assert found.host.injected.sum() == found.host.spikes.sum() == found.host.sent.sum() == sent
    assert found.received.sum() == sent + found.sent.sum()
    assert found.host.updates.sum() == 2 * program.interval * program.population[fed].size
    assert found.host.received.sum() == found.host.hops_x.sum() == 0
    assert found.hops_x.sum() == found.hops_y.sum() == found.chip_hops.sum() == found.busiest_link.sum() == 0


@settings(max_examples=15, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(data=st.data(), target=targets(), seed=st.integers(0, 99))
def test_recurrent_programs_fed_with_events_are_counted(data: st.DataObject, target: Target, seed: int) -> None:
    program, steps, random = lif_program(), 12, np.random.default_rng(seed)
    events = [(int(random.integers(steps)), int(random.integers(EYES)), int(random.integers(1, 40))) for _ in range(30)]
    feed = Feed(steps, {"dvs": Arrivals.of(events)})
    placed = data.draw(placements(program))
    found = count_feed(placed, target, feed)
    assert found.samples == 0
    assert found.total("injected") == len(feed.arrivals["dvs"].step)
    assert_defined(found, placed, target, feed, {p.name: range(steps) for p in program.populations})


def test_progress_is_told_step_by_step() -> None:
    graph, program = two_layer_program()
    told: list[tuple[int, int]] = []
    found = count(
        place(program, LOIHI2), LOIHI2, by_input(program, random_levels(graph, 2)), lambda *at: told.append(at)
    )
    assert told == [(step + 1, found.steps) for step in range(found.steps)]


def test_a_program_without_cores_is_refused() -> None:
    graph, program = two_layer_program()
    with pytest.raises(SnnccError) as caught:
        count(program, LOIHI2, by_input(program, random_levels(graph, 1)))
    assert [d.code for d in caught.value.diagnostics] == ["SNN729"]
