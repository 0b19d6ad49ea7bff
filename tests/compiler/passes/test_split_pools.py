"""A max-pool over many positions is the same as one pool an axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import snncc
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.canonical import canonical_passes
from snncc.compiler.passes.split_pools import SplitPools
from snncc.compiler.quantize.calibrate import run as execute
from tests.compiler.passes.helpers import Net, canonical, run


def pooled(kernel: list[int], **attributes: Any) -> onnx.ModelProto:
    """Return conv, relu, a max-pool, flatten on [2, 12, 11]."""
    weight = np.random.default_rng(0).normal(size=(3, 2, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("MaxPool", ["r"], ["p"], "pool", kernel_shape=kernel, **attributes),
        helper.make_node("Flatten", ["p"], ["y"], "flatten"),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 2, 12, 11])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "pooled", [x], [y], [numpy_helper.from_array(weight, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


CASES = [
    pooled([5, 5]),
    pooled([5, 4], strides=[2, 3]),
    pooled([5, 5], strides=[3, 2], pads=[2, 1, 0, 2]),
    pooled([3, 3], dilations=[2, 3]),
    pooled([10, 9]),
    pooled([10, 11], pads=[9, 3, 1, 8]),
]


@pytest.mark.parametrize("model", CASES)
def test_the_function_stays_the_same(model: onnx.ModelProto) -> None:
    before = run_passes(snncc.import_model(model), canonical_passes())
    after = run_passes(before, [SplitPools(4)])
    assert all(np.prod(n.op.kernel) <= 4 for n in after.nodes if isinstance(n.op, MaxPool))
    data = {"x": np.random.default_rng(1).normal(size=(4, 2, 12, 11)).astype(np.float32)}
    for name in before.outputs:
        np.testing.assert_array_equal(execute(before, data)[name], execute(after, data)[name])


def test_a_small_pool_stays() -> None:
    graph = run_passes(snncc.import_model(pooled([3, 3])), canonical_passes())
    assert run_passes(graph, [SplitPools(16)]) == graph


def test_no_pool_keeps_more_than_nine_positions_whatever_the_ports() -> None:
    graph = run_passes(snncc.import_model(pooled([4, 4])), canonical_passes())
    pools = [n.op.kernel for n in run_passes(graph, [SplitPools(16)]).nodes if isinstance(n.op, MaxPool)]
    assert pools == [(4, 1), (1, 4)]


@pytest.mark.parametrize("kernel", [2, 9, 10, 13, 28, 52, 59])
def test_a_long_window_is_two_or_more_short_ones(kernel: int) -> None:
    for pad in {0, 1, kernel // 2, kernel - 1}:
        net = Net()
        pool = MaxPool((kernel,), (2,), (pad, kernel - 1), (1,))
        readout = net.conv(net.add(pool, net.relu(net.conv(net.input(1, 70), 1, 1))), 1, 1)
        before = canonical(net.graph(readout))
        after = run(before, SplitPools())
        assert all(n.op.kernel[0] <= 9 for n in after.nodes if isinstance(n.op, MaxPool))


@pytest.mark.parametrize("coding", ["graded", "bitplane", "rate", "ttfs"])
def test_a_large_pool_compiles_exactly_in_every_coding(coding: str) -> None:
    x = np.random.default_rng(2).normal(size=(20, 2, 12, 11)).astype(np.float32)
    program = snncc.compile(pooled([5, 5], strides=[2, 2], pads=[2, 2, 2, 2]), x, coding=coding)
    assert snncc.verify(program, x, limit=18).exact
