from snncc.compiler.passes.concat_last import ConcatLast
from tests.compiler.passes.helpers import Net, run, shape_of


def test_a_pool_of_joined_channels_becomes_a_pool_of_each_part() -> None:
    net = Net()
    a, b, c = (net.input(n, 4, 4, name=name) for n, name in ((1, "a"), (2, "b"), (1, "c")))
    joint = net.concat(net.concat(a, b, name="inner"), c, name="joint")
    after = run(net.graph(net.max_pool(joint, name="max"), net.average_pool(joint, name="mean")), ConcatLast())
    assert shape_of(after) == [
        "max = max_pool(a)",
        "max_1 = max_pool(b)",
        "inner = concat(max, max_1)",
        "max_2 = max_pool(c)",
        "joint = concat(inner, max_2)",
        "mean = average_pool(a)",
        "mean_1 = average_pool(b)",
        "inner_1 = concat(mean, mean_1)",
        "mean_2 = average_pool(c)",
        "joint_1 = concat(inner_1, mean_2)",
    ]


def test_joined_positions_stay_together() -> None:
    net = Net()
    graph = net.graph(net.max_pool(net.concat(net.input(2, 4, 4), net.input(2, 4, 4, name="y"), axis=1)))
    assert run(graph, ConcatLast()) == graph


def test_other_readers_keep_the_whole() -> None:
    net = Net()
    joint = net.concat(net.input(2, 4, 4), net.input(1, 4, 4, name="y"), name="joint")
    after = run(net.graph(net.max_pool(joint), net.conv(joint, 2, name="c")), ConcatLast())
    assert after.node["c"].inputs[0] in after.node
    assert [node.op.name for node in after.nodes].count("concat") == 2
