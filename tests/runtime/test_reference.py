"""The integer executor computes each op's equation, held against loops over every index."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.ir import Graph
from snncc.compiler.ir.integer_ops import Ladder
from snncc.compiler.ir.ops import Concat, Conv, MaxPool
from snncc.runtime import reference
from snncc.runtime.reference import clipped, encode, execute
from tests.integer_nets import IntegerNet, integer_networks, random_levels

Ints = npt.NDArray[np.int64]


def outputs(graph: Graph, levels: dict[str, Ints]) -> Ints:
    return execute(graph, levels)[graph.outputs[0]]


def seen(
    op: Conv | MaxPool, at: tuple[int, ...], tap: tuple[int, ...], sizes: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Return the position of the input that a tap meets, None outside."""
    begins = op.pads[: len(sizes)]
    where = tuple(a * s + t * d - p for a, t, s, d, p in zip(at, tap, op.strides, op.dilations, begins, strict=True))
    return where if all(0 <= w < n for w, n in zip(where, sizes, strict=True)) else None


def convolved(op: Conv, x: Ints, w: Ints, shape: tuple[int, ...]) -> Ints:
    y = np.zeros((len(x), *shape), dtype=np.int64)
    for to in np.ndindex(y.shape):
        group = to[1] // (shape[0] // op.groups)
        for tap in np.ndindex(w.shape[1:]):
            if (where := seen(op, to[2:], tap[1:], x.shape[2:])) is not None:
                source = (to[0], group * w.shape[1] + tap[0], *where)
                y[to] += w[to[1]][tap] * x[source]
    return y


def pooled(op: MaxPool, x: Ints, shape: tuple[int, ...]) -> Ints:
    y = np.zeros((len(x), *shape), dtype=np.int64)
    for to in np.ndindex(y.shape):
        spots = [seen(op, to[2:], tap, x.shape[2:]) for tap in np.ndindex(op.kernel)]
        y[to] = max(x[to[:2]][where] for where in spots if where is not None)
    return y


@st.composite
def geometries(draw: st.DrawFn, pool: bool = False) -> tuple[tuple[int, ...], int, int, list[int], int]:
    """Return sizes, kernel, stride, pads and dilation; no window lies wholly in the padding."""
    sizes = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=2)))
    kernel = draw(st.integers(1, 3))
    dilation = 1 if pool else draw(st.integers(1, 2))
    span = dilation * (kernel - 1) + 1
    most = kernel - 1 if pool else 3
    short = max(0, span - min(sizes))
    begins = [draw(st.integers(min(short, most), most)) for _ in sizes]
    ends = [draw(st.integers(min(short, most), most)) for _ in sizes]
    return sizes, kernel, draw(st.integers(1, 3)), begins + ends, dilation


@settings(max_examples=60)
@given(geometry=geometries(), groups=st.integers(1, 2), data=st.data())
def test_a_convolution_is_the_sum_over_channels_and_taps(
    geometry: tuple[tuple[int, ...], int, int, list[int], int], groups: int, data: st.DataObject
) -> None:
    sizes, kernel, stride, pads, dilation = geometry
    net = IntegerNet(data.draw(st.integers(0, 99)))
    channels, out = groups * data.draw(st.integers(1, 2)), groups * data.draw(st.integers(1, 2))
    charge = net.conv(net.input(channels, *sizes, lo=-3), out, kernel, stride, pads, dilation, groups)
    graph = net.graph(net.read(charge, bias=list(range(out)), name="y"))
    levels = random_levels(graph, 2)
    op = net.nodes[charge].op
    assert isinstance(op, Conv)
    wanted = convolved(op, levels["x.levels"], net.constants["w0"], net.types[charge].shape)
    bias = np.arange(out).reshape(-1, *(1,) * len(sizes))
    assert (execute(graph, levels)[charge] == wanted).all()
    assert (outputs(graph, levels) == wanted + bias).all()


@settings(max_examples=40)
@given(geometry=geometries(pool=True), seed=st.integers(0, 99))
def test_a_max_pool_is_the_greatest_level_inside_the_input(
    geometry: tuple[tuple[int, ...], int, int, list[int], int], seed: int
) -> None:
    sizes, kernel, stride, pads, _ = geometry
    net = IntegerNet(seed)
    pool = net.max_pool(net.input(2, *sizes, lo=-5, hi=1), kernel, stride, pads)
    graph = net.graph(net.read(net.dense(pool), name="y"))
    levels = random_levels(graph, 3, seed)
    op = net.nodes[pool].op
    assert isinstance(op, MaxPool)
    assert (execute(graph, levels)[pool] == pooled(op, levels["x.levels"], net.types[pool].shape)).all()


