from snncc.compiler.passes.flatten_add import FlattenAdd
from tests.compiler.passes.helpers import Net, run, shape_of


def test_nested_additions_become_one() -> None:
    net = Net()
    x, y = net.input(3), net.input(3, name="y")
    after = run(net.graph(net.plus(net.plus(x, y), net.plus(y, net.plus(x, x)), name="sum")), FlattenAdd())
    assert shape_of(after) == ["sum = add(x, y, y, x, x)"]


def test_an_inner_addition_with_another_reader_stays() -> None:
    net = Net()
    x, y = net.input(3), net.input(3, name="y")
    inner = net.plus(x, y, name="inner")
    graph = net.graph(net.plus(inner, x, name="sum"), net.relu(inner, name="r"))
    assert run(graph, FlattenAdd()) == graph


def test_an_addition_to_itself_is_not_multiplied() -> None:
    net = Net()
    x = net.plus(net.input(3), "x")
    for _ in range(40):
        x = net.plus(x, x)
    graph = net.graph(x)
    assert run(graph, FlattenAdd()) == graph


def test_an_addition_of_one_value_goes() -> None:
    net = Net()
    assert run(net.graph(net.relu(net.plus(net.input(3)), name="r")), FlattenAdd()).nodes[0].inputs == ("x",)
