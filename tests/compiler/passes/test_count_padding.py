from snncc.compiler.ir.ops import Affine, AveragePool
from snncc.compiler.passes.affine_forward import AffineForward
from snncc.compiler.passes.count_padding import CountPadding
from tests.compiler.passes.helpers import Net, canonical, run


def test_uncounted_padding_is_counted_if_a_dense_layer_can_make_up_for_it() -> None:
    net = Net()
    pool = net.average_pool(net.relu(net.input(2, 5, 4)), 3, 2, 1)
    graph = net.graph(net.dense(net.reshape(net.transpose(pool, 2, 0, 1)), 3))
    after = run(graph, CountPadding(), AffineForward())
    assert [n.op.count_include_pad for n in after.nodes if isinstance(n.op, AveragePool)] == [True]
    assert [n.op.name for n in after.nodes] == ["relu", "average_pool", "transpose", "reshape", "dense"]


def test_padding_that_no_window_reads_goes() -> None:
    net = Net()
    x = net.add(AveragePool((2, 2), (3, 2), (0, 0, 1, 1)), net.input(2, 5, 4))
    after = run(net.graph(x), CountPadding())
    assert after.nodes[0].op == AveragePool((2, 2), (3, 2), (0, 0, 0, 0))


def test_uncounted_padding_before_a_convolution_becomes_a_scaling_of_positions() -> None:
    net = Net()
    graph = net.graph(net.conv(net.average_pool(net.relu(net.input(2, 5, 5)), 3, 1, 1), 2, 1))
    after = run(graph, CountPadding())
    assert [n.op.name for n in after.nodes] == ["relu", "average_pool", "affine", "conv"]
    scale = next(after.constants[n.inputs[1]] for n in after.nodes if isinstance(n.op, Affine))
    assert scale.shape == (1, 5, 5)
    assert scale[0, 0].tolist() == [2.25, 1.5, 1.5, 1.5, 2.25]
    canonical(graph)


def test_an_average_of_sums_stays_until_they_are_levels() -> None:
    net = Net()
    graph = net.graph(net.relu(net.average_pool(net.conv(net.input(2, 5, 5), 2), 3, 1, 1)))
    assert run(graph, CountPadding()) == graph
