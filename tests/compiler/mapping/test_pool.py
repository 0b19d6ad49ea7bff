"""Max-pools stream: packed on one in-port or heard tap by tap, padding takes no part, too few in-ports are refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import ConvSynapses, Program
from snncc.compiler.targets import Target, load_target
from snncc.runtime.stepped import Tally, step_and_compare
from tests.integer_nets import IntegerNet, random_levels

LOIHI2 = load_target("loihi2")
SIGNED = [("graded", -4), ("bitplane", -4), ("rate", -4)]
UNSIGNED = [(name, 0) for name in CODINGS]
each_case = pytest.mark.parametrize(("name", "lo"), SIGNED + UNSIGNED)


def pooling(
    kernel: int, lo: int = 0, hi: int = 3, pads: tuple[int, ...] = (), stride: int = 1, dilation: int = 1
) -> Graph:
    net = IntegerNet()
    pooled = net.max_pool(net.input(2, 5, 6, lo=lo, hi=hi), kernel, stride, pads, dilation, name="pool")
    return net.graph(net.read(net.conv(pooled, 1, weight=[1, -1]), name="y"))


def lowered(graph: Graph, name: str, target: Target = LOIHI2) -> Program:
    return lower(graph, Choice(CODINGS[name], CODINGS[name]), target)


def ports(program: Program, name: str = "pool") -> tuple[str, ...]:
    return program.population[name].neuron.ports


def is_exact(program: Program, graph: Graph) -> bool:
    tally = Tally()
    step_and_compare(program, graph, random_levels(graph, 12), tally)
    return tally.mismatches == 0


@each_case
@pytest.mark.parametrize(
    ("kernel", "pads", "stride", "dilation"),
    [(2, (1, 1, 1, 1), 1, 1), (3, (2, 0, 1, 2), 2, 1), (2, (0, 1, 0, 1), 3, 2), (1, (), 2, 1)],
)
def test_padding_takes_no_part_in_a_maximum(
    name: str, lo: int, kernel: int, pads: tuple[int, ...], stride: int, dilation: int
) -> None:
    graph = pooling(kernel, lo, 3, pads, stride, dilation)
    assert is_exact(lowered(graph, name), graph)


@pytest.mark.parametrize("name", ["graded", "bitplane", "rate"])
def test_all_levels_negative_beside_padding_stay_negative(name: str) -> None:
    graph = pooling(2, -4, 3, (1, 1, 1, 1))
    program = lowered(graph, name)
    tally = Tally()
    levels = np.stack([np.full((2, 5, 6), q) for q in (-4, -1, -3, 3, -4)])
    step_and_compare(program, graph, {"x.levels": levels}, tally)
    assert tally.mismatches == 0


def test_one_position_can_be_absent_for_each_tap() -> None:
    program = lowered(pooling(2, -4, 3, (1, 0, 0, 1)), "graded")
    absent = program.population["pool"].params
    assert sorted(absent) == ["absent0", "absent1", "absent2", "absent3"]
    shape = (5, 6)
    for tap, (row, column) in enumerate(product(range(2), range(2))):
        outside = [y + row - 1 < 0 or x + column >= 6 for y, x in product(*map(range, shape))]
        assert (absent[f"absent{tap}"].ravel() == np.where(outside, -4, 0)).all()


@pytest.mark.parametrize(
    ("name", "kernel", "hi", "bits", "count"),
    [
        ("graded", 2, 3, 24, 1), ("graded", 2, 31, 24, 1), ("graded", 2, 63, 24, 4), ("graded", 2, 63, 25, 1),
        ("bitplane", 3, 63, 24, 1), ("bitplane", 3, 63, 10, 1), ("bitplane", 3, 63, 9, 9),
        ("rate", 4, 3, 24, 1), ("ttfs", 4, 3, 24, 1),
    ],
)  # fmt: skip
def test_taps_are_packed_where_they_fit_a_state(name: str, kernel: int, hi: int, bits: int, count: int) -> None:
    graph = pooling(kernel, 0, hi)
    program = lowered(graph, name, replace(LOIHI2, state_bits=bits))
    assert len(ports(program)) == count
    assert is_exact(program, graph)


def test_packed_taps_take_the_fields_from_the_lowest() -> None:
    program = lowered(pooling(2, 0, 7), "graded")
    wire = next(c for c in program.connections if c.target == "pool")
    assert isinstance(wire.synapses, ConvSynapses)
    assert wire.synapses.weight.tolist() == [[[[1, 8], [64, 512]]]] * 2
    assert (wire.synapses.groups, wire.delay) == (2, 1)


def test_signed_levels_are_heard_tap_by_tap() -> None:
    program = lowered(pooling(2, -1), "graded")
    wires = [c for c in program.connections if c.target == "pool"]
    assert [c.port for c in wires] == ["m0", "m1", "m2", "m3"]
    assert [np.asarray(c.synapses.weight)[0, 0].ravel().tolist() for c in wires] == np.eye(4, dtype=int).tolist()


@pytest.mark.parametrize("name", CODINGS)
def test_a_pool_of_a_view_reads_what_the_view_shows(name: str) -> None:
    net = IntegerNet()
    pooled = net.max_pool(net.transpose(net.input(2, 3, 4), 2, 0, 1), 2, 1)
    graph = net.graph(net.read(net.dense(net.max_pool(pooled, 1, 2)), name="y"))
    assert is_exact(lowered(graph, name), graph)


def test_a_pool_streams_one_step_behind_its_source() -> None:
    program = lowered(pooling(2), "rate")
    source, pool = program.population["x.levels"], program.population["pool"]
    assert (pool.start, pool.window) == (source.start + 1, source.window)


def test_a_pool_that_needs_too_many_ports_is_refused() -> None:
    with pytest.raises(SnnccError) as caught:
        lowered(pooling(3, -1), "graded", replace(LOIHI2, ports=8))
    (problem,) = caught.value.diagnostics
    assert problem.code == "SNN331"
    assert problem.message == (
        "max-pool 'pool' needs 9 in-ports a neuron to hear each position of its (3, 3) window; loihi2 has 8"
    )
    assert (problem.loc.name, bool(problem.hint)) == ("pool", True)


def test_a_pool_may_use_every_port() -> None:
    graph = pooling(3, -1)
    assert is_exact(lowered(graph, "graded", replace(LOIHI2, ports=9)), graph)


def test_all_pools_that_need_too_many_ports_are_told_at_once() -> None:
    net = IntegerNet()
    x = net.input(1, 6, 6, lo=-1)
    pools = [net.max_pool(x, kernel, 1, name=f"pool{kernel}") for kernel in (2, 3, 4)]
    graph = net.graph(net.read(*(net.dense(pool) for pool in pools), name="y"))
    with pytest.raises(SnnccError) as caught:
        lowered(graph, "rate", replace(LOIHI2, ports=4, max_delay=0))
    told = [(d.code, d.message.split("'")[1]) for d in caught.value.diagnostics]
    assert told == [("SNN331", "pool3"), ("SNN331", "pool4")]
