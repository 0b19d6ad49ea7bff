import pytest

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


def test_a_curve_moves_before_views_pools_and_selections() -> None:
    net = Net()
    x = net.max_pool(net.upsample(net.conv(net.input(2, 4, 4), 2), 2, 2))
    after = run(net.graph(net.curve(net.reshape(x), "sigmoid")), ReluFirst())
    assert [node.op.name for node in after.nodes] == ["conv", "curve", "upsample", "max_pool", "reshape"]


@pytest.mark.parametrize(("kind", "parameters"), [("hard_swish", ()), ("leaky_relu", (-0.5,)), ("gelu", ())])
def test_a_curve_that_falls_somewhere_stays_after_a_max_pool(kind: str, parameters: tuple[float, ...]) -> None:
    net = Net()
    graph = net.graph(net.curve(net.max_pool(net.conv(net.input(2, 4, 4), 2, 1)), kind, *parameters))
    assert run(graph, ReluFirst()) == graph


@pytest.mark.parametrize(("kind", "moves"), [("tanh", True), ("sigmoid", False)])
def test_a_curve_moves_before_added_zeros_only_if_it_keeps_them(kind: str, moves: bool) -> None:
    net = Net()
    x = net.pad(net.dilate(net.conv(net.input(2, 4, 4), 2, 1), 2, 2), 0, 1, 1, 0, 1, 1)
    ops = [node.op.name for node in run(net.graph(net.curve(x, kind)), ReluFirst()).nodes]
    assert ops == (["conv", "curve", "dilate", "pad"] if moves else ["conv", "dilate", "pad", "curve"])


def test_slopes_follow_their_channels() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    joint = net.concat(net.conv(x, 1, 1), net.conv(x, 3, 1))
    some = net.slice(net.reshape(net.reshape(joint, 4, 16), 4, 4, 4), (1, 4, 2), (0, 4, 1), (1, 3, 1))
    after = run(net.graph(net.prelu(some, [0.25, 0.5], name="p")), ReluFirst())
    slopes = [after.constants[node.inputs[1]].tolist() for node in after.nodes if node.op.name == "curve"]
    assert slopes == [[0.0], [0.25, 0.0, 0.5]]


def test_the_slope_of_a_single_channel_serves_all_it_was_taken_from() -> None:
    net = Net()
    x = net.slice(net.conv(net.input(2, 4, 4), 3, 1), (1, 2, 1), (0, 4, 1), (0, 4, 1))
    after = run(net.graph(net.prelu(x, [0.25], name="p")), ReluFirst())
    assert [node.op.name for node in after.nodes] == ["conv", "curve", "slice"]
    assert after.constants["p.slope"].tolist() == [0.25] * 3


def test_slopes_that_differ_within_a_channel_of_the_sum_stay() -> None:
    net = Net()
    x = net.transpose(net.conv(net.input(2, 4, 4), 2, 1), 1, 0, 2)
    graph = net.graph(net.prelu(x, net.some(4)))
    assert run(graph, ReluFirst()) == graph


def test_a_leaky_relu_of_what_is_never_negative_goes() -> None:
    net = Net()
    x = net.max_pool(net.curve(net.conv(net.input(2, 4, 4), 2, 1), "sigmoid"))
    after = run(net.graph(net.curve(x, "leaky_relu", 0.1)), ReluFirst())
    assert [node.op.name for node in after.nodes] == ["conv", "curve", "max_pool"]


def test_a_curve_of_levels_stays() -> None:
    net = Net()
    graph = net.graph(net.curve(net.max_pool(net.relu(net.conv(net.input(2, 4, 4), 2))), "tanh"))
    assert run(graph, ReluFirst()) == graph
