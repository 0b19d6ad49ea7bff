"""The ANN beside a compiled program is that of its network: the same in every coding."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import snncc

RANDOM = np.random.default_rng(3)


def model(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], shape: tuple[int, ...]) -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "net", [x], [y], constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(made.SerializeToString())


def residual() -> bytes:
    nodes = [
        helper.make_node("MatMul", ["x", "a"], ["h"]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("MatMul", ["r", "b"], ["s"]),
        helper.make_node("Add", ["r", "s"], ["t"]),
        helper.make_node("Relu", ["t"], ["u"]),
        helper.make_node("MatMul", ["u", "c"], ["y"]),
    ]
    shapes = {"a": (5, 8), "b": (8, 8), "c": (8, 3)}
    return model(nodes, {name: RANDOM.normal(size=shape) for name, shape in shapes.items()}, (5,))


def pooled() -> bytes:
    nodes = [
        helper.make_node("Conv", ["x", "k"], ["h"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["h"], ["r"]),
        helper.make_node("GlobalAveragePool", ["r"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "c"], ["y"]),
    ]
    return model(nodes, {"k": RANDOM.normal(size=(4, 2, 3, 3)), "c": RANDOM.normal(size=(4, 3))}, (2, 6, 6))


@pytest.mark.parametrize(
    ("made", "shape", "macs", "neurons", "layers"),
    [
        # a matrix of 8 x 8 carries the addition; 8 additions
        (residual, (5,), 5 * 8 + 8 * 8 + 8 + 8 * 3, 5 + 8 + 8 + 3, 3),
        # 16 pairs of a tap and a position inside on each axis; unary codings fold the pool into the dense layer
        (pooled, (2, 6, 6), 16 * 16 * 2 * 4 + 4 * 36 + 4 * 3, 72 + 144 + 4 + 3, 3),
    ],
)
def test_every_coding_has_the_same_ann(made, shape, macs, neurons, layers) -> None:  # type: ignore[no-untyped-def]
    network, x = made(), RANDOM.random((8, *shape), dtype=np.float32)
    for coding in ("graded", "rate", "bitplane", "ttfs"):
        report = snncc.cost(snncc.compile(network, x, coding=coding), x, limit=1)
        spent = report.frames.energy
        found = {kind.kind: kind.events for kind in spent.kinds}
        assert (coding, found["synaptic_event"], found["update"]) == (coding, macs, neurons)
        assert found["spike"] == neurons - 3
        assert report.frames.latency_steps == layers
        for parts in (spent.layers, spent.cores):
            assert sum(part.events["synaptic_event"] for part in parts) == macs
            assert sum(part.events["update"] for part in parts) == neurons
