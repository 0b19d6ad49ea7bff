"""Whole programs: certified in every coding, the same each time, refused where anything is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snncc.compiler.certificate import certify
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import InternalError, SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.neuron import NeuronProgram, parse_neuron
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from tests.integer_nets import IntegerNet

LOIHI2 = load_target("loihi2")
each_coding = pytest.mark.parametrize("name", CODINGS)


def network(lo: int = 0, theta: int = 8) -> Graph:
    """Return a conv, a max-pool, a skip, a ladder and a readout."""
    net = IntegerNet(4)
    first = net.fire(net.conv(net.input(1, 4, 4, lo=lo), 2, 3, pads=(1,) * 4), lo=lo, hi=5, theta=theta, name="first")
    pooled = net.max_pool(first, name="pool")
    climbed = net.ladder(
        net.dense(pooled, 3), net.dense(first, 3), thresholds=[[-9, -1, 4], [0, 1, 1], [2, 5, 7]], name="climb"
    )
    return net.graph(net.read(net.dense(climbed, 2), bias=[3, -3], name="y"))


def compiled(name: str, graph: Graph) -> Program:
    return lower(graph, choose(name, LOIHI2), LOIHI2)


def changed(program: Program, population: str, change: Callable[[str], str]) -> Program:
    """Return the program with the neuron program of one population changed as text."""

    def other(neuron: NeuronProgram) -> NeuronProgram:
        return parse_neuron(change(str(neuron)))

    populations = [replace(p, neuron=other(p.neuron)) if p.name == population else p for p in program.populations]
    return replace(program, populations=tuple(populations))


def with_params(program: Program, population: str, **params: object) -> Program:
    populations = [
        replace(p, params={**p.params, **{k: np.asarray(v) for k, v in params.items()}}) if p.name == population else p
        for p in program.populations
    ]
    return replace(program, populations=tuple(populations))


@each_coding
@pytest.mark.parametrize("theta", [8, 5])
@pytest.mark.parametrize("lo", [0, -3])
def test_a_program_is_certified(name: str, lo: int, theta: int) -> None:
    graph = network(lo, theta)
    found = certify(compiled(name, graph), graph, LOIHI2)
    laws = {name: entry["law"] for name, entry in found["populations"].items()}
    assert laws == {"x.levels": "copy", "first": "fire", "pool": "pool", "climb": "ladder", "y": "read"}
    for entry in found["populations"].values():
        assert entry["proof"]["rows"] >= 1
        assert entry["proof"]["classes"] >= 1
    assert json.loads(json.dumps(found)) == found


@each_coding
def test_the_same_program_gives_the_same_certificate(name: str) -> None:
    graph = network()
    first, second = (json.dumps(certify(compiled(name, graph), graph, LOIHI2)) for _ in range(2))
    assert first == second


def test_the_certificate_says_what_the_format_says() -> None:
    graph = network()
    program = compiled("bitplane", graph)
    found = certify(program, graph, LOIHI2)
    assert found["version"] == 1
    assert found["schedule"] == {"interval": 3, "latency": program.latency, "longest_window": 3}
    entry = found["populations"]["first"]
    assert set(entry) == {
        *("law", "coding", "levels", "start", "window", "charge"),
        *("arrivals", "registers", "instructions", "proof"),
    }
    neuron = program.population["first"].neuron
    assert len(entry["instructions"]) == len(neuron.code)
    assert set(entry["registers"]) == {s.name for s in neuron.states}
    assert set(entry["arrivals"]) == set(neuron.ports)
    assert found["populations"]["y"]["levels"] == [0, 0]
    assert found["populations"]["pool"]["charge"] == [0, 0]


@pytest.mark.parametrize(
    ("name", "population", "line", "other"),
    [
        ("bitplane", "first", "s = ge v w", "s = gt v w"),
        ("rate", "first", "u = select first 0 u", "u = copy u"),
        ("ttfs", "climb", "s = ge v fall", "s = gt v fall"),
        ("graded", "first", "q = clip q 0 5", "q = clip q 0 4"),
        ("graded", "climb", "reached = ge x t1", "reached = gt x t1"),
        ("graded", "climb", "q = copy 0", "q = copy 1"),
        ("graded", "climb", "q = add q reached", "q = sub q reached"),
        ("graded", "climb", "reached = ge x t1", "reached = ge x t2"),
        ("graded", "pool", "q = max q m1", "q = copy q"),
        ("bitplane", "y", "v = select first x v", "v = copy v"),
        ("bitplane", "y", "d = select first 0 d", "d = copy d"),
        ("graded", "x.levels", "q = shr v shift", "q = copy 1"),
    ],
)
def test_a_wrong_neuron_program_is_a_mistake_of_the_compiler(name: str, population: str, line: str, other: str) -> None:
    graph = network()
    program = compiled(name, graph)
    assert line in str(program.population[population].neuron)
    mutant = changed(program, population, lambda text: text.replace(line, other))
    with pytest.raises(InternalError, match=f"population {population}"):
        certify(mutant, graph, LOIHI2)


@pytest.mark.parametrize(
    ("population", "params"),
    [
        ("first", {"offset": 5}),
        ("first", {"shift": 2}),
        ("climb", {"offset": 1}),
        ("climb", {"t1": np.array([-1, 1, 6])}),
        ("climb", {"t0": 0}),
        ("y", {"offset": 3}),
    ],
)
def test_a_wrong_parameter_is_a_mistake_of_the_compiler(population: str, params: dict[str, object]) -> None:
    graph = network()
    with pytest.raises(InternalError, match=f"population {population}"):
        certify(with_params(compiled("graded", graph), population, **params), graph, LOIHI2)


def test_a_direction_of_a_ladder_is_compared_with_the_network() -> None:
    net = IntegerNet(1)
    charge = net.dense(net.input(2), 2, [[1, 2], [-1, 1]])
    climbed = net.ladder(charge, thresholds=[[1, 2], [0, 3]], steps=[[1, 1], [1, -1]], name="climb")
    graph = net.graph(net.read(net.dense(climbed, 1)))
    program = compiled("graded", graph)
    assert certify(program, graph, LOIHI2)
    with pytest.raises(InternalError, match="does not go where"):
        certify(with_params(program, "climb", d1=np.array([-1, -1])), graph, LOIHI2)


def test_a_ladder_that_leads_beyond_its_levels_is_a_mistake_of_the_compiler() -> None:
    net = IntegerNet(1)
    climbed = net.ladder(net.dense(net.input(2), 1, [[1, 2]]), hi=1, thresholds=[[1, 2]], name="climb")
    graph = net.graph(net.read(net.dense(climbed, 1)))
    with pytest.raises(InternalError, match=r"leads to 0\.\.2, beyond its levels 0\.\.1"):
        certify(compiled("graded", graph), graph, LOIHI2)


def test_steps_that_no_charge_reaches_do_not_count() -> None:
    net = IntegerNet(1)
    climbed = net.ladder(net.dense(net.input(2), 1, [[1, 2]]), hi=1, thresholds=[[1, 10]], name="climb")
    graph = net.graph(net.read(net.dense(climbed, 1)))
    assert certify(compiled("rate", graph), graph, LOIHI2)


@each_coding
def test_states_that_are_too_narrow_are_all_told(name: str) -> None:
    graph = network()
    program = compiled(name, graph)
    narrow = changed(changed(program, "first", _narrowed), "y", _narrowed)
    with pytest.raises(SnnccError) as raised:
        certify(narrow, graph, LOIHI2)
    assert {d.code for d in raised.value.diagnostics} == {"SNN201"}
    assert {name for d in raised.value.diagnostics for name in ("first", "y") if f"'{name}'" in d.message} == {
        "first",
        "y",
    }
    assert all("beyond 4 bits" in d.message for d in raised.value.diagnostics)


def _narrowed(text: str) -> str:
    return text.replace(":24", ":4")


def test_a_target_that_is_too_narrow_is_told() -> None:
    graph = network()
    program = compiled("graded", graph)
    for field, what in (
        ("state_bits", "register"),
        ("accumulator_bits", "arrives at port"),
        ("payload_bits", "payloads"),
    ):
        changes: dict[str, Any] = {field: 3}
        with pytest.raises(SnnccError) as raised:
            certify(program, graph, replace(LOIHI2, **changes))
        assert any(what in d.message for d in raised.value.diagnostics)


def test_a_temporary_that_is_too_wide_is_told() -> None:
    """The magnitude theta - 1 - v of a signed level needs more than v itself where v is the least there is."""
    net = IntegerNet(1)
    first = net.fire(net.dense(net.input(1, lo=-128, hi=127), 1, [[64]]), lo=-3, hi=3, theta=2048, name="first")
    graph = net.graph(net.read(net.dense(first, 1)))
    program = compiled("bitplane", graph)
    assert certify(program, graph, replace(LOIHI2, state_bits=15))
    with pytest.raises(SnnccError) as raised:
        certify(program, graph, replace(LOIHI2, state_bits=14))
    assert any("'low = sub low v' of 'first'" in d.message for d in raised.value.diagnostics)


def test_a_schedule_that_is_wrong_is_a_mistake_of_the_compiler() -> None:
    graph = network()
    program = compiled("rate", graph)
    with pytest.raises(InternalError, match="overlap"):
        certify(replace(program, interval=program.interval - 1), graph, LOIHI2)


def test_a_population_without_a_claim_cannot_be_certified() -> None:
    graph = network()
    program = compiled("rate", graph)
    silent = replace(program, populations=tuple(replace(p, claim=None) for p in program.populations))
    with pytest.raises(InternalError, match="claims nothing"):
        certify(silent, graph, LOIHI2)
