"""A weighted sum over a concatenation has an edge for each value joined, and each keeps its own precision."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import snncc
from snncc.compiler.ir.ops import Concat
from snncc.compiler.mapping.mantissas import exponents
from snncc.compiler.quantize.shares import Shares
from snncc.compiler.quantize.support import unsupported
from tests.compiler.passes.helpers import Net
from tests.compiler.quantize.graphs import canonical


def joined(axis: int, scale: float = 100.0, groups: int = 1) -> onnx.ModelProto:
    """Return relu(conv) and relu(conv) a hundred times as large, side by side, then a convolution."""
    rng = np.random.default_rng(0)
    weights = {
        "a": rng.normal(size=(2, 1, 3, 3)),
        "b": rng.normal(size=(2, 1, 3, 3)) * scale,
        "c": rng.normal(size=(4, 4 // groups if axis == 1 else 2, 1, 1)),
        "d": rng.normal(size=(3, 4)),
    }
    if axis == 1 and groups == 1:
        weights["c"][:, 2:] /= scale
    nodes = [
        helper.make_node("Conv", ["x", "a"], ["ca"], kernel_shape=[3, 3]),
        helper.make_node("Conv", ["x", "b"], ["cb"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["ca"], ["ra"]),
        helper.make_node("Relu", ["cb"], ["rb"]),
        helper.make_node("Concat", ["ra", "rb"], ["j"], axis=axis),
        helper.make_node("Conv", ["j", "c"], ["cc"], kernel_shape=[1, 1], group=groups),
        helper.make_node("Relu", ["cc"], ["rc"]),
        helper.make_node("GlobalAveragePool", ["rc"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "d"], ["y"], transB=1),
    ]
    tensors = [numpy_helper.from_array(w.astype(np.float32), name) for name, w in weights.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 5, 5])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph(nodes, "joined", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


X = np.random.default_rng(1).normal(size=(60, 1, 5, 5)).astype(np.float32)


@pytest.mark.parametrize("groups", [1, 2])
def test_values_of_different_scales_are_joined_exactly(groups: int) -> None:
    program = snncc.compile(joined(1, groups=groups), X, bits=6)
    report = snncc.verify(program, X, limit=10)
    assert report.exact
    assert min(layer.sqnr_db or 0 for layer in report.layers) > 25


def test_each_source_has_exponents_of_its_own() -> None:
    """Weights on the large values are as small as they are large, so both meet in one unit, each in its mantissa."""
    program = snncc.compile(joined(1, scale=1000.0), X, bits=4)
    wires = [c for c in program.connections if c.target == "rc"]
    assert len(wires) == 2
    for wire in wires:
        weight = np.asarray(wire.synapses.weight)
        mantissa = np.abs(weight).reshape(len(weight), -1).max(axis=1) >> exponents(weight)
        assert mantissa.max() < 128
        assert np.abs(weight).max() >= 64


def test_values_of_different_scales_in_one_channel_are_taken_apart() -> None:
    """No integer weight serves both scales, so the canonical passes give each a convolution of its own."""
    program = snncc.compile(joined(2), X)
    assert snncc.verify(program, X, limit=5).exact


def test_a_weight_that_reads_two_sources_is_refused_by_name() -> None:
    net = Net()
    x = net.input(1, 2, 2)
    first, second = (net.relu(net.conv(x, 1, 1), name=name) for name in ("r1", "r2"))
    graph = canonical(net, net.conv(net.add(Concat(1), first, second), 1, 1, name="y"))
    problems = list(unsupported(graph))
    assert [d.code for d in problems] == ["SNN203"]
    assert "'y'" in problems[0].message


def test_the_sources_of_moved_and_pooled_values_are_known_channel_by_channel() -> None:
    net = Net()
    x = net.input(2, 6, 6)
    sources = [net.relu(net.conv(x, 2)) for _ in range(2)]
    pools = [net.max_pool(source) for source in sources]
    both = net.add(Concat(0), *(net.transpose(pool, 0, 2, 1) for pool in pools))
    flat = net.reshape(both, 16)
    graph = canonical(net, net.dense(flat, 3))
    dense = graph.nodes[-1]
    first, second = Shares(graph).of(dense)
    assert (first.source, second.source) == tuple(sources)
    assert first.heard.ravel().tolist() == [True] * 8 + [False] * 8
    assert second.heard.ravel().tolist() == [False] * 8 + [True] * 8