def test_a_dilated_max_pool_skips_what_lies_between() -> None:
    net = IntegerNet()
    pool = net.max_pool(net.input(1, 7, hi=9), 3, 1, dilation=2)
    graph = net.graph(net.read(net.dense(pool), name="y"))
    x = np.array([[[0, 9, 1, 0, 2, 8, 3]]])
    assert execute(graph, {"x.levels": x})[pool].tolist() == [[[2, 9, 3]]]


def test_convolutions_of_large_batches_are_cut_without_a_seam(monkeypatch: pytest.MonkeyPatch) -> None:
    net = IntegerNet(1)
    graph = net.graph(net.read(net.conv(net.input(2, 4, 4), 3, 3), name="y"))
    levels = random_levels(graph, 11)
    whole = outputs(graph, levels)
    monkeypatch.setattr(reference, "PATCHES", 3 * 2 * 9 * 4)
    assert (outputs(graph, levels) == whole).all()


@given(q=st.lists(st.integers(-3, 5), min_size=4, max_size=4), seed=st.integers(0, 99))
def test_a_dense_layer_is_the_sum_over_sources(q: list[int], seed: int) -> None:
    net = IntegerNet(seed)
    graph = net.graph(net.read(net.dense(net.input(4, lo=-3, hi=5), 3), bias=[1, -2, 3], name="y"))
    w = net.constants["w0"]
    wanted = [sum(int(w[o, i]) * q[i] for i in range(4)) + bias for o, bias in enumerate([1, -2, 3])]
    assert outputs(graph, {"x.levels": np.array([q])}).tolist() == [wanted]


def test_sums_beyond_the_reach_of_floats_are_exact() -> None:
    """2^53 + 1 is no float64."""
    net = IntegerNet()
    big = 1 << 53
    graph = net.graph(net.read(net.dense(net.input(2, hi=1), 1, [big, 1]), name="y"))
    assert outputs(graph, {"x.levels": np.array([[1, 1]])}).item() == big + 1
    net = IntegerNet()
    graph = net.graph(net.read(net.conv(net.input(2, 1, hi=1), 1, weight=[big, 1]), name="y"))
    assert outputs(graph, {"x.levels": np.array([[[1], [1]]])}).item() == big + 1


