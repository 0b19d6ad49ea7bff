import pytest

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.one_source import OneSource
from tests.compiler.passes.helpers import Net, canonical, run, shape_of


@pytest.mark.parametrize("signed", [True, False])
def test_a_pool_over_two_populations_gets_a_copy_of_both(signed: bool) -> None:
    net = Net()
    x, y = (net.input(2, 4, 4, name=name) for name in ("x", "y"))
    parts = (x, y) if signed else (net.relu(x, name="r"), net.relu(y, name="s"))
    after = run(net.graph(net.max_pool(net.concat(*parts, axis=1, name="c"), name="p")), OneSource())
    assert shape_of(after)[-4:] == [
        f"c = concat({', '.join(parts)})",
        "p_c = conv(c)",
        f"p_c_levels = {'curve' if signed else 'relu'}(p_c)",
        "p = max_pool(p_c_levels)",
    ]
    assert after.node["p_c_levels"].op == (Curve("linear") if signed else Relu())


def test_a_pool_of_one_population_in_any_view_stays() -> None:
    net = Net()
    x = net.slice(net.relu(net.input(2, 4, 4)), (0, 2, 1), (0, 4, 2), (0, 4, 1))
    graph = net.graph(net.max_pool(net.concat(x, net.upsample(x, 1, 1), axis=1)))
    assert run(graph, OneSource()) == graph


def test_a_pool_of_shuffled_parts_is_canonical() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    joint = net.concat(net.relu(net.conv(x, 2, 1)), net.relu(net.conv(x, 2, 1)))
    shuffled = net.reshape(net.transpose(net.reshape(joint, 2, 2, 4, 4), 1, 0, 2, 3), 4, 4, 4)
    canonical(net.graph(net.conv(net.average_pool(shuffled), 2, 1)))
