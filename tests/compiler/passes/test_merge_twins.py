from snncc.compiler.passes.merge_twins import MergeTwins
from tests.compiler.passes.helpers import Net, run, shape_of


def test_the_same_op_on_the_same_value_is_computed_once() -> None:
    net = Net()
    c = net.conv(net.input(2, 4, 4), 2, name="c")
    first, second = net.relu(c, name="first"), net.relu(c, name="second")
    after = run(net.graph(net.plus(first, second, name="sum")), MergeTwins())
    assert shape_of(after) == ["c = conv(x)", "first = relu(c)", "sum = add(first, first)"]


def test_other_attributes_make_another_value() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    graph = net.graph(net.plus(net.relu(x), net.relu(x, 1.0)))
    assert run(graph, MergeTwins()) == graph
