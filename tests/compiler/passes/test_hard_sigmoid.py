from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.hard_sigmoid import HardSigmoid
from tests.compiler.passes.helpers import Net, canonical, run, shape_of


def test_a_hard_sigmoid_is_a_scaling_and_a_capped_relu() -> None:
    net = Net()
    x = net.curve(net.dense(net.input(3), 2, name="fc"), "hard_sigmoid", 0.25, 0.5, name="gate")
    after = run(net.graph(x), HardSigmoid())
    assert shape_of(after) == ["fc = dense(x)", "gate = affine(fc)", "gate_1 = relu(gate)"]
    assert after.node["gate_1"].op == Relu(1.0)


def test_the_scaling_ends_up_in_the_weights() -> None:
    net = Net()
    x = net.curve(net.conv(net.input(2, 4, 4), 2), "hard_sigmoid", 0.25, 0.5)
    assert [node.op.name for node in canonical(net.graph(net.conv(x, 1, 1))).nodes] == ["conv", "relu", "conv"]


def test_other_curves_stay() -> None:
    net = Net()
    graph = net.graph(net.curve(net.dense(net.input(3), 2), "sigmoid"))
    assert run(graph, HardSigmoid()) == graph
