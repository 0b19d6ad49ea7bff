"""The fast executor gives the very integers of the plain one, and steps aside where float32 could round."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.ir import Graph
from snncc.compiler.ir.integer_ops import Encode
from snncc.compiler.ir.ops import Concat
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.float_sums import EXACT, WIDE, digits, fits_float32, fits_float64, is_sum
from snncc.runtime.integer_onnx import build
from snncc.runtime.reference import encode, execute
from tests.integer_nets import IntegerNet, integer_networks, random_levels

Inputs = dict[str, npt.NDArray[np.float32]]


def assert_same(graph: Graph, inputs: Inputs, fast: bool, batch: int = 128) -> None:
    collapsed = Collapsed(graph, threads=1)
    assert collapsed.fast is fast
    wanted, found = execute(graph, encode(graph, inputs)), collapsed.run(inputs, batch)
    assert set(found) == set(graph.outputs)
    for name in graph.outputs:
        assert found[name].dtype == np.int64
        assert found[name].tolist() == wanted[name].tolist()


def all_fit_float32(graph: Graph) -> bool:
    return all(fits_float32(graph, node) for node in graph.nodes if is_sum(node))


def shown(graph: Graph, samples: int = 7) -> Inputs:
    """Return inputs whose levels include all least and all greatest, and values half way between levels."""
    levels = random_levels(graph, samples)
    inputs = {}
    for node in graph.nodes:
        if isinstance(node.op, Encode):
            half = np.random.default_rng(1).choice([0, 0.5, -0.49], levels[node.name].shape)
            inputs[node.inputs[0]] = ((levels[node.name] + half) * node.op.scale).astype(np.float32)
    return inputs


@settings(max_examples=60)
@given(graph=integer_networks(powers=True))
def test_random_networks_give_the_same_integers(graph: Graph) -> None:
    assert_same(graph, shown(graph), fast=True)


@settings(max_examples=100)
@given(graph=integer_networks(every=True))
def test_values_are_moved_and_ladders_climbed_alike(graph: Graph) -> None:
    assert_same(graph, shown(graph), fast=True)


@settings(max_examples=60)
@given(graph=integer_networks())
def test_thresholds_that_are_no_powers_of_two_give_the_same_integers(graph: Graph) -> None:
    assert_same(graph, shown(graph), fast=True)


@pytest.mark.parametrize("theta", [1, 2, 8, 64])
@pytest.mark.parametrize("lo", [0, -9])
def test_every_charge_from_clip_to_clip_is_rounded_alike(theta: int, lo: int) -> None:
    """All ties among them."""
    net = IntegerNet()
    charges = np.arange(-12 * theta - 1, 12 * theta + 2)
    x = net.input(1, lo=int(charges[0]), hi=int(charges[-1]))
    fire = net.fire(net.dense(x, 1, [1]), lo=lo, hi=9, theta=theta, bias=1)
    graph = net.graph(net.read(net.dense(fire, 1, [1]), name="y"))
    assert_same(graph, {"x": charges[:, None].astype(np.float32)}, fast=True)


def test_rounding_after_a_max_pool_is_rounding_before_it() -> None:
    net = IntegerNet(3)
    fire = net.fire(net.conv(net.input(1, 6, 6, lo=-5, hi=5), 3, 3), lo=-2, hi=4, theta=8)
    graph = net.graph(net.read(net.conv(net.max_pool(fire, 2, 1, (1, 1, 0, 0)), 2), name="y"))
    assert_same(graph, shown(graph), fast=True)
    kinds = [node.op_type for node in onnx.load_from_string(build(graph)).graph.node]
    assert kinds.index("MaxPool") < len(kinds) - 1 - kinds[::-1].index("Floor")


def test_a_value_read_by_a_pool_and_another_is_rounded_for_both() -> None:
    net = IntegerNet(3)
    fire = net.fire(net.conv(net.input(1, 4, 4, hi=5), 2), lo=-2, hi=4, theta=8)
    graph = net.graph(net.read(net.dense(net.max_pool(fire)), net.dense(fire), name="y"))
    assert_same(graph, shown(graph), fast=True)


@pytest.mark.parametrize("shape", [(2,), (2, 3, 3)])
def test_edges_that_meet_and_biases_per_position_are_added(shape: tuple[int, ...]) -> None:
    net = IntegerNet(5)
    x, z = net.input(2, 3, 3, lo=-4), net.input(3, 3, 3, hi=7, name="z")
    bias = np.random.default_rng(0).integers(-9, 9, shape)
    fire = net.fire(net.conv(x), net.conv(z), net.conv(x), lo=-3, hi=7, theta=[4, 2], bias=bias)
    graph = net.graph(net.read(net.conv(fire), net.conv(x), bias=bias, name="y"))
    assert_same(graph, shown(graph), fast=True)


def test_a_threshold_may_differ_between_positions() -> None:
    net = IntegerNet(5)
    theta = np.array([[[1, 2], [4, 8]], [[2, 2], [1, 1]]])
    fire = net.fire(net.conv(net.input(1, 2, 2, hi=7)), hi=7, theta=theta)
    graph = net.graph(net.read(net.dense(fire), name="y"))
    assert not all_fit_float32(graph)
    assert_same(graph, shown(graph), fast=True)


@pytest.mark.parametrize(("lo", "hi"), [(0, 27), (0, 26), (-3, 27), (-1, 5)])
def test_sums_are_clipped_only_where_they_can_leave_their_levels(lo: int, hi: int) -> None:
    """Nine levels of 0..3 add up to 27."""
    net = IntegerNet()
    total = net.fire(net.conv(net.input(1, 3, 3, hi=3), 1, 3, weight=np.ones(9)), lo=lo, hi=hi, theta=1)
    graph = net.graph(net.read(net.dense(total, 1, [1]), name="y"))
    assert_same(graph, shown(graph), fast=True)


@pytest.mark.parametrize(("theta", "bias"), [(2, 0), (1, 3), (1, -2)])
def test_only_plain_sums_are_taken_as_they_are(theta: int, bias: int) -> None:
    net = IntegerNet()
    fire = net.fire(net.dense(net.input(2, hi=9), 1, [1, 1]), hi=18, theta=theta, bias=bias)
    graph = net.graph(net.read(net.dense(fire, 1, [1]), name="y"))
    assert_same(graph, shown(graph, 20), fast=True)


@pytest.mark.parametrize("sign", [1, -1])
def test_sums_are_taken_in_one_up_to_the_last_integer_that_float32_holds(sign: int) -> None:
    reach = 518 * 127 * 255
    for excess in (0, 1):
        net = IntegerNet()
        bias = sign * (EXACT - 1 - reach + excess)
        charge = net.dense(net.input(518, hi=255), 1, np.full(518, sign * 127))
        graph = net.graph(net.read(charge, bias=bias, name="y"))
        x = np.full((2, 518), 255, dtype=np.float32)
        x[1, ::3] = 254
        assert all_fit_float32(graph) is not bool(excess)
        assert_same(graph, {"x": x}, fast=True)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("weights", [100, 5000])
def test_larger_sums_are_put_together_from_digits(sign: int, weights: int) -> None:
    rng = np.random.default_rng(0)
    net = IntegerNet()
    x = net.input(2, 8, 8, lo=-255, hi=255)
    first = net.conv(x, 3, 3, pads=(1, 1, 1, 1), weight=sign * rng.integers(0, weights * 100, (3, 2, 3, 3)))
    fire = net.fire(first, net.conv(x, 3), lo=-9, hi=200, theta=[1 << 14, 3001, 99999], bias=[5, 1 << 30, -7])
    far = net.dense(fire, 4, rng.integers(-1 << 30, 1 << 30, (4, 192)))
    graph = net.graph(net.reshape(net.read(far, bias=[0, 1, -(1 << 40), 1 << 40], name="y"), 2, 2), "y")
    assert not any(fits_float32(graph, node) for node in graph.nodes if is_sum(node))
    assert_same(graph, shown(graph, 9), fast=True)


@given(st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=9), st.integers(1, 2**17))
def test_digits_add_up_to_the_weights(weights: list[int], level: int) -> None:
    net = IntegerNet()
    charge = net.dense(net.input(len(weights), hi=level), 1, weights)
    graph = net.graph(net.read(charge, name="y"))
    found = digits(graph, graph.node[charge])
    total = np.sum([factor * digit for factor, digit in found], axis=0)
    assert (total == [weights]).all()
    assert all(np.abs(digit).sum() * level < EXACT for _, digit in found)


def test_what_neither_float_may_hold_is_left_to_the_plain_executor() -> None:
    """Sums beyond 2^52, and digits so many that even their least sums pass 2^24."""
    net = IntegerNet()
    large = net.graph(net.read(net.dense(net.input(2, hi=1), 1, [WIDE - 1, 1]), name="y"))
    net = IntegerNet()
    many = net.graph(net.read(net.dense(net.input(2**9, hi=2**14), 1, np.full(2**9, 3)), name="y"))
    for graph in (large, many):
        assert not any(fits_float64(graph, node) for node in graph.nodes if is_sum(node))
        assert_same(graph, shown(graph, 3), fast=False)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8, 100, 520])
@pytest.mark.parametrize("weight", [1, 1 << 20])
def test_every_charge_climbs_a_ladder_alike(count: int, weight: int) -> None:
    """Thresholds that meet, steps up and down, charges on both sides of each, in float32 and in float64."""
    rng = np.random.default_rng(count)
    net = IntegerNet()
    thresholds = weight * np.sort(rng.integers(-300, 300, (3, count)), axis=1)
    thresholds[2, count // 2 :] = 1 << 60
    charge = net.dense(net.input(1, lo=-310, hi=310), 3, [weight] * 3)
    steps, bias = rng.choice([1, 1, -1], (3, count)), [0, 1, -2]
    ladder = net.ladder(charge, lo=-999, hi=999, first=5, thresholds=thresholds, steps=steps, bias=bias)
    graph = net.graph(net.read(net.dense(ladder, 3, np.eye(3)), name="y"))
    assert all_fit_float32(graph) is (weight == 1)
    assert_same(graph, {"x": np.arange(-310, 311, dtype=np.float32)[:, None]}, fast=True)


def test_the_threshold_counts_among_what_a_sum_can_reach() -> None:
    for theta, fast in ((1 << 22, True), (1 << 23, False)):
        net = IntegerNet()
        fire = net.fire(net.dense(net.input(1, hi=1), 1, [1]), hi=3, theta=theta, bias=EXACT - (1 << 23))
        graph = net.graph(net.read(net.dense(fire, 1, [1]), name="y"))
        assert all_fit_float32(graph) is fast


def test_edges_that_meet_count_together() -> None:
    for other, fast in ((1, True), (2, False)):
        net = IntegerNet()
        x = net.input(1, hi=1)
        charges = [net.dense(x, 1, [EXACT - 2]), net.dense(x, 1, [other])]
        assert all_fit_float32(net.graph(net.read(*charges, name="y"))) is fast


def test_batches_of_any_size_give_the_same() -> None:
    net = IntegerNet(1)
    graph = net.graph(net.read(net.dense(net.fire(net.dense(net.input(3), 2))), name="y"))
    for batch in (1, 3, 7, 100):
        assert_same(graph, shown(graph, 7), fast=True, batch=batch)


def test_joined_values_stay_in_order() -> None:
    net = IntegerNet(2)
    x, z = net.input(2, 2), net.input(2, 3, name="z")
    graph = net.graph(net.read(net.dense(net.add(Concat(1), x, z, name="joined")), name="y"))
    assert_same(graph, shown(graph), fast=True)


def test_a_transpose_that_moves_nothing_changes_nothing() -> None:
    """onnxruntime 1.23 took it for one that swaps samples and values, before a dense layer."""
    net = IntegerNet()
    graph = net.graph(net.read(net.dense(net.transpose(net.input(3), 0), 2), name="y"))
    assert_same(graph, shown(graph), fast=True)


@given(x=st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=9), scale=st.sampled_from([0.1, 0.3, 1 / 255]))
@settings(max_examples=25)
def test_inputs_become_the_same_levels(x: list[float], scale: float) -> None:
    net = IntegerNet()
    graph = net.graph(net.read(net.dense(net.input(1, lo=-7, hi=20, scale=scale), 1, [1]), name="y"))
    assert_same(graph, {"x": np.array(x, dtype=np.float32)[:, None]}, fast=True)