@given(
    u=st.integers(-60, 60),
    bias=st.integers(-9, 9),
    theta=st.integers(1, 9),
    lo=st.integers(-4, 0),
    hi=st.integers(1, 6),
)
def test_a_neuron_rounds_half_up_and_clips(u: int, bias: int, theta: int, lo: int, hi: int) -> None:
    """round(x / theta) half up by theta // 2, worked out with whole numbers: exact for odd theta too."""
    net = IntegerNet()
    fire = net.fire(net.dense(net.input(1, lo=-60, hi=60), 1, [1]), lo=lo, hi=hi, theta=theta, bias=bias)
    values = execute(net.graph(net.read(net.dense(fire), name="y")), {"x.levels": np.array([[u]])})
    level = next(q for q in range(-80, 80) if 2 * theta * q <= 2 * (u + bias) + 2 * (theta // 2) < 2 * theta * (q + 1))
    assert values[fire].item() == max(lo, min(hi, level))
    assert values[f"{fire}.charge"].item() == u + bias + theta // 2


def test_the_edges_of_a_neuron_and_a_readout_add_up() -> None:
    net = IntegerNet()
    x, z = net.input(1, hi=9), net.input(1, hi=9, name="z")
    fire = net.fire(net.dense(x, 1, [2]), net.dense(z, 1, [-1]), hi=9, theta=1, bias=1)
    graph = net.graph(net.read(net.dense(fire, 1, [1]), net.dense(z, 1, [10]), bias=-1, name="y"))
    assert outputs(graph, {"x.levels": np.array([[4]]), "z.levels": np.array([[3]])}).item() == (8 - 3 + 1) + 30 - 1


@pytest.mark.parametrize("bias", [np.array([1, 2]), np.array([[[0, 1]], [[2, 3]]])], ids=["channel", "position"])
@pytest.mark.parametrize("theta", [np.array([1, 2]), np.array([[[1, 2]], [[4, 3]]])], ids=["channel", "position"])
def test_biases_and_thresholds_are_per_channel_or_per_position(bias: Ints, theta: Ints) -> None:
    net = IntegerNet()
    fire = net.fire(net.conv(net.input(1, 1, 2, hi=9), weight=[3, 5]), hi=99, theta=theta, bias=bias)
    values = execute(net.graph(net.read(net.dense(fire), name="y")), {"x.levels": np.array([[[[4, 7]]]])})
    for c, i in product(range(2), range(2)):
        b, t = (int(np.broadcast_to(a.reshape(2, 1, -1), (2, 1, 2))[c, 0, i]) for a in (bias, theta))
        charge = (3, 5)[c] * (4, 7)[i] + b + t // 2
        assert values[fire][0, c, 0, i] == charge // t


@pytest.mark.parametrize("axis", [0, 1])
def test_values_are_joined_along_an_axis(axis: int) -> None:
    net = IntegerNet()
    x, z = net.input(2, 2), net.input(2, 2, name="z")
    graph = net.graph(net.read(net.dense(net.add(Concat(axis), x, z, name="joined")), name="y"))
    levels = random_levels(graph, 3)
    found = execute(graph, levels)["joined"]
    for n in range(3):
        assert (found[n] == np.concatenate([levels["x.levels"][n], levels["z.levels"][n]], axis)).all()


def test_views_move_values_sample_by_sample() -> None:
    net = IntegerNet()
    x = net.input(2, 3, 4)
    moved = net.transpose(x, 2, 0, 1)
    flat = net.reshape(moved, 3, 8)
    graph = net.graph(net.read(net.dense(flat), name="y"))
    levels = random_levels(graph, 3)
    values, q = execute(graph, levels), levels["x.levels"]
    for n, a, b, c in product(range(3), range(2), range(3), range(4)):
        assert values[moved][n, c, a, b] == q[n, a, b, c]
    assert (values[flat].reshape(3, -1) == values[moved].reshape(3, -1)).all()


@given(x=st.floats(-20, 20, width=32), scale=st.sampled_from([0.1, 0.25, 1.0, 3.7]))
def test_inputs_are_rounded_half_up_in_float64(x: float, scale: float) -> None:
    net = IntegerNet()
    graph = net.graph(net.read(net.dense(net.input(1, lo=-3, hi=5, scale=scale)), name="y"))
    q = encode(graph, {"x": np.array([[x]], dtype=np.float32)})["x.levels"].item()
    assert q == max(-3, min(5, int(np.floor(np.float64(x) / scale + 0.5))))


def test_an_input_half_way_between_levels_takes_the_upper_one() -> None:
    net = IntegerNet()
    graph = net.graph(net.read(net.dense(net.input(5, lo=-3, hi=3)), name="y"))
    x = np.array([[-1.5, -0.5, 0.5, 1.5, 2.5]])
    assert encode(graph, {"x": x})["x.levels"].tolist() == [[-1, 0, 1, 2, 3]]


def test_inputs_are_counted_as_clipped_beyond_half_a_level() -> None:
    net = IntegerNet()
    net.input(2, lo=-2, hi=3, scale=0.5, name="z")
    graph = net.graph(net.read(net.dense(net.input(3, hi=3, scale=0.5)), name="y"))
    x = np.array([[-0.25, 1.74, 0.7], [-0.26, 1.75, 9.0]])  # levels -0.5 and 3.48 are shown, -0.52 and 3.5 are not
    z = np.array([[-1.25, 1.7], [-1.3, 2.0]])
    assert clipped(graph, {"x": x, "z": z}) == 3 + 2


def test_outputs_keep_the_shape_of_their_node() -> None:
    net = IntegerNet()
    graph = net.graph(net.read(net.conv(net.input(1, 4, 5), 2, 2), name="y"))
    assert outputs(graph, random_levels(graph, 6)).shape == (6, 2, 3, 4)
    assert prod(graph.types["y"].shape) == 24


@given(graph=integer_networks(every=True), seed=st.integers(0, 99))
@settings(max_examples=25)
def test_a_ladder_is_its_first_level_and_a_step_for_each_threshold_reached(graph: Graph, seed: int) -> None:
    values = execute(graph, random_levels(graph, 3, seed))
    for node in graph.nodes:
        if not isinstance(node.op, Ladder):
            continue
        bias, thresholds, steps = (graph.constants[name] for name in node.inputs[-3:])
        u = values[f"{node.name}.charge"]
        charges = sum(values[name] for name in node.inputs[:-3])
        assert (u == charges + bias.reshape(-1, *(1,) * (u.ndim - 2))).all()
        for at in np.ndindex(u.shape):
            pairs = zip(thresholds[at[1]].tolist(), steps[at[1]].tolist(), strict=True)
            q = node.op.first + sum(step for threshold, step in pairs if u[at] >= threshold)
            assert values[node.name][at] == q
            assert node.op.lo <= q <= node.op.hi


def test_a_ladder_counts_thresholds_that_meet_each_by_itself() -> None:
    net = IntegerNet()
    charge = net.dense(net.input(1, lo=-9, hi=9), 1, [1])
    ladder = net.ladder(charge, lo=-1, hi=4, first=-1, thresholds=[[-2, 3, 3, 5]], steps=[[1, 1, 1, -1]])
    graph = net.graph(net.read(net.dense(ladder), name="y"))
    found = execute(graph, {"x.levels": np.array([[-3], [-2], [2], [3], [4], [5], [9]])})[ladder]
    assert found.ravel().tolist() == [-1, 0, 0, 2, 2, 1, 1]


def moved(net: IntegerNet, value: str) -> tuple[Ints, Ints]:
    """Return an input and what is made of it, without the axis of samples."""
    graph = net.graph(net.read(net.dense(value), name="y"))
    levels = random_levels(graph, 3)
    return levels["x.levels"][2], execute(graph, levels)[value][2]


def test_a_slice_takes_each_axis_from_start_to_stop_by_steps() -> None:
    net = IntegerNet()
    x, y = moved(net, net.slice(net.input(3, 5, 7, hi=99), (1, 0, 2), (3, 5, 7), (1, 2, 3)))
    assert y.shape == (2, 3, 2)
    for i, j, k in np.ndindex(y.shape):
        assert y[i, j, k] == x[1 + i, 2 * j, 2 + 3 * k]


def test_upsampling_repeats_each_position() -> None:
    net = IntegerNet()
    x, y = moved(net, net.upsample(net.input(2, 2, 3, hi=99), 3, 2))
    assert y.shape == (2, 6, 6)
    for c, i, j in np.ndindex(y.shape):
        assert y[c, i, j] == x[c, i // 3, j // 2]


def test_dilation_puts_zeros_between() -> None:
    net = IntegerNet()
    x, y = moved(net, net.dilate(net.input(2, 2, 3, lo=-9, hi=99), 3, 2))
    assert y.shape == (2, 4, 5)
    for c, i, j in np.ndindex(y.shape):
        assert y[c, i, j] == (x[c, i // 3, j // 2] if i % 3 == j % 2 == 0 else 0)


def test_padding_puts_zeros_around_channels_too() -> None:
    net = IntegerNet()
    x, y = moved(net, net.pad(net.input(1, 2, lo=-9, hi=99), 1, 0, 2, 1))
    assert y.tolist() == [[0, 0, 0], [*x[0].tolist(), 0], [0, 0, 0], [0, 0, 0]]


@given(graph=integer_networks(every=True))
@settings(max_examples=25)
def test_values_that_are_not_wanted_are_dropped_and_the_others_stay_the_same(graph: Graph) -> None:
    levels = random_levels(graph, 3)
    whole = execute(graph, levels)
    wanted = {*graph.outputs, *(name for name in whole if name.endswith(".charge"))}
    some = execute(graph, levels, keep=wanted)
    assert set(some) == wanted
    assert all((some[name] == whole[name]).all() for name in wanted)


def test_outputs_may_be_views_of_readouts() -> None:
    net = IntegerNet()
    read = net.read(net.conv(net.input(1, 2, 3), 4), bias=[1, 2, 3, 4], name="y")
    shown = net.transpose(net.reshape(read, 2, 2, 6), 2, 0, 1)
    graph = net.graph(shown)
    values = execute(graph, random_levels(graph, 3))
    assert (values[shown] == values[read].reshape(3, 2, 2, 6).transpose(0, 3, 1, 2)).all()
