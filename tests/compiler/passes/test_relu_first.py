from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.relu_first import ReluFirst
from tests.compiler.passes.helpers import Net, run, shape_of


def test_relu_moves_before_a_max_pool() -> None:
    net = Net()
    pool = net.max_pool(net.conv(net.input(2, 6, 6), 2, name="conv"), 3, 2, 1, name="pool")
    after = run(net.graph(net.relu(pool, name="relu")), ReluFirst())
    assert shape_of(after) == ["conv = conv(x)", "relu = relu(conv)", "pool = max_pool(relu)"]


def test_relu_moves_before_views_and_pads() -> None:
    net = Net()
    x = net.pad(net.conv(net.input(2, 4, 4), 3), 0, 1, 1, 0, 1, 1)
    after = run(net.graph(net.relu(net.reshape(net.transpose(x, 1, 2, 0)), 0.5)), ReluFirst())
    assert [node.op.name for node in after.nodes] == ["conv", "relu", "pad", "transpose", "reshape"]


def test_relu_moves_before_every_part_of_a_concatenation() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    after = run(net.graph(net.relu(net.concat(net.conv(x, 1), net.conv(x, 2)), name="relu")), ReluFirst())
    assert [node.name for node in after.nodes if isinstance(node.op, Relu)] == ["relu", "relu_1"]


def test_two_relus_become_one_with_the_smaller_cap() -> None:
    net = Net()
    x = net.max_pool(net.relu(net.conv(net.input(2, 6, 6), 2), 2.0))
    after = run(net.graph(net.relu(x, 1.0)), ReluFirst())
    assert [node.op for node in after.nodes if isinstance(node.op, Relu)] == [Relu(1.0)]


def test_a_relu_of_what_is_never_negative_goes() -> None:
    net = Net()
    x = net.average_pool(net.relu(net.conv(net.input(2, 6, 6), 2)))
    assert [node.op.name for node in run(net.graph(net.relu(x)), ReluFirst()).nodes] == ["conv", "relu", "average_pool"]


def test_a_relu_after_an_average_pool_of_sums_stays() -> None:
    net = Net()
    graph = net.graph(net.relu(net.average_pool(net.conv(net.input(2, 6, 6), 2))))
    assert run(graph, ReluFirst()) == graph


def test_a_relu_of_a_pooled_input_stays_after_the_pool() -> None:
    net = Net()
    graph = net.graph(net.relu(net.max_pool(net.input(2, 6, 6))))
    assert run(graph, ReluFirst()) == graph


def test_a_pool_with_another_reader_is_kept_for_it() -> None:
    net = Net()
    pool = net.max_pool(net.conv(net.input(2, 6, 6), 2, name="conv"), name="pool")
    after = run(net.graph(net.relu(pool, name="relu"), pool), ReluFirst())
    assert shape_of(after) == [
        "conv = conv(x)",
        "pool = max_pool(conv)",
        "relu = relu(conv)",
        "pool_1 = max_pool(relu)",
    ]
