import pytest

from snncc.compiler.passes.join_linear import JoinLinear
from tests.compiler.passes.helpers import Net, run, shape_of


def test_dense_after_dense_is_one_matrix() -> None:
    net = Net()
    after = run(net.graph(net.dense(net.dense(net.dense(net.input(4), 3), 5), 2, name="fc")), JoinLinear())
    assert shape_of(after) == ["fc = dense(x)"]


@pytest.mark.parametrize("first", [1, 2, 4])
@pytest.mark.parametrize("second", [1, 2, 4])
def test_convolutions_join_whatever_their_groups(first: int, second: int) -> None:
    net = Net()
    x = net.conv(net.input(4, 9, 9), 32, 3, 2, 1, first)
    after = run(net.graph(net.conv(x, 4, 2, 1, 0, second, 2, name="conv")), JoinLinear())
    assert [node.name for node in after.nodes] == ["conv"]


def test_a_depthwise_multiplier_joins() -> None:
    net = Net()
    x = net.conv(net.input(2, 6, 6), 6, 3, groups=2)
    assert len(run(net.graph(net.conv(x, 4, 1, groups=2)), JoinLinear()).nodes) == 1


def test_a_pointwise_convolution_joins_with_a_padded_one() -> None:
    net = Net()
    x = net.conv(net.input(2, 6, 6), 4, 1, name="first")
    after = run(net.graph(net.conv(x, 2, 3, 1, 1, name="second")), JoinLinear())
    assert shape_of(after) == ["second = conv(x)"]
    assert after.constants["second.b"].shape == (2, 6, 6)


def test_padding_that_would_need_sums_that_are_not_there_stays() -> None:
    net = Net()
    graph = net.graph(net.conv(net.conv(net.input(2, 6, 6), 3, name="first"), 2, 3, 1, 1, name="second"))
    assert run(graph, JoinLinear()) == graph


def test_a_sum_of_an_addition_is_the_addition_of_sums_with_one_bias() -> None:
    net = Net()
    x = net.input(2, 6, 6)
    total = net.plus(net.conv(x, 6, 1, name="a"), net.conv(x, 6, 1, name="b"), name="sum")
    after = run(net.graph(net.conv(total, 2, 3, name="c")), JoinLinear())
    assert shape_of(after) == ["c = conv(x)", "c_1 = conv(x)", "sum = add(c, c_1)"]


def test_a_level_operand_is_read_directly() -> None:
    net = Net()
    x, y = net.dense(net.input(4), 9, name="x1"), net.input(9, name="y")
    after = run(net.graph(net.dense(net.plus(x, y, name="sum"), 3, name="fc")), JoinLinear())
    assert shape_of(after) == ["fc = dense(x)", "fc_1 = dense(y)", "sum = add(fc, fc_1)"]


def test_an_addition_of_levels_stays_where_the_weights_would_be_needed_twice() -> None:
    net = Net()
    x, y = net.relu(net.input(4)), net.input(4, name="y")
    graph = net.graph(net.dense(net.plus(x, y), 3))
    assert run(graph, JoinLinear()) == graph


def test_a_joint_weight_that_undoes_a_bottleneck_is_not_made() -> None:
    net = Net()
    graph = net.graph(net.dense(net.dense(net.input(600), 1), 600))
    assert run(graph, JoinLinear()) == graph


def test_a_depthwise_convolution_does_not_join_with_a_pointwise_one() -> None:
    net = Net()
    x = net.conv(net.input(4, 6, 6), 4, 3, 1, 1, groups=4)
    graph = net.graph(net.conv(x, 8, 1))
    assert run(graph, JoinLinear()) == graph


def test_a_sum_that_others_read_is_not_computed_twice() -> None:
    net = Net()
    x = net.dense(net.input(4), 8)
    graph = net.graph(net.dense(x, 2), net.relu(x))
    assert run(graph, JoinLinear()) == graph


def test_an_addition_that_others_read_is_not_taken_apart() -> None:
    net = Net()
    x = net.input(4)
    total = net.plus(net.dense(x, 8), net.dense(x, 8))
    graph = net.graph(net.dense(total, 2), net.relu(total))
    assert run(graph, JoinLinear()) == graph
