import numpy as np
import pytest

from tests.compiler.passes.helpers import Net, codes


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite_are_reported_for_every_node(bad: float) -> None:
    net = Net()
    first = net.dense(net.input(2), 2, name="first")
    net.dense(net.relu(first), 2, name="second")
    net.const("first.w", [[bad, 0.0], [0.0, 0.0]])
    net.const("second.b", [0.0, bad])
    assert codes(net.graph("second")) == ["SNN127", "SNN127"]


def test_weights_that_overflow_when_folded_are_reported() -> None:
    net = Net()
    x = net.affine(net.conv(net.input(2, 4, 4), 2), 3e38, 0.0)
    assert codes(net.graph(net.relu(net.affine(x, 1e30, 0.0)))) == ["SNN127"]
