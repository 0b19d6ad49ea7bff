"""Folding sums changes the program's shape, and not one integer of what it computes."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from onnx import TensorProto, helper, numpy_helper

import snncc
from snncc.compiler.ir import Graph
from snncc.compiler.passes.base import run_passes
from snncc.compiler.quantize import fold_sums
from snncc.compiler.quantize.fold_sums import FoldSums
from snncc.runtime.reference import encode, execute
from tests.random_models import networks


def pooled(kernel: int, stride: int, then_conv: bool, pads: int = 0) -> onnx.ModelProto:
    """Return conv, relu, average pool, then a (padded) conv and a dense layer, or the dense layer alone."""
    rng = np.random.default_rng(3)
    side = (8 - kernel) // stride + 1
    out = side + 2 * pads - 2 if then_conv else side
    shapes = {"w1": (3, 1, 3, 3), "w2": (4, 3, 3, 3), "w3": (5, (4 if then_conv else 3) * out * out)}
    tensors = [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), n) for n, s in shapes.items()]
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("AveragePool", ["r"], ["a"], "pool", kernel_shape=[kernel] * 2, strides=[stride] * 2),
    ]
    if then_conv:
        nodes.append(helper.make_node("Conv", ["a", "w2"], ["d"], "conv2", pads=[pads] * 4))
        nodes.append(helper.make_node("Relu", ["d"], ["e"], "relu2"))
    nodes.append(helper.make_node("Flatten", ["e" if then_conv else "a"], ["f"], "flatten"))
    nodes.append(helper.make_node("Gemm", ["f", "w3"], ["y"], "fc", transB=1))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 8, 8])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 5])
    graph = helper.make_graph(nodes, "pooled", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def both(model: onnx.ModelProto, weight_bits: int = 8) -> tuple[Graph, Graph]:
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(0).random((16, *shape), dtype=np.float32)
    program = snncc.compile(model, x, coding="graded")
    assert program.origin is not None
    network = program.origin.network
    return network, run_passes(network, [FoldSums(lambda name: weight_bits)])


def same(before: Graph, after: Graph) -> None:
    x = np.random.default_rng(1).random((8, *before.inputs[0].type.shape), dtype=np.float32)
    a, b = (execute(g, encode(g, {before.inputs[0].name: x})) for g in (before, after))
    kept = [node.name for node in after.nodes if node.op.name in ("fire", "readout")]
    assert kept
    for name in kept:
        np.testing.assert_array_equal(a[name], b[name])


@pytest.mark.parametrize(("kernel", "stride", "then_conv", "pads"), [
    (2, 2, False, 0), (3, 2, False, 0), (8, 1, False, 0), (2, 2, True, 0), (2, 2, True, 1), (3, 1, True, 0),
])  # fmt: skip
def test_sums_fold_into_the_next_weights(kernel: int, stride: int, then_conv: bool, pads: int) -> None:
    before, after = both(pooled(kernel, stride, then_conv, pads), weight_bits=16)
    assert "pool" in before.node
    assert "pool" not in after.node
    same(before, after)


def test_a_sum_stays_where_padding_would_see_its_sources() -> None:
    before, after = both(pooled(3, 1, True, pads=1), weight_bits=16)
    assert "pool" in after.node
    same(before, after)


def test_a_sum_stays_where_overlapping_windows_need_wider_weights() -> None:
    before, after = both(pooled(3, 1, True), weight_bits=8)
    assert "pool" in after.node
    assert after == before


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(model=networks())
def test_no_integer_changes_in_random_networks(model: onnx.ModelProto) -> None:
    same(*both(model))


def test_a_sum_stays_where_a_core_cannot_hear_what_it_adds() -> None:
    network, folded = both(pooled(2, 2, then_conv=False))
    sources = 3 * 8 * 8
    assert run_passes(network, [FoldSums(most=sources)]) == folded
    assert run_passes(network, [FoldSums(most=sources - 1)]) == network


def test_a_sum_stays_where_a_dense_layer_would_have_too_many_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    network, folded = both(pooled(2, 2, then_conv=False))
    weights = 5 * 3 * 8 * 8
    monkeypatch.setattr(fold_sums, "MOST_WEIGHTS", weights)
    assert run_passes(network, [FoldSums()]) == folded
    monkeypatch.setattr(fold_sums, "MOST_WEIGHTS", weights - 1)
    assert run_passes(network, [FoldSums()]) == network
