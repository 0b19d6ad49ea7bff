import numpy as np
import pytest

from snncc.compiler.passes.identity_edges import IdentityEdges
from tests.compiler.passes.helpers import Net, run, shape_of


def test_a_skip_gets_an_edge_of_weight_one() -> None:
    net = Net()
    x = net.input(3, 4, 4)
    total = net.plus(net.conv(x, 3, 3, 1, 1, name="c"), x, name="sum")
    after = run(net.graph(total), IdentityEdges())
    assert shape_of(after) == ["c = conv(x)", "sum_x = conv(x)", "sum = add(c, sum_x)"]
    assert np.array_equal(after.constants["sum_x.weight"], np.ones((3, 1, 1, 1)))
    assert after.node["sum_x"].op.groups == 3  # type: ignore[attr-defined]
    assert after.node["sum_x"].loc.name == "sum"


def test_a_vector_gets_a_dense_identity() -> None:
    net = Net()
    x = net.input(3)
    after = run(net.graph(net.plus(net.dense(x, 3), x, name="sum")), IdentityEdges())
    assert np.array_equal(after.constants["sum_x.weight"], np.eye(3))


@pytest.mark.parametrize("shape", [(3,), (3, 4), (3, 4, 4)])
def test_an_output_of_levels_gets_a_readout(shape: tuple[int, ...]) -> None:
    net = Net()
    x = net.input(*shape)
    after = run(net.graph(net.relu(net.relu(x)), x), IdentityEdges())
    assert after.outputs == ("relu1_readout", "x_readout")


def test_a_relu_of_an_input_gets_an_edge() -> None:
    net = Net()
    after = run(net.graph(net.relu(net.max_pool(net.input(2, 4, 4), name="p"), name="r")), IdentityEdges())
    assert shape_of(after)[:3] == ["p = max_pool(x)", "r_p = conv(p)", "r = relu(r_p)"]


def test_sums_are_left_alone() -> None:
    net = Net()
    x = net.input(3)
    graph = net.graph(net.plus(net.dense(net.relu(net.dense(x, 3)), 2), net.dense(x, 2)))
    assert run(graph, IdentityEdges()) == graph
