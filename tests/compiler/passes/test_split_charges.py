from snncc.compiler.passes.split_charges import SplitCharges
from tests.compiler.passes.helpers import Net, run, shape_of


def test_a_sum_read_twice_is_copied_and_shares_its_weights() -> None:
    net = Net()
    c = net.conv(net.input(2, 4, 4), 2, name="c")
    after = run(net.graph(net.relu(c, name="r"), net.relu(c, 1.0, name="s")), SplitCharges())
    assert shape_of(after) == ["c = conv(x)", "r = relu(c)", "c_1 = conv(x)", "s = relu(c_1)"]
    assert set(after.constants) == {"c.w", "c.b"}


def test_an_output_keeps_the_original() -> None:
    net = Net()
    c = net.dense(net.input(2), 2, name="c")
    after = run(net.graph(net.relu(c, name="r"), c), SplitCharges())
    assert after.outputs == ("r", "c")
    assert after.node["r"].inputs == ("c_1",)


def test_an_addition_is_copied_with_its_operands() -> None:
    net = Net()
    x = net.input(2)
    total = net.plus(net.dense(x, 2, name="a"), net.dense(x, 2, name="b"), name="sum")
    after = run(net.graph(net.relu(total, name="r"), net.relu(total, 1.0, name="s")), SplitCharges())
    copies = ["a_1 = dense(x)", "b_1 = dense(x)", "sum_1 = add(a_1, b_1)"]
    assert shape_of(after)[4:] == [*copies, "s = relu(sum_1)"]


def test_an_addition_of_a_sum_to_itself_reads_two() -> None:
    net = Net()
    a = net.dense(net.input(2), 2, name="a")
    after = run(net.graph(net.plus(a, a, name="sum")), SplitCharges())
    assert after.node["sum"].inputs == ("a", "a_1")


def test_levels_may_have_any_number_of_readers() -> None:
    net = Net()
    r = net.relu(net.dense(net.input(2), 2))
    graph = net.graph(net.dense(r, 2), net.dense(r, 3), net.dense(r, 4))
    assert run(graph, SplitCharges()) == graph


def test_a_view_at_an_output_keeps_the_original_and_a_curve_gets_a_copy() -> None:
    net = Net()
    c = net.dense(net.input(2), 4, name="c")
    after = run(net.graph(net.curve(c, "tanh", name="t"), net.reshape(c, 2, 2, name="y"), c), SplitCharges())
    assert after.node["y"].inputs == ("c",)
    assert after.node["t"].inputs == ("c_1",)
    assert after.outputs == ("t", "y", "c")
