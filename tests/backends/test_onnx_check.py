"""What the ONNX backend refuses, all of it at once, and how near to the limits it still goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.registry import get_backend
from snncc.compiler.ir import Graph, Op
from snncc.compiler.ir.integer_ops import Fire
from snncc.compiler.ir.ops import Conv, Dense, MaxPool, Relu
from snncc.compiler.program import EventInput
from tests.backends.onnx_harness import BACKEND, assert_same_levels, emit, program_of
from tests.integer_nets import IntegerNet, random_levels, two_layers


def codes(graph: Graph) -> list[str]:
    return [d.code for d in BACKEND.check(program_of(graph))]


def weighing(weight: int, hi: int, bias: int = 0, theta: int = 1, lo: int = 0) -> Graph:
    """Return one firing neuron that reads one input level through one weight."""
    net = IntegerNet()
    fired = net.fire(net.dense(net.input(1, hi=hi), 1, [[weight]]), theta=theta, bias=bias, lo=lo)
    return net.graph(net.read(net.dense(fired, 1, [[1]]), name="y"))


def test_the_registry_knows_the_backend() -> None:
    assert isinstance(get_backend("onnx"), type(BACKEND))
    assert BACKEND.missing() == ""


def test_a_sound_network_has_no_problems() -> None:
    assert codes(two_layers(lo=-2, theta=5)) == []


def test_a_program_without_its_network_is_refused() -> None:
    program = program_of(two_layers()).without_origin()
    (problem,) = BACKEND.check(program)
    assert problem.code == "SNN613"
    assert "'net' holds no integer network" in problem.message


def test_events_are_refused() -> None:
    program = program_of(two_layers())
    program = replace(program, inputs=(*program.inputs, EventInput("e", "p", "a")))
    assert [d.code for d in BACKEND.check(program)] == ["SNN613"]


@pytest.mark.parametrize(
    ("weight", "hi", "bias", "theta", "lo", "expected"),
    [
        ((1 << 31) - 1, 1, 0, 1, 0, ["SNN611"]),  # in four digits the sum may pass where the whole would not
        ((1 << 24) - 1, 127, 0, 1, 0, []),
        ((1 << 24) - 1, 128, 0, 1, 0, ["SNN611"]),
        (127, 255, (1 << 31) - 1 - 127 * 255, 1, 0, []),
        (127, 255, (1 << 31) - 127 * 255, 1, 0, ["SNN611"]),
        (-127, 255, -(1 << 31) + 127 * 255, 1, 0, []),
        (-127, 255, -(1 << 31) + 127 * 255 - 1, 1, 0, ["SNN611"]),
        (1, 1, 0, (1 << 31) - 1, 0, []),
        (1, 1, 0, 1 << 31, 0, ["SNN610"]),
        (1, 1, 0, (1 << 31) - 1, -1, ["SNN611"]),
        (1, 1, 1 << 31, 1, 0, ["SNN610"]),
        (1 << 31, 1, 0, 1, 0, ["SNN610", "SNN611"]),
        (1 << 62, 1 << 30, 1 << 62, 1 << 62, -5, ["SNN610"] * 3),
        (1, (1 << 31) - 1, 0, 1, 0, []),
        (1, 1 << 31, 0, 1, 0, ["SNN610", "SNN611", "SNN611"]),
    ],
)
def test_what_passes_32_bits_is_refused_and_what_does_not_is_exact(
    weight: int, hi: int, bias: int, theta: int, lo: int, expected: list[str], tmp_path: Path
) -> None:
    graph = weighing(weight, hi, bias, theta, lo)
    assert codes(graph) == expected
    if not expected:
        emit(graph, tmp_path / "a")
        assert_same_levels(graph, tmp_path / "a", random_levels(graph, 9))


def test_a_sum_of_edges_is_checked_before_the_bias_takes_away_from_it() -> None:
    net = IntegerNet()
    x = net.input(1, hi=255)
    big, small = (net.dense(x, 1, [[sign << 22]]) for sign in (1, -1))
    fits = net.fire(big, small, big, bias=-255 << 22, hi=1)
    over = net.fire(big, big, big, bias=-255 << 22, hi=1)
    graph = net.graph(net.read(net.dense(fits, 1), net.dense(over, 1), name="y"))
    assert codes(graph) == ["SNN611"]
    assert BACKEND.check(program_of(graph))[0].loc.name == over


def climbing(thresholds: list[int], bias: int = 0, hi: int = 1) -> Graph:
    net = IntegerNet()
    climbed = net.ladder(net.dense(net.input(1, hi=hi), 1, [[1]]), thresholds=[thresholds], bias=bias)
    return net.graph(net.read(net.dense(climbed, 1, [[1]]), name="y"))


@pytest.mark.parametrize(
    ("thresholds", "bias", "expected"),
    [
        ([0, 1, 1 << 60], 0, []),  # what no charge reaches may be of any size
        ([-(1 << 60), 1], 0, []),
        ([0, 1], (1 << 31) - 3, []),
        ([0, 1], (1 << 31) - 2, ["SNN611"]),  # the greatest int32 stands for a threshold that is never reached
        ([0, 1], 1 << 31, ["SNN610"]),
        ([1, 0], 0, ["SNN613"]),
    ],
)
def test_ladders_with_thresholds_in_order_are_exact(
    thresholds: list[int], bias: int, expected: list[str], tmp_path: Path
) -> None:
    graph = climbing(thresholds, bias)
    assert codes(graph) == expected
    if not expected:
        emit(graph, tmp_path / "a")
        assert_same_levels(graph, tmp_path / "a", random_levels(graph, 9))


def test_levels_of_a_max_pool_fit_a_float() -> None:
    for hi, expected in (((1 << 24) - 1, []), (1 << 24, ["SNN610"])):
        net = IntegerNet()
        pooled = net.max_pool(net.input(1, 2, hi=hi))
        assert codes(net.graph(net.read(net.dense(pooled, 1, [[1]]), name="y"))) == expected


def test_a_pool_with_a_window_in_the_padding_is_refused() -> None:
    net = IntegerNet()
    pooled = net.max_pool(net.input(1, 3), 2, 1, (2, 0))
    assert codes(net.graph(net.read(net.dense(pooled), name="y"))) == ["SNN613"]


def with_op(graph: Graph, name: str, op: Op) -> Graph:
    nodes = tuple(replace(node, op=op) if node.name == name else node for node in graph.nodes)
    return replace(graph, nodes=nodes)


def test_unknown_forms_are_all_told() -> None:
    graph = two_layers()
    graph = with_op(graph, "pool", Relu())
    nodes = [
        replace(node, inputs=(*node.inputs, "first.bias")) if isinstance(node.op, Conv) else node
        for node in graph.nodes
    ]
    nodes = [replace(n, inputs=(n.inputs[0], "first")) if isinstance(n.op, Dense) else n for n in nodes]
    nodes = [replace(n, inputs=("first", *n.inputs[1:])) if n.name == "second" else n for n in nodes]
    nodes = [replace(n, inputs=(n.inputs[0], "first", "first")) if n.name == "first" else n for n in nodes]
    graph = replace(graph, nodes=tuple(nodes), outputs=("y", "second"))
    found = BACKEND.check(program_of(graph))
    assert {d.code for d in found} == {"SNN613"}
    assert len(found) == 7
    assert len({d.message for d in found}) == 7


def test_a_pool_over_nothing_is_refused() -> None:
    net = IntegerNet()
    pooled = net.add(MaxPool((), (), (), ()), net.input(3))
    assert codes(net.graph(net.read(net.dense(pooled), name="y"))) == ["SNN613"]


def test_every_problem_has_the_place_of_its_layer() -> None:
    graph = weighing(1 << 62, 1 << 30, 1 << 62, 1 << 62, -5)
    places = [d.loc.name for d in BACKEND.check(program_of(graph))]
    assert set(places) <= {node.name for node in graph.nodes}
    assert all(d.hint for d in BACKEND.check(program_of(graph)))


def test_charges_are_bounded_for_every_input() -> None:
    from snncc.backends.onnx.ranges import charge_ranges
    from snncc.runtime.reference import execute

    net = IntegerNet(1)
    charge = net.conv(net.input(1, 3, lo=-1, hi=2), 2, 2, pads=(1, 1))
    fired = net.fire(charge, theta=3, bias=[4, -4])
    graph = net.graph(net.read(net.dense(fired), name="y"))
    every = np.stack(np.meshgrid(*[np.arange(-1, 3)] * 3), axis=-1).reshape(-1, 1, 3)
    values = execute(graph, {"x.levels": every})[f"{fired}.charge"]
    assert isinstance(graph.node[fired].op, Fire)
    assert charge_ranges(graph)[fired] == (values.min(), values.max())
