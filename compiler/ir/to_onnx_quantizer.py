"""Quantizers and integer weights as ONNX operators of every opset, step by step as their equations say."""

from __future__ import annotations

import numpy as np

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.onnx_writer import Writer
from snncc.compiler.ir.quantizer import IntegerWeight, Quantizer


def write_quantizer(op: Quantizer, writer: Writer, node: Node) -> None:
    """Write a quantizer: the float32 operations of QuantizeLinear and DequantizeLinear, for levels of any width."""
    value = _step(writer, node, "Div", node.inputs[0], "scale", op.scale)
    if op.zero:
        value = _step(writer, node, "Add", value, "zero", op.zero)
    value = _rounded(op.rounding, writer, node, value)
    if op.zero:
        value = _step(writer, node, "Sub", value, "zero", op.zero)
    ends = [writer.helper(node, role, np.array(end, np.float32)) for role, end in (("lo", op.lo), ("hi", op.hi))]
    held = writer.extra(node, "level")
    writer.emit("Clip", (value, *ends), held)
    writer.emit("Mul", (held, writer.helper(node, "scale", np.array(op.scale, np.float32))), node.name)


def _rounded(rounding: str, writer: Writer, node: Node, value: str) -> str:
    if rounding == "half_up":
        return _plain(writer, node, "Floor", _step(writer, node, "Add", value, "half", 0.5))
    if rounding == "sign":
        return _signs(writer, node, value)
    if rounding in ("half_away", "half_zero", "down", "up"):
        return _signed(rounding, writer, node, value)
    return _plain(writer, node, {"half_even": "Round", "floor": "Floor", "ceil": "Ceil"}[rounding], value)


def _signed(rounding: str, writer: Writer, node: Node, value: str) -> str:
    """Round the magnitude, and give it its sign back."""
    size = _plain(writer, node, "Abs", value)
    if rounding.startswith("half"):
        size = _step(writer, node, "Add" if rounding == "half_away" else "Sub", size, "half", 0.5)
    size = _plain(writer, node, "Floor" if rounding in ("half_away", "down") else "Ceil", size)
    made = writer.extra(node, "signed")
    writer.emit("Mul", (_plain(writer, node, "Sign", value), size), made)
    return made


def _signs(writer: Writer, node: Node, value: str) -> str:
    """Return 1 where a value is not negative, else -1."""
    held, made = writer.extra(node, "positive"), writer.extra(node, "signs")
    writer.emit("GreaterOrEqual", (value, writer.helper(node, "nothing", np.array(0.0, np.float32))), held)
    ends = [writer.helper(node, role, np.array(end, np.float32)) for role, end in (("one", 1), ("minus", -1))]
    writer.emit("Where", (held, *ends), made)
    return made


def _plain(writer: Writer, node: Node, kind: str, value: str) -> str:
    made = writer.extra(node, kind.lower())
    writer.emit(kind, (value,), made)
    return made


def _step(writer: Writer, node: Node, kind: str, value: str, role: str, number: float) -> str:
    made = writer.extra(node, f"{kind.lower()}_{role}")
    writer.emit(kind, (value, writer.helper(node, role, np.array(number, np.float32))), made)
    return made


def write_integer_weight(op: IntegerWeight, writer: Writer, node: Node) -> None:
    """Write integer weights: one product a weight, rounded once, as DequantizeLinear does."""
    weight, scale = node.inputs
    rank = len(writer.types[weight].shape)
    values = writer.constants[scale].reshape(-1, *(1,) * (rank - 1))
    writer.emit("Mul", (weight, writer.helper(node, "scale", values)), node.name)
