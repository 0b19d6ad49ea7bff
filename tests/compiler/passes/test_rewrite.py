from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.rewrite import Rewriter, sweep
from tests.compiler.passes.helpers import Net, shape_of


def _twice(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Relu):
        return None
    return new.add(Relu(), [new.add(Relu(1.0), node.inputs, node)], node)


def test_a_new_node_takes_the_name_that_became_free_and_a_second_one_a_number() -> None:
    net = Net()
    after = sweep(net.graph(net.relu(net.input(2), name="r")), _twice)
    assert shape_of(after) == ["r = relu(x)", "r_1 = relu(r)"]
    assert after.outputs == ("r_1",)


def test_a_number_that_is_taken_is_skipped() -> None:
    net = Net()
    graph = net.graph(net.relu(net.conv(net.input(2, 3, 3), 2, 1, name="r_1"), name="r"))
    assert shape_of(sweep(graph, _twice)) == ["r_1 = conv(x)", "r = relu(r_1)", "r_2 = relu(r)"]


def test_a_constant_takes_the_name_of_the_one_it_replaces() -> None:
    net = Net()
    graph = net.graph(net.dense(net.input(2), 2, name="fc"))

    def rule(new: Rewriter, node: Node) -> str | None:
        weight = new.constant(2 * new.array("fc.w"), "fc.w")
        return new.add(node.op, (node.inputs[0], weight, node.inputs[2]), node)

    after = sweep(graph, rule)
    assert set(after.constants) == {"fc.w", "fc.b"}
    assert (after.constants["fc.w"] == 2 * graph.constants["fc.w"]).all()


def test_what_nobody_reads_is_dropped() -> None:
    net = Net()
    x = net.input(2)
    net.dense(x, 3)
    assert shape_of(sweep(net.graph(net.relu(x, name="r")), lambda new, node: None)) == ["r = relu(x)"]
