"""A program reproduces its network: in any mix of codings, with skips, views, pools, several inputs and outputs."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snncc.compiler.coding import CODINGS, Coding
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.ir.integer_ops import Encode, Fire, Readout
from snncc.compiler.mapping.choice import Choice, choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Program
from snncc.compiler.program_check import check_program
from snncc.compiler.targets import load_target
from snncc.runtime.stepped import Tally, step_and_compare
from tests.integer_nets import IntegerNet, integer_networks, random_levels, two_layers

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
LOIHI2 = load_target("loihi2")
each_coding = pytest.mark.parametrize("name", CODINGS)


def mixed(data: st.DataObject, graph: Graph) -> Choice:
    """Return a choice of a coding for every population."""
    by_node = {}
    for node in graph.nodes:
        if isinstance(node.op, Encode | Fire):
            fit = [coding for coding in CODINGS.values() if coding.signed or node.op.lo == 0]
            by_node[node.name] = data.draw(st.sampled_from(fit))
    return Choice(CODINGS["graded"], CODINGS["graded"], by_node)


def stepped(program: Program, graph: Graph, samples: int = 6) -> Tally:
    tally = Tally()
    step_and_compare(program, graph, random_levels(graph, samples), tally)
    return tally


def everywhere(coding: Coding) -> Choice:
    return Choice(coding, coding)


@settings(max_examples=60, suppress_health_check=CHECKS)
@given(data=st.data(), graph=integer_networks(), schedule=st.sampled_from(["pipelined", "sequential"]))
def test_any_mix_of_codings_is_exact(data: st.DataObject, graph: Graph, schedule: str) -> None:
    program = lower(graph, mixed(data, graph), LOIHI2, schedule)
    assert check_program(program) == []
    tally = stepped(program, graph)
    assert tally.mismatches == 0, tally.first


@settings(max_examples=40, suppress_health_check=CHECKS)
@given(data=st.data(), graph=integer_networks())
def test_edges_are_aligned_to_the_ends_of_windows(data: st.DataObject, graph: Graph) -> None:
    program = lower(graph, mixed(data, graph), LOIHI2)
    populations = program.population
    for wire in program.connections:
        source, target = populations[wire.source], populations[wire.target]
        assert target.claim is not None
        if target.claim.kind == "pool":
            assert (source.start + wire.delay, source.window) == (target.start, target.window)
        else:
            assert source.start + source.window - 1 + wire.delay == target.start
    assert program.interval == max(p.window for p in program.populations)


@settings(max_examples=20, suppress_health_check=CHECKS)
@given(data=st.data(), graph=integer_networks())
def test_populations_stand_in_data_flow_order(data: st.DataObject, graph: Graph) -> None:
    program = lower(graph, mixed(data, graph), LOIHI2)
    order = {population.name: number for number, population in enumerate(program.populations)}
    assert all(order[wire.source] < order[wire.target] for wire in program.connections)


@each_coding
def test_one_coding_throughout_is_exact_and_as_long_as_its_window(name: str) -> None:
    graph = two_layers()
    program = lower(graph, everywhere(CODINGS[name]), LOIHI2)
    windows = {"graded": (1, 1), "bitplane": (2, 3), "rate": (3, 5), "ttfs": (3, 5)}[name]
    starts = {p.name: p.start for p in program.populations}
    first, second = windows
    last = 2 * first + 1
    assert starts == {"x.levels": 0, "first": first, "pool": first + 1, "second": last, "y": last + second}
    assert (program.interval, program.latency) == (second, starts["y"])
    assert stepped(program, graph).mismatches == 0


def test_a_sequential_schedule_holds_one_sample_at_a_time() -> None:
    graph = two_layers()
    program = lower(graph, choose("rate", LOIHI2), LOIHI2, "sequential")
    assert program.interval == program.latency + 1
    assert stepped(program, graph).mismatches == 0


def test_the_target_gives_the_schedule() -> None:
    assert lower(two_layers(), choose("rate", LOIHI2), LOIHI2).interval == 5


def test_a_receiver_of_three_codings_keeps_three_accumulators() -> None:
    net = IntegerNet()
    x = net.input(2, hi=3)
    parts = [net.fire(net.dense(x, 3), hi=5, name=name) for name in ("bitplane", "rate", "ttfs")]
    graph = net.graph(net.read(*(net.dense(part) for part in parts), name="y"))
    choice = Choice(CODINGS["graded"], CODINGS["graded"], {name: CODINGS[name] for name in parts})
    program = lower(graph, choice, LOIHI2)
    assert program.population["y"].neuron.ports == ("add", "double", "ramp")
    assert [p.window for p in program.populations] == [1, 3, 5, 5, 1]
    assert stepped(program, graph).mismatches == 0


def test_inputs_take_the_coding_chosen_for_inputs() -> None:
    program = lower(two_layers(), Choice(CODINGS["ttfs"], CODINGS["bitplane"]), LOIHI2)
    claims = {p.name: p.claim.coding for p in program.populations if p.claim}
    assert claims == {"x.levels": "bitplane", "first": "ttfs", "pool": "ttfs", "second": "ttfs", "y": ""}


def test_inputs_are_graded_where_spikes_carry_payloads() -> None:
    assert choose("rate", LOIHI2).inputs.name == "graded"
    assert choose("rate", replace(LOIHI2, graded=False)).inputs.name == "rate"


def test_outputs_have_the_users_names_and_the_scale_of_their_readout() -> None:
    net = IntegerNet()
    charge = net.dense(net.input(2, scale=0.1))
    bias = net.const("bias", [0, 0])
    reads = [net.add(Readout(scale), charge, bias, name=f"n{i}") for i, scale in enumerate((0.3, 0.7))]
    program = lower(net.graph(*reads, labels=("logits", "value")), choose("graded", LOIHI2), LOIHI2)
    assert [(o.name, o.population, o.scale) for o in program.outputs] == [
        ("logits", "n0", Fraction(0.3)),
        ("value", "n1", Fraction(0.7)),
    ]
    tensor = program.inputs[0]
    assert (tensor.name, tensor.population, getattr(tensor, "scale", None)) == ("x", "x.levels", Fraction(0.1))


def test_locations_go_with_populations_and_connections() -> None:
    program = lower(two_layers(), choose("graded", LOIHI2), LOIHI2)
    assert {p.loc.name for p in program.populations} == {"x.levels", "first", "pool", "second", "y"}
    assert {c.loc.name for c in program.connections} == {"conv1", "pool", "dense5", "dense7"}


def test_a_ladder_needs_programmable_neurons() -> None:
    net = IntegerNet()
    climbed = net.ladder(net.dense(net.input(2), 2), thresholds=[[-2, 0, 3]] * 2, name="curve")
    graph = net.graph(net.read(net.dense(climbed, 1)))
    with pytest.raises(SnnccError) as caught:
        lower(graph, choose("graded", LOIHI2), replace(LOIHI2, programmable=False))
    assert [d.code for d in caught.value.diagnostics] == ["SNN334"]
    assert "'curve'" in caught.value.diagnostics[0].message
