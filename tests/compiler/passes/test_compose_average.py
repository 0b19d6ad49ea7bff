import pytest

from snncc.compiler.ir.ops import Conv
from snncc.compiler.passes.compose_average import ComposeAverage
from tests.compiler.passes.helpers import Net, canonical, run, shape_of


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_an_average_after_a_convolution_composes_to_one(groups: int, dilation: int) -> None:
    net = Net()
    x = net.conv(net.input(4, 11, 11), 8, 3, 2, 1, groups, dilation, name="conv")
    after = run(net.graph(net.average_pool(x, 2, 2)), ComposeAverage())
    assert [node.name for node in after.nodes] == ["conv"]
    # s (k_pool - 1) + d (k_conv - 1) + 1 = 5 and 7; of the 7 every second one is 0
    assert after.constants["conv.w"].shape[2:] == {1: (5, 5), 2: (4, 4)}[dilation]
    assert after.nodes[0].op == Conv((4, 4), (1, 1, 1, 1), (dilation, dilation), groups)


def test_a_global_average_composes_to_a_kernel_over_the_whole_input() -> None:
    net = Net()
    x = net.conv(net.input(2, 5, 5), 3, 3, 1, 1, name="conv")
    after = run(net.graph(net.average_pool(x, 5, 1)), ComposeAverage())
    assert after.constants["conv.w"].shape == (3, 2, 5, 5)
    assert after.nodes[0].op == Conv((1, 1), (0, 0, 0, 0), (1, 1))


def test_an_average_distributes_over_an_addition() -> None:
    net = Net()
    x = net.input(2, 6, 6)
    total = net.plus(net.conv(x, 2, 3, 1, 1, name="a"), net.relu(x, name="r"), name="sum")
    after = run(net.graph(net.average_pool(total, name="pool")), ComposeAverage())
    assert shape_of(after) == ["r = relu(x)", "a = conv(x)", "pool = average_pool(r)", "sum = add(a, pool)"]


def test_the_padding_of_the_average_needs_sums_that_are_not_there() -> None:
    net = Net()
    graph = net.graph(net.average_pool(net.conv(net.input(2, 6, 6), 2), 2, 2, 1, True))
    assert run(graph, ComposeAverage()) == graph
    assert "curve" in [node.op.name for node in canonical(graph).nodes]


def test_counted_padding_composes_with_a_pointwise_convolution() -> None:
    net = Net()
    x = net.conv(net.input(2, 6, 6), 3, 1, name="conv")
    after = run(net.graph(net.average_pool(x, 2, 2, 1, True)), ComposeAverage())
    assert [node.name for node in after.nodes] == ["conv"]
    assert after.constants["conv.b"].shape == (3, 4, 4)


def test_uncounted_padding_of_a_sum_is_left_for_levels() -> None:
    net = Net()
    graph = net.graph(net.relu(net.average_pool(net.conv(net.input(2, 6, 6), 2, 1), 3, 2, 1)))
    assert run(graph, ComposeAverage()) == graph
    canonical(graph)


def test_an_average_that_would_multiply_synapses_is_not_composed() -> None:
    net = Net()
    graph = net.graph(net.average_pool(net.conv(net.input(8, 6, 6), 8, 1), 3, 1))
    assert run(graph, ComposeAverage()) == graph


def test_an_average_does_not_distribute_over_an_addition_that_others_read() -> None:
    net = Net()
    x = net.input(2, 6, 6)
    total = net.plus(net.conv(x, 2, 3, 1, 1), net.conv(x, 2, 1))
    graph = net.graph(net.average_pool(total), net.relu(total))
    assert run(graph, ComposeAverage()) == graph


def test_a_convolution_with_another_reader_is_kept_for_it() -> None:
    net = Net()
    c = net.conv(net.input(2, 6, 6), 2, name="conv")
    after = run(net.graph(net.average_pool(c), net.relu(c, name="r")), ComposeAverage())
    assert shape_of(after) == ["conv = conv(x)", "conv_1 = conv(x)", "r = relu(conv)"]


def test_an_average_of_levels_stays() -> None:
    net = Net()
    graph = net.graph(net.conv(net.average_pool(net.relu(net.input(2, 6, 6))), 2, 2))
    assert run(graph, ComposeAverage()) == graph
