import numpy as np
import pytest

from snncc.compiler.ir import Graph
from snncc.compiler.passes.affine_backward import AffineBackward
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.batch_norm_to_affine import BatchNormToAffine
from tests.compiler.passes.helpers import Net, run, shape_of

BACKWARD: tuple[Pass, ...] = (BatchNormToAffine(), AffineBackward())


def _ops(graph: Graph) -> list[str]:
    return [node.op.name for node in run(graph, *BACKWARD).nodes]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_batch_norm_folds_into_the_convolution_before_it(groups: int) -> None:
    net = Net()
    x = net.batch_norm(net.conv(net.input(4, 5, 5), 8, 3, 2, 1, groups, name="conv"))
    after = run(net.graph(net.relu(x, name="relu")), *BACKWARD)
    assert shape_of(after) == ["conv = conv(x)", "relu = relu(conv)"]
    assert set(after.constants) == {"conv.w", "conv.b"}


def test_a_scale_without_shift_makes_no_bias() -> None:
    net = Net()
    x = net.affine(net.conv(net.input(2, 4, 4), 2, bias=False, name="conv"), 0.5, 0.0)
    assert set(run(net.graph(x), *BACKWARD).constants) == {"conv.w"}


def test_a_scale_of_single_neurons_folds_into_dense() -> None:
    net = Net()
    assert _ops(net.graph(net.affine(net.dense(net.input(3), 4), net.some(4), net.some(4)))) == ["dense"]


def test_a_scale_of_single_neurons_folds_through_a_reshape_into_dense() -> None:
    net = Net()
    x = net.affine(net.reshape(net.dense(net.input(3), 8), 2, 2, 2), net.some(2, 2, 2), net.some(1, 2, 1))
    assert _ops(net.graph(x)) == ["dense", "reshape"]


def test_a_shift_of_single_positions_becomes_a_bias_per_position() -> None:
    net = Net()
    x = net.affine(net.conv(net.input(2, 4, 4), 3, name="conv"), 2.0, net.some(3, 2, 2))
    assert run(net.graph(x), *BACKWARD).constants["conv.b"].shape == (3, 2, 2)


def test_a_scale_of_single_positions_stays_after_a_convolution() -> None:
    net = Net()
    x = net.affine(net.conv(net.input(2, 4, 4), 3), net.some(1, 2, 2), 0.0)
    assert _ops(net.graph(x)) == ["conv", "affine"]


def test_a_channel_scale_goes_through_a_transpose() -> None:
    net = Net()
    x = net.transpose(net.conv(net.input(2, 4, 4), 3), 1, 2, 0)
    assert _ops(net.graph(net.affine(x, net.some(1, 1, 3), net.some(1, 1, 3)))) == ["conv", "transpose"]


def test_an_addition_is_scaled_in_every_operand_and_shifted_in_one() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    total = net.plus(net.conv(x, 3, name="a"), net.conv(x, 3, bias=False, name="b"))
    after = run(net.graph(net.batch_norm(total)), *BACKWARD)
    assert [node.op.name for node in after.nodes] == ["conv", "conv", "add"]
    assert set(after.constants) == {"a.w", "a.b", "b.w"}


def test_a_skip_of_levels_is_scaled_and_the_convolution_takes_the_shift() -> None:
    net = Net()
    x = net.relu(net.input(2, 4, 4))
    after = run(net.graph(net.batch_norm(net.plus(x, net.conv(x, 2, 3, 1, 1, bias=False)))), *BACKWARD)
    assert [node.op.name for node in after.nodes] == ["relu", "affine", "conv", "add"]
    assert not after.constants[after.nodes[1].inputs[2]].any()


def test_a_positive_scale_goes_through_max_pool() -> None:
    net = Net()
    x = net.max_pool(net.conv(net.input(2, 6, 6), 3))
    assert _ops(net.graph(net.batch_norm(x, [0.5, 0.0, 2.0]))) == ["conv", "max_pool"]


