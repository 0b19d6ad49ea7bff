"""Events on the circle are those that ``runtime.placed`` counts in a run, and those that verification counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from snncc.compiler.ir.graph import Graph
from snncc.compiler.placement.slices import HOST
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.compiler.targets.target import Board
from snncc.runtime.cost.circle import circle, host_values
from snncc.runtime.cost.counting import Counting, one_core
from snncc.runtime.cost.events import Events, summed
from snncc.runtime.cost.neurobench import Workload
from snncc.runtime.cost.reach import reaches
from snncc.runtime.placed.count import count
from snncc.runtime.stepped import Tally, step_and_compare
from tests.integer_nets import random_levels
from tests.random_slices import placements
from tests.runtime.cost.hand import X
from tests.runtime.cost.hand import program as small_program
from tests.runtime.cost.hand import target as small_target
from tests.test_dags import programs

Ints = npt.NDArray[np.int64]
SAMPLES = 3
TARGET = replace(load_target("loihi2"), board=Board(chips=3, cores=4, tile_cores=2, columns=2, chip_columns=2))
NAMES = {
    "synaptic_event": "synaptic_events",
    "spike": "spikes",
    "message": "received",
    "word_read": "word_reads",
    "hop_x": "hops_x",
    "hop_y": "hops_y",
    "chip_hop": "chip_hops",
}
often = settings(max_examples=15, suppress_health_check=list(HealthCheck), phases=[Phase.generate], deadline=None)


def by_input(program: Program, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    claims = {p.name: p.claim for p in program.populations}
    return {i.name: levels[claim.node] for i in program.inputs if (claim := claims[i.population])}


def counted(program: Program, levels: Mapping[str, Ints]) -> Events:
    counting = Counting(program, TARGET.board, TARGET.packing, SAMPLES * program.interval)
    for step, sent in circle(program, levels):
        counting.add(step, sent)
    return counting.events(host_values(program, levels), SAMPLES)


def bent(run: Ints, steps: int) -> Ints:
    """Return a run [steps, cores] on the circle."""
    found = np.zeros((steps, run.shape[1]), dtype=np.int64)
    np.add.at(found, np.arange(len(run)) % steps, run)
    return found


def on_core(events: Events, kind: str, core: int) -> Ints:
    mine = [part.core == core for part in events.slices]
    return events.counts[kind][:, mine].sum(axis=1)


@often
@given(made=programs(), data=st.data(), seed=st.integers(0, 99))
def test_events_are_those_of_a_run_bent_into_a_circle(
    made: tuple[Graph, Program], data: st.DataObject, seed: int
) -> None:
    graph, program = made
    placed = data.draw(placements(program))
    levels = by_input(program, random_levels(graph, SAMPLES, seed))
    events, run = counted(placed, levels), count(placed, TARGET, levels)
    for kind, name in NAMES.items():
        beside = bent(getattr(run, name), events.steps)
        for column, core in enumerate(run.cores.tolist()):
            assert on_core(events, kind, core).tolist() == beside[:, column].tolist(), kind
    injected = bent(run.injected, events.steps).sum(axis=1)
    host = injected if run.host is None else injected + bent(run.host.spikes, events.steps).sum(axis=1)
    assert events.host.tolist() == host.tolist()
    assert events.cores == tuple(run.cores.tolist())


@often
@given(made=programs(), seed=st.integers(0, 99))
def test_operations_are_the_events_that_verification_counts(made: tuple[Graph, Program], seed: int) -> None:
    graph, program = made
    levels, tally = random_levels(graph, SAMPLES, seed), Tally()
    step_and_compare(program, graph, levels, tally)
    whole = one_core(program)
    workload = Workload(reaches(program))
    for _, sent in circle(program, by_input(program, levels)):
        workload.add(sent)
    operations = sum(workload.macs.values()) + sum(workload.acs.values())
    events = counted(whole, by_input(program, levels))
    assert operations == events.counts["synaptic_event"].sum()
    assert (events.counts["update"] == [p.size for p in program.populations]).all()
    ends = (p.start + p.window for p in program.populations if p.claim and p.claim.kind != "read")
    if max(ends) <= program.latency + 1:  # else the tally ends before some population has sent all it has to
        assert operations == tally.synops
        assert events.counts["spike"].sum() == tally.spikes


@often
@given(made=programs(), data=st.data(), seed=st.integers(0, 99))
def test_layers_and_cores_add_up_to_the_same(made: tuple[Graph, Program], data: st.DataObject, seed: int) -> None:
    graph, program = made
    placed = data.draw(placements(program))
    events = counted(placed, by_input(program, random_levels(graph, SAMPLES, seed)))
    for kind, means in events.means().items():
        layers = summed(means, [part.population for part in events.slices])
        cores = summed(means, [part.core for part in events.slices])
        assert cores.pop(HOST, 0.0) == 0
        np.testing.assert_allclose(sum(layers.values()), sum(cores.values()), rtol=1e-12)
        assert round(sum(layers.values()) * SAMPLES) == events.of(kind).sum()


def test_the_busiest_link_carries_what_meets_on_the_circle() -> None:
    small, chip, levels = small_program(), small_target(), {"x": X.astype(np.int64)}
    counting = Counting(small, chip.board, chip.packing, 4)
    for step, sent in circle(small, levels):
        counting.add(step, sent)
    assert counting.events(host_values(small, levels), 2).link.tolist() == [1, 2, 2, 2]
