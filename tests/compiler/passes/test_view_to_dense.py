import pytest

from snncc.compiler.ir.ops import Dense
from snncc.compiler.passes.view_to_dense import ViewToDense
from tests.compiler.passes.helpers import Net, canonical, run


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_a_flattened_convolution_at_an_output_becomes_dense(groups: int) -> None:
    net = Net()
    c = net.conv(net.input(4, 2, 2), 4, 3, 1, 1, groups, name="head")
    graph = net.graph(net.reshape(net.transpose(c, 1, 0, 2)))
    if groups == 4:  # most of the matrix would be zeros
        assert run(graph, ViewToDense()) == graph
        return
    after = run(graph, ViewToDense())
    assert [(node.name, node.op.name) for node in after.nodes] == [("x.flat", "reshape"), ("head", "dense")]


def test_a_bias_per_position_is_taken_along() -> None:
    net = Net()
    c = net.conv(net.input(2, 2, 2), 2, 3, 1, 1, name="head")
    net.types["head.b"] = net.types[c]
    net.constants["head.b"] = net.some(2, 2, 2).astype("float32")
    assert run(net.graph(net.reshape(c)), ViewToDense()).node["head"].op == Dense()


def test_a_dense_layer_takes_a_shuffle_into_its_rows() -> None:
    net = Net()
    x = net.reshape(net.transpose(net.reshape(net.dense(net.input(3), 6, name="fc"), 2, 3), 1, 0))
    assert [node.name for node in run(net.graph(x), ViewToDense()).nodes] == ["fc"]


def test_a_result_without_positions_becomes_a_pointwise_convolution() -> None:
    net = Net()
    other = net.conv(net.input(2, 2, 2, name="y"), 4, 2)
    x = net.plus(net.reshape(net.dense(net.input(3), 4), 4, 1, 1), other)
    ops = sorted(node.op.name for node in run(net.graph(x), ViewToDense()).nodes)
    assert ops == ["add", "conv", "conv", "reshape"]


def test_operands_of_an_addition_are_rearranged_each() -> None:
    net = Net()
    x = net.input(2, 2, 2)
    total = net.plus(net.conv(x, 2, 3, 1, 1), net.relu(net.conv(x, 2, 3, 1, 1)))
    after = run(net.graph(net.plus(net.reshape(total), net.dense(net.reshape(x), 8))), ViewToDense())
    assert [node.op.name for node in after.nodes if node.op.name == "add"] == ["add", "add"]


def test_a_sum_moved_into_several_positions_stays() -> None:
    net = Net()
    graph = net.graph(net.transpose(net.conv(net.input(2, 4, 4), 3), 1, 2, 0))
    assert run(graph, ViewToDense()) == graph
    assert [node.op.name for node in canonical(graph).nodes] == ["conv", "transpose"]
