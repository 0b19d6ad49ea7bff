"""What a program costs: every figure of a program worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.program import DenseSynapses, EventInput, Program, SparseSynapses
from snncc.compiler.targets.target import CostTable, Host
from snncc.runtime.cost.cost import cost
from snncc.runtime.cost.report import CostReport
from tests.runtime.cost.hand import TABLE, X, program, target


@pytest.fixture(scope="module")
def report() -> CostReport:
    return cost(program(), X, target(), rate=1e6)


def events(report: CostReport) -> dict[str, float | None]:
    return {kind.kind: kind.events for kind in report.spiking.energy.kinds}


def test_events_are_means_of_the_samples(report: CostReport) -> None:
    assert report.samples == 2
    assert events(report) == {
        "synaptic_event": (5 + 4) / 2,  # 2 and 3 nonzero weights from a, 2 and 2 from b
        "update": 6 * 2,  # neurons x steps of an interval
        "spike": (3 + 4) / 2,
        "message": (3 + 3 + 4) / 2,  # from a to both slices of b, from b to c
        "word_read": (3 + 3 + 4) / 2,  # one word a list, zeros stored
        "hop_x": (3 + 4) / 2,  # core 0 to 1, core 1 to 2
        "hop_y": (3 + 4) / 2,  # core 0 to 2, core 1 to 2
        "chip_hop": 0,
    }


def test_energy_is_events_times_the_table(report: CostReport) -> None:
    spent = report.spiking.energy
    assert spent.dynamic_pj == (90 + 24 + 35 + 20 + 21 + 28) / 2
    assert {kind.kind: kind.energy_pj for kind in spent.kinds}["spike"] == 35 / 2


def test_energy_belongs_to_layers_and_cores(report: CostReport) -> None:
    spent = report.spiking.energy
    a = 8 * 1 + 3 * 5 + 3 * 3 + 3 * 4  # updates, spikes, hops of what it sends
    b = 12 * 1 + 5 * 10 + 6 * 2 + 4 * 5 + 4 * (3 + 4)
    c = 4 * 1 + 4 * 10 + 4 * 2
    assert {part.name: part.energy_pj for part in spent.layers} == {"a": a / 2, "b": b / 2, "c": c / 2}
    b_alone = 4 * 1 + 3 * 2  # neuron 2 of b, which meets no weight but 0
    on_cores = {"0": a / 2, "1": (b - b_alone) / 2, "2": (c + b_alone) / 2}
    assert {part.name: part.energy_pj for part in spent.cores} == on_cores
    # updates 2 ns, events 4 ns, messages 1 ns, of two samples
    times = {"0": 8 * 2, "1": 8 * 2 + 5 * 4 + 3, "2": (4 * 2 + 3) + (4 * 2 + 4 * 4 + 4)}
    assert {part.name: part.core_ns for part in spent.cores} == {core: ns / 2 for core, ns in times.items()}


def test_the_slowest_core_and_the_barrier_make_a_step(report: CostReport) -> None:
    times = report.spiking.timing
    assert times.barrier_ns == 15  # of up to 4 tiles; 3 are in use
    # c: update 2, 2 events, 2 messages, on a core with a neuron of b; b.0: 2 updates, 2 or 3 events, 1 or 2 messages
    assert times.step_ns.tolist() == [15 + 14, 15 + 13, 15 + 14, 15 + 18]
    assert times.bound == ("barrier", "barrier", "barrier", "compute")
    assert (times.core[3], times.layer[3]) == (1, "b")
    assert [(b.bound, b.core, b.layer) for b in times.bottlenecks] == [("barrier", None, ""), ("compute", 1, "b")]
    assert times.bottlenecks[1].share == 33 / 119


def test_times_of_an_inference(report: CostReport) -> None:
    times = report.spiking.timing
    assert times.interval_ns == 119 / 2
    assert times.latency_ns == ((29 + 28 + 29) + (29 + 33 + 29)) / 2  # steps 0 to 2 of each sample
    assert times.throughput == pytest.approx(2e9 / 119)


def test_static_energy_lasts_as_long_as_an_interval(report: CostReport) -> None:
    side = report.spiking
    assert (report.chips, side.static_watts) == (1, 0.001)
    assert side.static_pj == pytest.approx(119 / 2)  # 1 mW is 1 pJ a ns
    assert side.total_pj == pytest.approx(109 + 119 / 2)


def test_at_a_rate_chips_rest(report: CostReport) -> None:
    at = report.spiking.at_rate
    assert at is not None
    assert at.duty_cycle == pytest.approx(0.0885)  # 3 steps until the answer is out, of 88.5 ns
    assert at.dynamic_pj == 109 + 6  # 6 neurons are updated in one step more than an interval has
    assert at.static_pj == pytest.approx(1000)  # 1 mW for 1 us
    assert at.total_pj == pytest.approx(1115)
    assert at.average_watts == pytest.approx(1115e-6)
    assert at.answer_ns == pytest.approx(88.5)  # chips step on, and wait for no other inference
    assert at.reached


def test_an_ann_at_a_rate_answers_in_its_own_time(report: CostReport) -> None:
    at = report.frames.at_rate
    assert at is not None
    assert at.answer_ns == report.frames.timing.latency_ns == 132
    assert at.dynamic_pj == 163  # a layer that no frame passes takes no update


def test_steps_between_close_inferences_are_theirs() -> None:
    at = cost(program(), X, target(), rate=1e9 / 59.5 * 0.999).spiking.at_rate
    assert at is not None
    assert at.duty_cycle == 1
    assert at.dynamic_pj == pytest.approx(109, abs=0.1)


def test_a_rate_may_be_out_of_reach() -> None:
    assert not cost(program(), X, target(), rate=2e7).reached


def test_the_ann_multiplies_everything_once(report: CostReport) -> None:
    frames = report.frames
    assert {kind.kind: kind.events for kind in frames.energy.kinds} == {
        "synaptic_event": 9,
        "update": 6,
        "spike": 5,  # c is read, and sends nothing
        "message": 2 + 2 + 2 + 1,
        "word_read": 3,  # 4, 2 and 3 weights of 8 bits in 3 lists
        "hop_x": 4,
        "hop_y": 4,
        "chip_hop": 0,
    }
    assert (frames.interval_steps, frames.latency_steps) == (1, 2)
    assert frames.energy.dynamic_pj == 90 + 6 + 25 + 14 + 12 + 16
    # core 2: 2 updates, 2 + 3 weights, 2 + 3 messages
    assert frames.timing.step_ns.tolist() == [15 + 4 + 20 + 5]
    assert report.ratio == pytest.approx((163 + 44) / (109 + 119 / 2))
    assert report.event_ratio == pytest.approx(163 / 109)


def test_neurobench_metrics(report: CostReport) -> None:
    found = report.neurobench
    assert found.connection_sparsity == 3 / 9
    assert found.activation_sparsity == pytest.approx(1 - 4 / 12)  # b: 3 neurons in 4 steps
    assert found.synaptic_operations.effective_acs == (2 + 3) / 2  # a sends ones
    assert found.synaptic_operations.effective_macs == (2 + 2) / 2  # b sends 2, or 3, in the same step
    assert found.synaptic_operations.dense == 2 * 9
    assert found.footprint_parts == {
        "weights": 3,  # 6 of 3 bits, 3 of 2 bits
        "indices": 0,
        "parameters": 0,
        "states": 6,
        "delays": 0,
    }


def test_the_host_may_hold_steps_up() -> None:
    times = cost(program(), X, target(host=Host(events_per_second=5e7))).spiking.timing
    assert times.step_ns.tolist() == [15 + 20, 15 + 13, 15 + 40, 15 + 18]  # 1 and 2 values, 20 ns each
    assert times.bound == ("io", "barrier", "io", "compute")


def test_a_link_may_hold_steps_up() -> None:
    slow = replace(TABLE, time=dict(TABLE.time) | {"hop_x": 30.0})
    times = cost(program(), X, target(slow)).spiking.timing
    # in step 1 two spikes of b pass one link, in step 2 two of a pass one to each slice
    assert times.step_ns.tolist() == [15 + 30, 15 + 60, 15 + 60, 15 + 60]
    assert set(times.bound) == {"traffic"}


def test_reading_memory_may_hold_steps_up() -> None:
    slow = replace(TABLE, time=dict(TABLE.time) | {"word_read": 50.0})
    times = cost(program(), X, target(slow)).spiking.timing
    assert times.step_ns.tolist() == [15 + 100, 15 + 50, 15 + 100, 15 + 100]
    assert times.core == (2, 1, 2, 1)


def test_what_a_table_does_not_state_is_absent_and_named() -> None:
    bare = CostTable("bare", "made up", energy={"update": 1.0}, time={}, barrier={})
    report = cost(program(), X, target(bare))
    side = report.spiking
    assert side.energy.dynamic_pj == 12
    assert side.static_pj is side.total_pj is side.timing.interval_ns is side.timing.throughput is None
    assert side.without["energy"] == [
        "synaptic_event", "spike", "message", "word_read", "hop_x", "hop_y", "static power",
    ]  # fmt: skip
    assert set(side.without["time"]) == {
        "update", "synaptic_event", "spike", "message", "word_read", "hop_x", "hop_y", "io", "barrier",
    }  # fmt: skip
    assert {kind.kind: kind.energy_pj for kind in side.energy.kinds}["spike"] is None
    assert {kind.kind: kind.energy_pj for kind in side.energy.kinds}["chip_hop"] == 0.0  # there is none


def test_without_a_table_events_are_counted_all_the_same() -> None:
    report = cost(program(), X, replace(target(), tables={}), rate=1.0)
    assert events(report)["synaptic_event"] == 4.5
    assert report.table == "none"
    assert report.spiking.energy.dynamic_pj is None
    assert all(part.energy_pj is None for part in report.spiking.energy.layers)
    assert report.spiking.at_rate is not None
    assert report.spiking.at_rate.average_watts is None


def test_more_tiles_than_the_table_knows_are_noted() -> None:
    report = cost(program(), X, target(replace(TABLE, barrier={2: 10.0})))
    assert report.spiking.timing.barrier_ns == 10
    assert "3 tiles are in use" in report.notes[0]


def test_a_program_that_does_not_fit_is_counted_on_one_core() -> None:
    small = replace(target(), core=replace(target().core, neurons=0))
    report = cost(replace(program(), board="", slices=()), X, small)
    assert not report.placed
    assert report.cores == 1
    assert events(report)["word_read"] is None
    assert events(report)["hop_x"] == 0
    assert events(report)["synaptic_event"] == 4.5
    assert "does not fit tiny" in report.notes[0]


def test_a_program_is_placed_where_it_is_not() -> None:
    report = cost(replace(program(), board="", slices=()), X, target())
    assert report.placed
    assert report.notes == ("placed on tiny for this report",)
    assert events(report)["update"] == 12


def test_a_population_on_the_host_costs_the_chip_nothing_but_its_messages() -> None:
    placed = program()
    hosted = replace(placed, slices=(replace(placed.slices[0], core=-1), *placed.slices[1:]))
    report = cost(hosted, X, target(host=Host(encoders="host", events_per_second=5e7)))
    found = events(report)
    assert found["update"] == 4 * 2
    assert found["spike"] == 4 / 2
    assert found["message"] == 5
    assert found["hop_x"] == found["hop_y"] == 2
    assert report.spiking.timing.step_ns.tolist() == [10 + 20, 10 + 13, 10 + 40, 10 + 18]  # 2 tiles are in use
    assert report.cores == 2


def test_every_wrong_wish_is_told() -> None:
    free = replace(program(), interval=0, inputs=(EventInput("x", "a", "add"),))
    with pytest.raises(SnnccError) as caught:
        cost(free, X, target(), rate=0.0, limit=0)
    assert [problem.code for problem in caught.value.diagnostics] == ["SNN731", "SNN731", "SNN732"]
    assert caught.value.exit_code == 2


def test_an_unknown_table_is_told_with_those_there_are() -> None:
    with pytest.raises(SnnccError, match=r"(?s)SNN730.*its tables are: hand"):
        cost(program(), X, target(), table="other")


def test_json_says_all_of_it(report: CostReport) -> None:
    told = report.to_json()
    assert told["kind"] == "modelled"
    assert told["spiking"]["steps"]["bound"] == ["barrier", "barrier", "barrier", "compute"]
    assert told["spiking"]["at_rate"]["reached"] is True
    assert told["neurobench"]["synaptic_operations"]["dense"] == 18
    assert told["frames"]["energy"]["kinds"][0] == {
        "kind": "synaptic_event", "events": 9.0, "each_pj": 10.0, "energy_pj": 90.0,
    }  # fmt: skip


def with_samples(program: Program, x: np.ndarray) -> CostReport:
    return cost(program, x, target())


def test_events_do_not_depend_on_how_many_samples_run() -> None:
    once, twice = with_samples(program(), X), with_samples(program(), np.concatenate([X, X]))
    assert events(once) == events(twice)
    assert once.spiking.timing.interval_ns == twice.spiking.timing.interval_ns
    assert once.spiking.timing.latency_ns == twice.spiking.timing.latency_ns


def test_a_table_is_chosen_by_name() -> None:
    second = replace(TABLE, name="second", energy={"update": 3.0})
    chip = replace(target(), tables={"hand": TABLE, "second": second})
    report = cost(program(), X, chip, table="second")
    assert (report.table, report.spiking.energy.dynamic_pj) == ("second", 36)


def test_synapses_listed_one_by_one_cost_the_same(report: CostReport) -> None:
    matrix = program().connections[0].synapses.weight
    row, column = np.indices(matrix.shape)
    listed = SparseSynapses(column.ravel(), row.ravel(), matrix.ravel())
    connections = (replace(program().connections[0], synapses=listed), program().connections[1])
    found = cost(replace(program(), connections=connections), X, target(), rate=1e6)
    for side, beside in ((found.spiking, report.spiking), (found.frames, report.frames)):
        assert side.energy == beside.energy
    assert found.neurobench.synaptic_operations == report.neurobench.synaptic_operations
    assert found.neurobench.footprint_parts["indices"] > 0


def test_a_state_that_overflows_is_told() -> None:
    heavy = replace(program().connections[0], synapses=DenseSynapses(np.full((3, 2), 100)))
    with pytest.raises(SnnccError, match="SNN341"):
        cost(replace(program(), connections=(heavy, program().connections[1])), 3 * X, target())


def test_a_latency_longer_than_the_circle_goes_round_it() -> None:
    once, often = with_samples(program(), X[:1]), with_samples(program(), np.repeat(X[:1], 5, axis=0))
    assert len(once.spiking.timing.step_ns) == 2 < once.spiking.latency_steps + 1
    assert once.spiking.timing.latency_ns == often.spiking.timing.latency_ns
    assert events(once) == events(often)
