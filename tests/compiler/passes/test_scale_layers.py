import numpy as np
import pytest

from snncc.compiler.passes.scale_layers import ScaleLayers
from tests.compiler.passes.helpers import Net, canonical, run, shape_of


def test_a_negative_scale_before_a_max_pool_gets_neurons() -> None:
    net = Net()
    x = net.affine(net.relu(net.input(2, 4, 4), name="r"), -1.0, 0.5, name="flip")
    after = run(net.graph(net.max_pool(x, name="p")), ScaleLayers())
    assert shape_of(after)[1:] == ["flip = conv(r)", "flip_levels = curve(flip)", "p = max_pool(flip_levels)"]


def test_a_mask_is_a_weight_for_each_position() -> None:
    net = Net()
    x = net.affine(net.input(2, 3, 4), net.some(1, 3, 4), 0.0, name="mask")
    after = run(net.graph(net.conv(x, 2, name="c")), ScaleLayers())
    assert shape_of(after) == [
        "mask.channels = reshape(x)",
        "mask = conv(mask.channels)",
        "mask_levels = curve(mask)",
        "mask.positions = reshape(mask_levels)",
        "c = conv(mask.positions)",
    ]
    assert after.constants["mask.weight"].shape == (24, 1, 1)


def test_factors_of_an_average_keep_its_levels_without_sign() -> None:
    net = Net()
    x = net.average_pool(net.relu(net.input(2, 5, 5)), 3, 1, 1)
    ops = [node.op.name for node in canonical(net.graph(net.conv(x, 2))).nodes]
    assert ops == ["conv", "relu", "average_pool", "reshape", "conv", "relu", "reshape", "conv"]


def test_scalings_of_sums_stay() -> None:
    net = Net()
    graph = net.graph(net.affine(net.max_pool(net.conv(net.input(2, 4, 4), 2)), -1.0, 0.0))
    assert run(graph, ScaleLayers()) == graph


@pytest.mark.parametrize("gamma", [-1.0, [1.0, -1.0]])
def test_a_negative_scale_on_either_side_of_a_max_pool_is_canonical(gamma: float) -> None:
    net = Net()
    x = net.input(2, 8, 8)
    before = net.conv(net.max_pool(net.batch_norm(net.relu(net.conv(x, 2)), gamma)), 2)
    after = net.relu(net.batch_norm(net.max_pool(net.conv(x, 2)), gamma))
    nested = net.batch_norm(net.max_pool(net.batch_norm(net.max_pool(x), gamma)), gamma)
    canonical(net.graph(before, after, nested))


def test_a_batch_norm_with_a_negative_scale_after_a_max_pool_of_sums_folds_forward() -> None:
    net = Net()
    x = net.max_pool(net.conv(net.input(2, 8, 8), 2, name="c"), name="p")
    after = canonical(net.graph(net.conv(net.batch_norm(x, -0.5), 2, name="d")))
    assert shape_of(after) == ["c = conv(x)", "c_levels = curve(c)", "p = max_pool(c_levels)", "d = conv(p)"]


def test_a_mask_before_a_relu_is_canonical() -> None:
    net = Net()
    x = net.affine(net.conv(net.input(2, 4, 4), 2), net.some(1, 2, 2), np.zeros((1, 1, 1)))
    canonical(net.graph(net.conv(net.relu(x), 1, 1)))