def test_a_negative_scale_stays_after_max_pool() -> None:
    net = Net()
    x = net.max_pool(net.conv(net.input(2, 6, 6), 3))
    assert _ops(net.graph(net.batch_norm(x, [0.5, -1.0, 2.0]))) == ["conv", "max_pool", "affine"]


@pytest.mark.parametrize(("pad", "include", "folds"), [(0, True, True), (1, False, True), (1, True, False)])
def test_a_shift_goes_through_a_true_average(pad: int, include: bool, folds: bool) -> None:
    net = Net()
    x = net.average_pool(net.conv(net.input(2, 6, 6), 3), 2, 2, pad, include)
    assert _ops(net.graph(net.batch_norm(x))) == ["conv", "average_pool", *([] if folds else ["affine"])]


def test_a_concatenation_of_sums_takes_each_its_part() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    joint = net.concat(net.conv(x, 3), net.conv(x, 1))
    assert _ops(net.graph(net.batch_norm(joint))) == ["conv", "conv", "concat"]


def test_a_convolution_with_another_reader_is_copied() -> None:
    net = Net()
    c = net.conv(net.input(2, 4, 4), 2, name="conv")
    after = run(net.graph(net.batch_norm(c), net.relu(c, name="relu")), *BACKWARD)
    assert shape_of(after) == ["conv = conv(x)", "conv_1 = conv(x)", "relu = relu(conv)"]
    assert after.outputs == ("conv_1", "relu")


def test_scalings_of_levels_stay() -> None:
    net = Net()
    graph = net.graph(net.affine(net.max_pool(net.relu(net.input(2, 4, 4))), 2.0, 1.0))
    assert _ops(graph) == ["relu", "max_pool", "affine"]


def test_the_convolution_keeps_its_location() -> None:
    net = Net()
    after = run(net.graph(net.batch_norm(net.conv(net.input(2, 4, 4), 2, name="conv"))), *BACKWARD)
    assert after.nodes[0].loc.name == "conv"


def test_constants_are_computed_in_float64() -> None:
    net = Net()
    x = net.affine(net.dense(net.input(1), 1, name="fc"), 1.0, 0.0)
    net.const("fc.w", [[3.0]])
    net.const("affine1.a", [np.float32(1 / 3)])
    weight = run(net.graph(x), *BACKWARD).constants["fc.w"]
    assert weight[0, 0] == np.float32(3.0 * np.float64(np.float32(1 / 3)))


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_a_scaling_goes_back_through_selections_where_it_can(shift: float) -> None:
    net = Net()
    x = net.input(2, 4, 4)
    cuts = (0, 3, 2), (0, 4, 1), (0, 3, 2)
    a = net.affine(net.slice(net.conv(x, 3, 1), *cuts), net.some(2, 1, 1), shift)
    b = net.affine(net.upsample(net.conv(x, 3, 1), 2, 1), net.some(3, 1, 1), shift)
    c = net.affine(net.dilate(net.conv(x, 3, 1), 2, 1), net.some(3, 1, 1), shift)
    d = net.affine(net.pad(net.conv(x, 3, 1), 1, 1, 1, 0, 0, 0), net.some(4, 1, 1), shift)
    after = run(net.graph(a, b, c, d), *BACKWARD)
    ops = [node.op.name for node in after.nodes]
    assert ops.count("affine") == (2 if shift else 0)  # zeros between and around would be shifted, too


def test_a_shift_of_single_positions_goes_back_through_a_slice() -> None:
    net = Net()
    x = net.slice(net.conv(net.input(2, 4, 4), 3, 1), (0, 3, 1), (1, 4, 2), (0, 4, 1))
    assert _ops(net.graph(net.affine(x, 2.0, net.some(1, 2, 4)))) == ["conv", "slice"]


def test_a_scaling_of_an_addition_that_others_read_stays() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    total = net.plus(net.conv(x, 3, 1), net.conv(x, 3, 1))
    graph = net.graph(net.affine(total, 2.0, 1.0), net.relu(total))
    assert run(graph, *BACKWARD) == graph
