from snncc.compiler.passes.drop_tail import DropTail
from tests.compiler.passes.helpers import Net, codes, run


def test_a_tail_at_an_output_becomes_its_input() -> None:
    net = Net()
    logits = net.dense(net.input(4), 3, name="fc")
    assert run(net.graph(net.tail(logits)), DropTail()).outputs == ("fc",)


def test_tails_and_views_up_to_the_output_are_looked_through() -> None:
    net = Net()
    logits = net.dense(net.input(4), 6, name="fc")
    after = run(net.graph(net.tail(net.reshape(net.tail(logits), 2, 3), "argmax", name="top")), DropTail())
    assert [node.op.name for node in after.nodes] == ["dense", "reshape"]


def test_logits_that_are_an_output_too_stay_one_node() -> None:
    net = Net()
    logits = net.dense(net.input(4), 3, name="fc")
    assert run(net.graph(logits, net.tail(logits)), DropTail()).outputs == ("fc", "fc")


def test_a_tail_inside_the_network_stays_and_is_reported() -> None:
    net = Net()
    inner = net.tail(net.relu(net.dense(net.input(4), 4)))
    graph = net.graph(net.dense(inner, 2))
    assert run(graph, DropTail()) == graph
    assert codes(graph) == ["SNN128"]
