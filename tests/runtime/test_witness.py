"""Witnesses hold the inputs on which wrong programs show themselves, in an order that leaves no state unused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings

from snncc.compiler.coding import Levels
from snncc.compiler.ir import Graph
from snncc.compiler.ir.integer_ops import Encode, Fire
from snncc.compiler.quantize.ranges import bounds
from snncc.runtime.reference import execute
from snncc.runtime.witness import KEPT, witnesses
from tests.integer_nets import IntegerNet, integer_networks, two_layers

Ints = npt.NDArray[np.int64]


def two_inputs() -> Graph:
    net = IntegerNet(1)
    x, z = net.input(3, 2, lo=-2, hi=5), net.input(4, hi=3, name="z")
    fire = net.fire(net.dense(x, 3), net.dense(z, 3), theta=4)
    return net.graph(net.read(net.dense(fire), name="y"))


def flat(graph: Graph) -> Ints:
    """Return all inputs of each witness as 0 (least level), 1 (greatest) or -1 (between)."""
    parts = []
    for node in graph.nodes:
        if isinstance(node.op, Encode):
            q = witnesses(graph).levels[node.name]
            parts.append(np.select([q == node.op.lo, q == node.op.hi], [0, 1], -1).reshape(len(q), -1))
    return np.concatenate(parts, axis=1)


@settings(max_examples=20)
@given(graph=integer_networks())
def test_witnesses_are_levels(graph: Graph) -> None:
    made = witnesses(graph)
    for node in graph.nodes:
        if isinstance(node.op, Encode):
            q = made.levels[node.name]
            assert q.dtype == np.int64
            assert q.shape == (made.count, *node.type.shape)
            assert node.op.lo <= q.min()
            assert q.max() <= node.op.hi


def test_all_least_and_all_greatest_follow_each_other_both_ways() -> None:
    ends = flat(two_inputs())
    pairs = {(a.tolist()[0], b.tolist()[0]) for a, b in pairwise(ends) if np.ptp(a) == np.ptp(b) == 0}
    assert {(0, 1), (1, 0)} <= pairs


def test_mixed_extremes_are_followed_by_their_opposites() -> None:
    ends = flat(two_inputs())
    mixed = [(a, b) for a, b in pairwise(ends) if np.ptp(a) == 1 and a.min() == 0 and (a + b == 1).all()]
    assert len({tuple(a) for a, _ in mixed}) >= 6


def test_single_levels_stand_alone_among_zeros() -> None:
    made = witnesses(two_inputs())
    x, z = made.levels["x.levels"].reshape(made.count, -1), made.levels["z.levels"]
    alone = np.count_nonzero(np.concatenate([x, z], axis=1), axis=1)
    assert (alone <= 2).sum() >= 6
    assert {1, 5, -2} & set(x[np.count_nonzero(x, axis=1) == 1].sum(axis=1).tolist())


@pytest.mark.parametrize("lo", [0, -3])
def test_neurons_of_a_first_layer_reach_their_extremes(lo: int) -> None:
    net = IntegerNet(4)
    charge = net.conv(net.input(2, 3, 3, lo=lo, hi=3), 4, 3)
    graph = net.graph(net.read(net.dense(net.fire(charge)), name="y"))
    reach = bounds([(graph.constants["w0"], Levels(lo, 3))])
    found = execute(graph, witnesses(graph).levels)[charge].reshape(-1, 4)
    reached = [(c, int(v)) for c, v in enumerate(found.max(axis=0)) if v == reach.high[c]]
    assert len(reached) >= 2
    for channel, high in reached:  # and the opposite extreme in the sample after
        at = int(np.flatnonzero(found[:, channel] == high)[0])
        assert found[at + 1, channel] == reach.low[channel]


def test_ties_are_found_where_thresholds_are_even() -> None:
    assert witnesses(two_layers(theta=4)).ties > 0


@pytest.mark.parametrize("theta", [1, 3])
def test_odd_thresholds_have_no_ties(theta: int) -> None:
    assert witnesses(two_layers(theta=theta)).ties == 0


def test_all_ties_are_counted() -> None:
    """A tie: twice the charge without rounding is an odd multiple of theta, and its level lies within lo..hi."""
    graph = two_layers(theta=4)
    made = witnesses(graph)
    values = execute(graph, made.levels)
    count = 0
    for node in graph.nodes:
        if isinstance(node.op, Fire):
            for charge in values[f"{node.name}.charge"].ravel().tolist():
                plain = charge - 2  # u + b
                count += (2 * plain) % 8 == 4 and node.op.lo < (plain + 2) // 4 <= node.op.hi
    assert made.ties == count


def test_inputs_with_many_ties_are_preferred() -> None:
    """Ties of the kept inputs, against those of as many random ones."""
    graph = two_layers(theta=4)
    q = np.random.default_rng(5).integers(0, 4, (50, 1, 4, 4))
    charge = execute(graph, {"x.levels": q})["first.charge"]
    random = np.count_nonzero((charge % 4 == 0) & (charge > 0) & (charge <= 12)) / 50
    values = execute(graph, {name: levels[-KEPT:] for name, levels in witnesses(graph).levels.items()})
    charge = values["first.charge"]
    kept = np.count_nonzero((charge % 4 == 0) & (charge > 0) & (charge <= 12)) / KEPT
    assert kept > 1.2 * random


def test_the_same_network_has_the_same_witnesses() -> None:
    a, b = witnesses(two_inputs()), witnesses(two_inputs())
    assert all((a.levels[name] == b.levels[name]).all() for name in a.levels)
    other = witnesses(two_inputs(), seed=1)
    assert any((a.levels[name] != other.levels[name]).any() for name in a.levels)
