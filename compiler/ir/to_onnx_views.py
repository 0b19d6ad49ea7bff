"""Views and selections as ONNX nodes; the batch axis comes first and stays as it is."""

from __future__ import annotations

import numpy as np

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.onnx_writer import Writer
from snncc.compiler.ir.ops import Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample


def write_reshape(op: Reshape, writer: Writer, node: Node) -> None:
    """Write a Reshape."""
    _reshape(writer, node, node.inputs[0], op.shape, node.name)


def _reshape(writer: Writer, node: Node, source: str, shape: tuple[int, ...], result: str) -> None:
    target = writer.helper(node, f"shape_of_{result}", np.array([-1, *shape], np.int64))
    writer.emit("Reshape", (source, target), result)


def write_transpose(op: Transpose, writer: Writer, node: Node) -> None:
    """Write a Transpose."""
    if op.perm == tuple(range(len(op.perm))):
        writer.emit("Identity", node.inputs, node.name)  # onnxruntime 1.23 fuses it with a Gemm as if it swapped axes
        return
    writer.emit("Transpose", node.inputs, node.name, perm=(0, *(axis + 1 for axis in op.perm)))


def write_pad(op: Pad, writer: Writer, node: Node) -> None:
    """Write a Pad with zeros."""
    _pad(writer, node, node.inputs[0], op.pads, node.name)


def _pad(writer: Writer, node: Node, source: str, pads: tuple[int, ...], result: str) -> None:
    rank = len(pads) // 2
    around = np.array([0, *pads[:rank], 0, *pads[rank:]], np.int64)
    writer.emit("Pad", (source, writer.helper(node, "pads", around)), result)


def write_slice(op: Slice, writer: Writer, node: Node) -> None:
    """Write a Slice."""
    _slice(writer, node, node.inputs[0], op)


def _slice(writer: Writer, node: Node, source: str, op: Slice) -> None:
    axes = tuple(range(1, len(op.starts) + 1))
    roles = {"starts": op.starts, "stops": op.stops, "axes": axes, "steps": op.steps}
    names = [writer.helper(node, role, np.array(values, np.int64)) for role, values in roles.items()]
    writer.emit("Slice", (source, *names), node.name)


def write_upsample(op: Upsample, writer: Writer, node: Node) -> None:
    """Write Resize: with asymmetric coordinates rounded down, position p shows p // factor."""
    scales = writer.helper(node, "scales", np.array([1, 1, *op.factors], np.float32))
    modes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    writer.emit("Resize", (*node.inputs, "", scales), node.name, **modes)


def write_dilate(op: Dilate, writer: Writer, node: Node) -> None:
    """Write [C, n, ...] -> [C, n, 1, ...] -> zeros behind -> [C, n step, ...] -> without the last zeros."""
    channels, *sizes = writer.types[node.inputs[0]].shape
    apart, spread, wide = (writer.extra(node, role) for role in ("apart", "spread", "wide"))
    pairs = zip(sizes, op.steps, strict=True)
    _reshape(writer, node, node.inputs[0], (channels, *(size for n in sizes for size in (n, 1))), apart)
    behind = tuple(pad for step in op.steps for pad in (0, step - 1))
    _pad(writer, node, apart, ((0,) * (len(behind) + 1)) + (0, *behind), spread)
    _reshape(writer, node, spread, (channels, *(n * step for n, step in pairs)), wide)
    shape = node.type.shape
    _slice(writer, node, wide, Slice((0,) * len(shape), shape, (1,) * len(shape)))
