import pytest

from snncc.compiler.ir.ops import AveragePool, Conv, MaxPool
from snncc.compiler.passes.fold_pad import FoldPad
from tests.compiler.passes.helpers import Net, canonical, run


def test_padding_folds_into_a_convolution() -> None:
    net = Net()
    after = run(net.graph(net.conv(net.pad(net.input(2, 4, 4), 0, 1, 2, 0, 0, 1), 3, 3, 1, 1)), FoldPad())
    assert [node.op for node in after.nodes] == [Conv((1, 1), (2, 3, 1, 2), (1, 1))]


def test_an_average_pool_counts_the_padding_it_takes_in() -> None:
    net = Net()
    after = run(net.graph(net.average_pool(net.pad(net.input(2, 4, 4), 0, 1, 1, 0, 1, 1))), FoldPad())
    assert [node.op for node in after.nodes] == [AveragePool((2, 2), (2, 2), (1, 1, 1, 1), True)]


def test_an_average_pool_with_uncounted_padding_of_its_own_takes_none_in() -> None:
    net = Net()
    graph = net.graph(net.average_pool(net.pad(net.input(2, 4, 4), 0, 1, 1, 0, 1, 1), 3, 2, 1))
    assert run(graph, FoldPad()) == graph


def test_a_max_pool_takes_padding_in_after_a_relu() -> None:
    net = Net()
    x = net.pad(net.relu(net.input(2, 4, 4)), 0, 1, 1, 0, 0, 0)
    after = run(net.graph(net.max_pool(x, 3, 2)), FoldPad())
    assert after.nodes[-1].op == MaxPool((3, 3), (2, 2), (1, 1, 0, 0), (1, 1))


@pytest.mark.parametrize("width", [1, 2])
def test_a_max_pool_takes_no_padding_in_where_zeros_matter(width: int) -> None:
    net = Net()
    x = net.input(2, 4, 4)
    x = x if width == 1 else net.relu(x)  # two rows of zeros fill a whole window
    graph = net.graph(net.max_pool(net.pad(x, 0, width, width, 0, width, width)))
    assert run(graph, FoldPad()) == graph
    canonical(graph)


def test_pads_in_a_row_add_up_and_empty_ones_go() -> None:
    net = Net()
    x = net.pad(net.pad(net.pad(net.input(2, 4, 4), 0, 1, 0, 0, 0, 1), 0, 0, 1, 0, 1, 0), 0, 0, 0, 0, 0, 0)
    after = run(net.graph(net.conv(x, 3)), FoldPad())
    assert [node.op for node in after.nodes] == [Conv((1, 1), (1, 1, 1, 1), (1, 1))]


def test_a_convolution_drops_the_weights_of_padded_channels() -> None:
    net = Net()
    x = net.pad(net.input(3, 4, 4), 1, 1, 1, 2, 1, 1)
    after = run(net.graph(net.conv(x, 6, 3, name="conv")), FoldPad())
    assert [node.op.name for node in after.nodes] == ["conv"]
    assert after.constants["conv.w"].shape == (6, 3, 3, 3)


@pytest.mark.parametrize("groups", [2, 6])
def test_padded_channels_stay_before_groups_whose_weights_would_fill_with_zeros(groups: int) -> None:
    net = Net()
    graph = net.graph(net.conv(net.pad(net.input(3, 4, 4), 1, 1, 1, 2, 1, 1), 6, 3, groups=groups))
    assert run(graph, FoldPad()) == graph
    canonical(graph)


def test_padding_read_by_a_dense_layer_stays() -> None:
    net = Net()
    graph = net.graph(net.dense(net.reshape(net.pad(net.input(2, 4), 0, 1, 0, 1)), 2))
    assert [node.op.name for node in canonical(graph).nodes] == ["pad", "reshape", "dense"]
