from snncc.compiler.ir.ops import Pad
from snncc.compiler.passes.one_scale import OneScale
from tests.compiler.passes.helpers import Net, canonical, run, shape_of


def test_a_convolution_over_joined_positions_becomes_one_for_each_part() -> None:
    net = Net()
    joint = net.concat(net.input(2, 2, 4), net.input(2, 3, 4, name="y"), axis=1, name="joint")
    after = run(net.graph(net.conv(joint, 3, name="c")), OneScale())
    assert shape_of(after)[:2] == ["joint = pad(x)", "joint_1 = pad(y)"]
    assert [node.op.name for node in after.nodes] == ["pad", "pad", "conv", "conv", "add"]
    assert after.node["joint"].op == Pad((0, 0, 0, 0, 3, 0))
    assert after.node["joint_1"].op == Pad((0, 2, 0, 0, 0, 0))
    assert [len(node.inputs) for node in after.nodes if node.op.name == "conv"] == [3, 2]


def test_the_zeros_end_up_in_the_padding_of_the_convolutions() -> None:
    net = Net()
    joint = net.concat(net.input(2, 2, 4), net.input(2, 3, 4, name="y"), axis=1)
    assert [node.op.name for node in canonical(net.graph(net.conv(joint, 3))).nodes] == ["conv", "conv", "add"]


def test_joined_channels_even_shuffled_stay() -> None:
    net = Net()
    joint = net.concat(net.input(2, 4, 4), net.input(2, 4, 4, name="y"))
    shuffled = net.reshape(net.transpose(net.reshape(joint, 2, 2, 4, 4), 1, 0, 2, 3), 4, 4, 4)
    padded = net.pad(shuffled, 0, 1, 1, 0, 1, 1)
    graph = net.graph(net.conv(joint, 2), net.conv(padded, 2))
    assert run(graph, OneScale()) == graph


def test_channels_that_a_reshape_mixes_are_taken_apart() -> None:
    net = Net()
    joint = net.concat(net.input(1, 4), net.input(1, 4, name="y"))
    after = run(net.graph(net.conv(net.reshape(net.upsample(joint, 2), 1, 4, 4), 2)), OneScale())
    assert [node.op.name for node in after.nodes].count("conv") == 2


def test_a_dense_layer_has_a_weight_for_each_position_anyway() -> None:
    net = Net()
    joint = net.concat(net.input(2, 4), net.input(2, 4, name="y"), axis=1)
    graph = net.graph(net.dense(net.reshape(joint), 2))
    assert run(graph, OneScale()) == graph
    canonical(graph)
