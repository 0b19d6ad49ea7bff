from collections.abc import Callable

from snncc.compiler.ir import Graph, print_graph
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.mark_linear import MarkLinear
from tests.compiler.passes.helpers import Net, canonical, run, shape_of


def test_a_sum_of_a_sum_reads_its_levels() -> None:
    net = Net()
    x = net.conv(net.conv(net.input(2, 5, 5), 2, name="a"), 2, name="b")
    after = run(net.graph(x), MarkLinear())
    assert shape_of(after) == ["a = conv(x)", "a_levels = curve(a)", "b = conv(a_levels)"]
    assert after.node["a_levels"].op == Curve("linear")
    assert after.node["a_levels"].loc.name == "a"


def test_all_readers_share_the_levels() -> None:
    net = Net()
    a = net.conv(net.input(2, 4, 4), 2, 1, name="a")
    graph = net.graph(net.conv(a, 2, name="b"), net.max_pool(a, name="p"), net.upsample(a, 2, 2, name="u"))
    assert [node.op.name for node in run(graph, MarkLinear()).nodes].count("curve") == 1


def test_pools_concatenations_selections_and_scalings_read_levels() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    readers = [
        net.average_pool(net.conv(x, 2, 1)),
        net.concat(net.conv(x, 2, 1), net.conv(x, 2, 1)),
        net.slice(net.conv(x, 2, 1), (0, 1, 1), (0, 4, 1), (0, 4, 1)),
        net.affine(net.conv(x, 2, 1), 1.0, 2.0),
        net.pad(net.conv(x, 2, 1), 0, 1, 1, 0, 0, 0),
        net.dilate(net.conv(x, 2, 1), 2, 2),
    ]
    after = run(net.graph(*readers), MarkLinear())
    assert [node.op.name for node in after.nodes].count("curve") == 7


def test_an_addition_with_another_reader_becomes_levels_once() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    total = net.plus(net.conv(x, 2, 1, name="a"), net.conv(x, 2, 1, name="b"), name="sum")
    again = net.plus(total, net.conv(total, 2, 1, name="c"), name="again")
    after = run(net.graph(again), MarkLinear())
    assert shape_of(after)[2:] == [
        "sum = add(a, b)",
        "sum_levels = curve(sum)",
        "c = conv(sum_levels)",
        "again = add(sum_levels, c)",
    ]


def test_an_addition_takes_the_levels_of_a_sum_that_has_some() -> None:
    net = Net()
    a = net.conv(net.input(2, 4, 4), 2, 1, name="a")
    after = run(net.graph(net.plus(a, net.conv(a, 2, 1, name="b"), name="sum")), MarkLinear())
    assert shape_of(after)[-1] == "sum = add(a_levels, b)"


def test_activations_and_outputs_keep_reading_the_sum() -> None:
    net = Net()
    a = net.conv(net.input(2, 4, 4), 2, 1, name="a")
    after = run(net.graph(net.relu(a, name="r"), net.conv(a, 2, name="b"), a), MarkLinear())
    assert shape_of(after)[-2:] == ["a_levels = curve(a)", "b = conv(a_levels)"]
    assert after.node["r"].inputs == ("a",)
    assert after.outputs == ("r", "b", "a")


def test_a_view_is_taken_of_the_levels_unless_it_is_an_output() -> None:
    net = Net()
    flat = net.reshape(net.conv(net.input(2, 3, 3), 2, name="a"), name="flat")
    after = run(net.graph(flat, net.dense(flat, 2, name="fc")), MarkLinear())
    assert shape_of(after) == [
        "a = conv(x)",
        "flat = reshape(a)",
        "a_levels = curve(a)",
        "flat_1 = reshape(a_levels)",
        "fc = dense(flat_1)",
    ]


def test_a_sum_that_cannot_be_negative_gets_levels_without_sign() -> None:
    net = Net()
    x = net.input(3)
    total = net.plus(net.relu(x), net.relu(net.dense(x, 3)), name="sum")
    assert run(net.graph(net.dense(total, 2)), MarkLinear()).node["sum_levels"].op == Relu()


def test_a_network_with_levels_everywhere_comes_back_equal_and_so_does_a_marked_one() -> None:
    net = Net()
    x = net.input(2, 5, 5)
    graph = net.graph(net.conv(net.max_pool(net.relu(net.conv(x, 2))), 1, 1))
    assert run(graph, MarkLinear()) == graph
    marked = run(net.graph(net.conv(net.conv(x, 2), 2)), MarkLinear())
    assert run(marked, MarkLinear()) == marked


def _inverted_residuals() -> Graph:
    net = Net()
    x = net.relu(net.conv(net.input(2, 6, 6), 2, 3, 1, 1, name="stem"), 6.0, name="stem_relu")
    x = net.conv(x, 2, 1, name="project0")
    for block in "12":
        wide = net.relu(net.batch_norm(net.conv(x, 6, 1, bias=False, name=f"expand{block}")), 6.0)
        deep = net.relu(net.batch_norm(net.conv(wide, 6, 3, 1, 1, groups=6, bias=False, name=f"depth{block}")), 6.0)
        narrow = net.batch_norm(net.conv(deep, 2, 1, bias=False, name=f"project{block}"), name=f"norm{block}")
        x = net.plus(x, narrow, name=f"add{block}")
    head = net.relu(net.conv(x, 4, 1, name="head"), 6.0)
    return net.graph(net.dense(net.reshape(net.average_pool(head, 6, 6)), 3, name="fc"))


def test_golden_linear_bottlenecks(golden: Callable[[str, str], None]) -> None:
    golden(print_graph(canonical(_inverted_residuals())), "passes/linear_bottlenecks.txt")


def _dense_block() -> Graph:
    net = Net()
    x = net.conv(net.input(2, 4, 4), 2, 3, 1, 1, name="stem")
    for layer in "123":
        fresh = net.relu(net.batch_norm(x, name=f"norm{layer}"), name=f"relu{layer}")
        x = net.concat(x, net.conv(fresh, 2, 3, 1, 1, bias=False, name=f"conv{layer}"), name=f"concat{layer}")
    return net.graph(net.average_pool(net.conv(net.relu(net.batch_norm(x, name="norm")), 3, 1, name="head"), 4))


def test_golden_dense_block(golden: Callable[[str, str], None]) -> None:
    golden(print_graph(canonical(_dense_block())), "passes/dense_block.txt")


def test_a_chain_of_additions_and_batch_norms_grows_by_one_block_at_a_time() -> None:
    sizes = []
    for blocks in (2, 3, 4):
        net = Net()
        x = net.conv(net.input(2, 6, 6), 2, 1)
        for _ in range(blocks):
            x = net.plus(net.conv(net.relu(net.batch_norm(x)), 2, 3, 1, 1), x)
        sizes.append(len(canonical(net.graph(net.relu(x))).nodes))
    assert sizes[2] - sizes[1] == sizes[1] - sizes[0]
