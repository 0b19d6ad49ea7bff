from snncc.compiler.ir.ops import AveragePool
from snncc.compiler.passes.count_padding import CountPadding
from tests.compiler.passes.helpers import Net, codes, run


def test_uncounted_padding_is_counted_if_a_dense_layer_can_make_up_for_it() -> None:
    net = Net()
    pool = net.average_pool(net.relu(net.input(2, 5, 4)), 3, 2, 1)
    graph = net.graph(net.dense(net.reshape(net.transpose(pool, 2, 0, 1)), 3))
    after = run(graph, CountPadding())
    assert [n.op.count_include_pad for n in after.nodes if isinstance(n.op, AveragePool)] == [True]
    assert codes(graph) == []


def test_padding_that_no_window_reads_goes() -> None:
    net = Net()
    x = net.add(AveragePool((2, 2), (3, 2), (0, 0, 1, 1)), net.input(2, 5, 4))
    after = run(net.graph(x), CountPadding())
    assert after.nodes[0].op == AveragePool((2, 2), (3, 2), (0, 0, 0, 0))


def test_uncounted_padding_before_a_convolution_is_reported() -> None:
    net = Net()
    pool = net.average_pool(net.relu(net.conv(net.input(2, 5, 5), 2)), 3, 1, 1)
    graph = net.graph(net.conv(pool, 2, 1))
    assert run(graph, CountPadding()) == graph
    assert codes(graph) == ["SNN123"]
