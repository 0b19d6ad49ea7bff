import numpy as np
import pytest

from snncc.compiler.ir import Graph
from snncc.compiler.passes.affine_forward import AffineForward
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.batch_norm_to_affine import BatchNormToAffine
from tests.compiler.passes.helpers import Net, run, shape_of

FORWARD: tuple[Pass, ...] = (BatchNormToAffine(), AffineForward())


def _ops(graph: Graph) -> list[str]:
    return [node.op.name for node in run(graph, *FORWARD).nodes]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_batch_norm_after_relu_folds_into_the_next_convolution(groups: int) -> None:
    net = Net()
    x = net.batch_norm(net.relu(net.input(4, 5, 5)))
    assert _ops(net.graph(net.conv(x, 4, 3, 2, 1, groups, 1))) == ["relu", "conv"]


def test_input_normalization_before_padding_becomes_a_bias_per_position() -> None:
    net = Net()
    x = net.affine(net.input(3, 6, 6), net.some(3, 1, 1), net.some(3, 1, 1))
    after = run(net.graph(net.conv(x, 2, 3, 1, 1, name="conv")), *FORWARD)
    assert shape_of(after) == ["conv = conv(x)"]
    assert after.constants["conv.b"].shape == (2, 6, 6)


def test_the_bias_stays_per_channel_without_padding() -> None:
    net = Net()
    x = net.affine(net.input(3, 6, 6), net.some(3, 1, 1), net.some(3, 1, 1))
    assert run(net.graph(net.conv(x, 2, 3, name="conv")), *FORWARD).constants["conv.b"].shape == (2,)


def test_a_mean_image_becomes_a_bias_per_position() -> None:
    net = Net()
    x = net.affine(net.input(3, 6, 6), 0.25, net.some(3, 6, 6))
    assert run(net.graph(net.conv(x, 2, 3, name="conv")), *FORWARD).constants["conv.b"].shape == (2, 4, 4)


def test_a_scale_of_single_positions_stays_before_a_convolution() -> None:
    net = Net()
    assert _ops(net.graph(net.conv(net.affine(net.input(2, 4, 4), net.some(1, 4, 4), 0.0), 2))) == ["affine", "conv"]


def test_any_scaling_folds_through_views_into_dense() -> None:
    net = Net()
    x = net.affine(net.input(2, 3, 4), net.some(2, 3, 4), net.some(1, 3, 1))
    assert _ops(net.graph(net.dense(net.reshape(net.transpose(x, 2, 0, 1)), 5))) == ["transpose", "reshape", "dense"]


@pytest.mark.parametrize(("include", "pad"), [(True, 1), (False, 1), (False, 0)])
def test_a_scaling_goes_through_an_average_pool(include: bool, pad: int) -> None:
    net = Net()
    x = net.average_pool(net.batch_norm(net.input(2, 6, 6)), 3, 2, pad, include)
    assert _ops(net.graph(net.conv(x, 2, 2))) == ["average_pool", "conv"]


def test_a_scaling_goes_through_padding_of_positions_and_channels() -> None:
    net = Net()
    x = net.pad(net.batch_norm(net.input(2, 4, 4)), 1, 1, 0, 0, 0, 2)
    assert _ops(net.graph(net.conv(x, 2, 2))) == ["pad", "conv"]


def test_a_positive_scale_goes_through_max_pool_and_a_negative_one_stays() -> None:
    for gamma, ops in ((0.5, ["max_pool", "conv"]), (-0.5, ["affine", "max_pool", "conv"])):
        net = Net()
        x = net.max_pool(net.batch_norm(net.input(2, 6, 6), gamma), 3, 2, 1)
        assert _ops(net.graph(net.conv(x, 2, 2))) == ops


def test_a_concatenation_carries_the_scalings_of_its_parts() -> None:
    net = Net()
    x, y = net.input(2, 4, 4), net.input(1, 4, 4, name="y")
    assert _ops(net.graph(net.conv(net.concat(net.batch_norm(x), y), 2))) == ["concat", "conv"]


def test_every_reader_takes_the_scaling_in_by_itself() -> None:
    net = Net()
    x = net.batch_norm(net.relu(net.input(2, 4, 4)), name="bn")
    readers = net.conv(x, 2, name="a"), net.conv(x, 3, 1, name="b"), net.relu(x, name="r")
    after = run(net.graph(*readers), *FORWARD)
    assert shape_of(after)[1:] == ["a = conv(relu0)", "b = conv(relu0)", "bn = conv(relu0)", "r = relu(bn)"]


@pytest.mark.parametrize(("shape", "op"), [((2, 4, 4), "conv"), ((2, 4), "conv"), ((4,), "dense")])
def test_a_scaling_read_by_relu_add_and_output_becomes_a_sum(shape: tuple[int, ...], op: str) -> None:
    net = Net()
    x = net.batch_norm(net.relu(net.input(*shape)))
    graph = net.graph(net.relu(x), net.plus(x, x), x)
    ops = _ops(graph)
    assert "affine" not in ops
    assert ops.count(op) >= 1


@pytest.mark.parametrize("sizes", [(1, 4, 4), (1, 2, 1), (2, 1, 4), (1, 1, 2)])
def test_a_shift_per_position_stays_in_the_sum_it_becomes(sizes: tuple[int, ...]) -> None:
    net = Net()
    shape = tuple(size if size > 1 else 2 for size in sizes)
    x = net.affine(net.input(*shape), 1.0, net.some(*sizes))
    assert _ops(net.graph(net.relu(x))) == ["conv", "relu"]


def test_a_scaling_of_a_weighted_sum_is_left_alone() -> None:
    net = Net()
    vignette = np.array([[[1.0, 2.0]]])
    graph = net.graph(net.relu(net.affine(net.conv(net.input(2, 4, 4), 2), vignette, 0.0)))
    assert run(graph, *FORWARD) == graph


@pytest.mark.parametrize("shift", [0.0, 0.5])
@pytest.mark.parametrize("select", ["slice", "upsample", "dilate", "pad"])
def test_a_scaling_goes_through_selections(select: str, shift: float) -> None:
    net = Net()
    x = net.affine(net.input(4, 3, 4), net.some(4, 1, 1), net.some(4, 1, 4) + shift)
    moved = {
        "slice": lambda: net.slice(x, (1, 4, 2), (0, 3, 1), (1, 4, 2)),
        "upsample": lambda: net.upsample(x, 2, 1),
        "dilate": lambda: net.dilate(x, 1, 3),
        "pad": lambda: net.pad(x, 1, 0, 2, 0, 1, 0),
    }[select]()
    assert _ops(net.graph(net.conv(moved, 2, 2))) == [select, "conv"]


def test_a_scale_of_single_positions_goes_through_selections_into_dense() -> None:
    net = Net()
    x = net.affine(net.input(2, 3, 4), net.some(2, 3, 4), net.some(1, 3, 4))
    x = net.dilate(net.upsample(net.slice(x, (0, 1, 1), (0, 3, 2), (1, 4, 1)), 2, 1), 2, 2)
    assert _ops(net.graph(net.dense(net.reshape(x), 2))) == ["slice", "upsample", "dilate", "reshape", "dense"]


def test_a_scaling_read_by_a_curve_becomes_a_sum() -> None:
    net = Net()
    x = net.batch_norm(net.relu(net.input(2, 4, 4)))
    assert _ops(net.graph(net.prelu(x, net.some(2)))) == ["relu", "conv", "curve"]
