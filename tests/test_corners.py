"""Corners of networks that once went wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import snncc

CODINGS = ("graded", "bitplane", "rate", "ttfs")


def network(shape: tuple[int, ...], nodes: list[onnx.NodeProto], **weights: tuple[int, ...]) -> onnx.ModelProto:
    rng = np.random.default_rng(0)
    tensors = [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), n) for n, s in weights.items()]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *shape])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "corner", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def data(*shape: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_pooled_input_with_negative_values_is_exact(coding: str) -> None:
    nodes = [
        helper.make_node(
            "AveragePool", ["x"], ["a"], "mean", kernel_shape=[4], strides=[3], pads=[2, 2], count_include_pad=1
        ),
        helper.make_node("Conv", ["a", "w"], ["c"], "conv", pads=[1, 1]),  # its padding keeps the pool from folding
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node("Flatten", ["r"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "v"], ["y"], "fc", transB=1),
    ]
    x = data(40, 1, 8)
    program = snncc.compile(network((1, 8), nodes, w=(2, 1, 2), v=(2, 8)), x, coding=coding, levels=4)
    codes = {p.name: p.claim.coding for p in program.populations if p.claim}
    assert codes["mean"] == ("graded" if coding == "ttfs" else coding)  # ttfs has no negative levels
    assert codes["relu"] == coding
    assert snncc.verify(program, x, limit=20).exact


@pytest.mark.parametrize("coding", CODINGS)
def test_a_pool_may_be_padded_by_as_much_as_its_kernel(coding: str) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], "conv"),
        helper.make_node("Relu", ["c"], ["r"], "relu"),
        helper.make_node(
            "MaxPool", ["r"], ["p"], "pool",
            kernel_shape=[2, 2], strides=[2, 2], dilations=[2, 2], pads=[1, 1, 1, 1], ceil_mode=1,
        ),
        helper.make_node("Flatten", ["p"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "v"], ["y"], "fc", transB=1),
    ]  # fmt: skip
    x = data(40, 1, 8, 8)
    program = snncc.compile(network((1, 8, 8), nodes, w=(2, 1, 1, 1), v=(3, 50)), x, coding=coding)
    assert snncc.verify(program, x, limit=20).exact


def test_few_calibration_samples_leave_room_for_what_they_did_not_show() -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], "first", transB=1),
        helper.make_node("Relu", ["h"], ["r"], "relu"),
        helper.make_node("Gemm", ["r", "v"], ["y"], "second", transB=1),
    ]
    model, x = network((10,), nodes, w=(16, 10), v=(4, 16)), data(400, 10)
    report = snncc.verify(snncc.compile(model, x[:50], bits=8), x[50:], limit=0)
    assert report.layers[0].sqnr_db is not None
    assert report.layers[0].sqnr_db > 28


def test_constant_calibration_data_are_pointed_out(tiny_model: onnx.ModelProto) -> None:
    program = snncc.compile(tiny_model, np.zeros((20, 1, 8, 8), dtype=np.float32))
    assert program.origin is not None
    assert "SNN211" in [note.code for note in program.origin.notes]
