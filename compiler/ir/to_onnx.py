"""Write a float graph as a standard ONNX model, for onnxruntime and for other tools."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch

import numpy as np
import onnx
from onnx import helper

from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Array, Graph, Node, Stage
from snncc.compiler.ir.onnx_writer import Writer
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import (
    Add,
    Affine,
    AveragePool,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Pad,
    Relu,
    Reshape,
    Tail,
    Transpose,
)
from snncc.compiler.ir.quantizer import IntegerWeight, Quantizer
from snncc.compiler.ir.to_onnx_curves import write_curve
from snncc.compiler.ir.to_onnx_quantizer import write_integer_weight, write_quantizer
from snncc.compiler.ir.to_onnx_views import (
    write_dilate,
    write_pad,
    write_reshape,
    write_slice,
    write_transpose,
    write_upsample,
)
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

OPSET, IR_VERSION = 17, 8
_TAILS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def to_onnx(graph: Graph, extra_outputs: Sequence[str] = ()) -> onnx.ModelProto:
    """Return a float graph as an ONNX model whose value names are the IR names.

    Args:
        graph: an IMPORTED or CANONICAL graph.
        extra_outputs: names of nodes to be read besides the graph's outputs.

    Returns:
        A model (opset 17, IR version 8) with float32 tensors of shape [N, *sample]; equal graphs give
        equal bytes. A tail of kind ``argmax`` gives the logits it reads.

    Raises:
        InternalError: the graph is quantized, or an extra output is no node.
    """
    if graph.stage is Stage.QUANTIZED:
        raise InternalError("to_onnx writes float graphs, got a quantized one")
    unknown = [name for name in extra_outputs if name not in graph.node]
    if unknown:
        raise InternalError(f"to_onnx: {unknown} are no nodes of graph @{graph.name}")
    writer = Writer(graph)
    for node in graph.nodes:
        _write(node.op, writer, node)
    proto = writer.finish(graph, dict.fromkeys((*graph.outputs, *extra_outputs)))
    opset = [helper.make_opsetid("", OPSET)]
    return helper.make_model(proto, opset_imports=opset, ir_version=IR_VERSION, producer_name="snncc")


@singledispatch
def _write(op: Op, writer: Writer, node: Node) -> None:
    """Write one node; each kind of op of a float graph is registered below."""
    raise InternalError(f"to_onnx knows no '{op.name}' (%{node.name})")


@_write.register
def _conv(op: Conv, writer: Writer, node: Node) -> None:
    source, weight, *bias = node.inputs
    attributes = {
        "strides": op.strides,
        "pads": op.pads,
        "dilations": op.dilations,
        "group": op.groups,
        "kernel_shape": writer.types[weight].shape[2:],
    }
    if not bias or len(writer.types[bias[0]].shape) == 1:
        writer.emit("Conv", node.inputs, node.name, **attributes)
        return
    total = writer.extra(node, "conv")
    writer.emit("Conv", (source, weight), total, **attributes)
    writer.emit("Add", (total, bias[0]), node.name)


@_write.register
def _dense(op: Dense, writer: Writer, node: Node) -> None:
    writer.emit("Gemm", node.inputs, node.name, transB=1)


@_write.register
def _affine(op: Affine, writer: Writer, node: Node) -> None:
    source, scale, shift = node.inputs
    product = writer.extra(node, "scaled")
    writer.emit("Mul", (source, scale), product)
    writer.emit("Add", (product, shift), node.name)


@_write.register
def _batch_norm(op: BatchNorm, writer: Writer, node: Node) -> None:
    writer.emit("BatchNormalization", node.inputs, node.name, epsilon=op.epsilon)


@_write.register
def _relu(op: Relu, writer: Writer, node: Node) -> None:
    if op.cap is None:
        writer.emit("Relu", node.inputs, node.name)
        return
    low = writer.helper(node, "min", np.array(0.0, np.float32))
    high = writer.helper(node, "max", np.array(op.cap, np.float32))
    writer.emit("Clip", (*node.inputs, low, high), node.name)


@_write.register
def _max_pool(op: MaxPool, writer: Writer, node: Node) -> None:
    source, pads = node.inputs[0], op.pads
    if pads_beyond_kernel(op):
        around = writer.helper(node, "pads", onnx_pads(pads))
        least = writer.helper(node, "least", np.float32(-np.inf).reshape(()))
        source, pads = writer.extra(node, "padded"), (0,) * len(pads)
        writer.emit("Pad", (node.inputs[0], around, least), source)
    writer.emit(
        "MaxPool", (source,), node.name,
        kernel_shape=op.kernel, strides=op.strides, pads=pads, dilations=op.dilations,
    )  # fmt: skip


def pads_beyond_kernel(op: MaxPool) -> bool:
    """Return whether a pool is padded by as much as its kernel: onnxruntime wants less, whatever the dilation."""
    return any(pad >= size for pad, size in zip(op.pads, op.kernel * 2, strict=True))


def onnx_pads(pads: tuple[int, ...]) -> Array:
    """Return spatial pads as the Pad operator takes them, with batch and channels."""
    rank = len(pads) // 2
    return np.array([0, 0, *pads[:rank], 0, 0, *pads[rank:]], np.int64)


@_write.register
def _average_pool(op: AveragePool, writer: Writer, node: Node) -> None:
    writer.emit(
        "AveragePool", node.inputs, node.name,
        kernel_shape=op.kernel, strides=op.strides, pads=op.pads,
        count_include_pad=int(op.count_include_pad),
    )  # fmt: skip


@_write.register
def _add(op: Add, writer: Writer, node: Node) -> None:
    writer.emit("Sum", node.inputs, node.name)


@_write.register
def _concat(op: Concat, writer: Writer, node: Node) -> None:
    writer.emit("Concat", node.inputs, node.name, axis=op.axis + 1)


@_write.register
def _tail(op: Tail, writer: Writer, node: Node) -> None:
    if op.kind not in _TAILS:
        writer.emit("Identity", node.inputs, node.name)
        return
    writer.emit(_TAILS[op.kind], node.inputs, node.name, axis=op.axis + 1 if op.axis >= 0 else op.axis)


_write.register(Curve, write_curve)
_write.register(Reshape, write_reshape)
_write.register(Transpose, write_transpose)
_write.register(Pad, write_pad)
_write.register(Slice, write_slice)
_write.register(Upsample, write_upsample)
_write.register(Dilate, write_dilate)
_write.register(Quantizer, write_quantizer)
_write.register(IntegerWeight, write_integer_weight)
