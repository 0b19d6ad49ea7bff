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


def test_a_single_number_and_a_constant_are_reported() -> None:
    net = Net()
    x = net.reshape(net.input(1))
    number = net.add(Reshape(()), x, name="number")
    assert codes(net.graph(net.relu(number))) == ["SNN129", "SNN129"]
    net.const("c", np.ones(1))
    assert codes(net.graph(net.plus(net.dense(x, 1), "c"))) == ["SNN129"]


def test_every_problem_is_reported_at_once_with_location_and_hint(golden: Callable[[str, str], None]) -> None:
    net = Net()
    x = net.input(3, 8, 8)
    net.conv(net.tail(net.relu(net.conv(x, 2)), name="attention"), 2, name="c1")
    net.plus(net.conv(x, 1, 8, name="c2"), net.const("c", np.ones((1, 1, 1))), name="sum")
    net.relu(net.add(Reshape(()), net.conv(x, 1, 8, name="c3"), name="number"), name="single")
    graph = net.graph("c1", "sum", "single")
    with pytest.raises(SnnccError) as error:
        run_passes(graph, canonical_passes())
    assert {d.code for d in error.value.diagnostics} <= CATALOGUE.keys()
    assert all(d.loc.file == "net.onnx" and d.hint for d in error.value.diagnostics)
    golden(f"{error.value}\n", "passes/not_canonical.txt")
