from collections.abc import Callable

import numpy as np
import pytest

from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Stage
from snncc.compiler.ir.ops import Reshape
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.canonical import canonical_passes
from snncc.compiler.passes.to_canonical import ToCanonical
from tests.compiler.passes.helpers import Net, codes, run


def test_a_canonical_graph_only_changes_its_stage() -> None:
    net = Net()
    r = net.relu(net.plus(net.conv(net.input(2, 4, 4), 3), net.conv("x", 3)))
    graph = net.graph(net.dense(net.reshape(net.max_pool(r)), 2))
    after = run(graph, ToCanonical())
    assert after.stage is Stage.CANONICAL
    assert after.nodes == graph.nodes


def test_a_max_pool_of_sums_is_reported() -> None:
    net = Net()
    assert codes(net.graph(net.conv(net.max_pool(net.conv(net.input(2, 8, 8), 2)), 2))) == ["SNN125"]
    assert codes(net.graph(net.max_pool(net.conv("x", 2)))) == ["SNN125"]


def test_a_concatenation_of_sums_is_reported_where_it_is_read() -> None:
    net = Net()
    x = net.input(2, 4, 4)
    joint = net.concat(net.conv(x, 2), net.conv(x, 2))
    assert codes(net.graph(joint)) == ["SNN126"]
    assert codes(net.graph(net.conv(joint, 2, 1))) == ["SNN120"]


def test_a_single_number_and_a_constant_are_reported() -> None:
    net = Net()
    x = net.reshape(net.input(1))
    number = net.add(Reshape(()), x, name="number")
    assert codes(net.graph(net.relu(number))) == ["SNN129", "SNN129"]
    net.const("c", np.ones(1))
    assert codes(net.graph(net.plus(net.dense(x, 1), "c"))) == ["SNN129"]


@pytest.mark.parametrize("gamma", [-1.0, [1.0, -1.0]])
def test_a_negative_scale_is_reported_on_either_side_of_a_max_pool(gamma: float) -> None:
    net = Net()
    x = net.input(2, 8, 8)
    before = net.conv(net.max_pool(net.batch_norm(net.relu(net.conv(x, 2)), gamma)), 2)
    after = net.relu(net.batch_norm(net.max_pool(net.conv(x, 2)), gamma))
    assert codes(net.graph(before, after)) == ["SNN122", "SNN122"]


def test_every_problem_is_reported_at_once_with_location_and_hint(golden: Callable[[str, str], None]) -> None:
    net = Net()
    x = net.input(3, 8, 8)
    pool = net.max_pool(net.conv(x, 2, name="c1"), name="pool1")
    net.relu(net.batch_norm(pool, -1.0, name="bn1"), name="r1")
    net.conv(net.affine(x, net.some(1, 8, 8), 0.0, name="vignette"), 2, name="c2")
    net.relu(net.conv(net.conv(x, 2, name="c3"), 2, 3, 1, 1, name="c4"), name="r4")
    net.conv(net.average_pool(x, 3, 1, 1, name="mean"), 2, 1, name="c5")
    net.conv(net.average_pool(net.conv(x, 3), 2, 2, 1, True, name="mean6"), 2, 1, name="c6")
    net.max_pool(net.pad(x, 0, 1, 1, 0, 1, 1, name="pad7"), name="pool7")
    net.max_pool(net.conv(x, 3, name="c8"), name="pool8")
    net.concat(net.conv(x, 1, name="c9"), net.conv(x, 1, name="c10"), name="heads")
    net.conv(net.tail(net.relu(net.conv(x, 2)), name="attention"), 2, name="c11")
    graph = net.graph("r1", "c2", "r4", "c5", "c6", "pool7", "pool8", "heads", "c11")
    with pytest.raises(SnnccError) as error:
        run_passes(graph, canonical_passes())
    assert {d.code for d in error.value.diagnostics} <= CATALOGUE.keys()
    assert all(d.loc.file == "net.onnx" and d.hint for d in error.value.diagnostics)
    golden(f"{error.value}\n", "passes/not_canonical.txt")
