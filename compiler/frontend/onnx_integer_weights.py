"""Weights that a model holds as integers and scales: their values for the converting functions, and how to get back.

A DequantizeLinear or Quant of constants is worked out here, in float32 as the runtimes do, and not folded away like
other constants, because folding loses the scales. The scale of each value stays with it through the operators that
only move values about; ``integer_weight`` divides by it again, which gives back the integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx_ir as ir

from snncc.compiler.frontend.onnx_context import Context, Floats, Refusal
from snncc.compiler.frontend.onnx_quantizers import LINEAR, QONNX, attributes_of, is_quantizer, quant_range
from snncc.compiler.ir.quantizer import ROUNDINGS, IntegerWeight

Numbers = npt.NDArray[Any]
SCALES = "snncc_scales"  # key of a value's scales, float32 of its shape, in the metadata of the ONNX model
_MOST = 1 << 24  # whole numbers below are exact in float32


def settle_weights(model: ir.Model) -> None:
    """Give the results of quantizers of constants, and of what moves them about, their values and scales."""
    for node in model.graph:
        operands = [value.const_value.numpy() if value is not None and value.const_value is not None else None
                    for value in node.inputs]  # fmt: skip
        if not operands or operands[0] is None or node.outputs[0].const_value is not None:
            continue
        if is_quantizer(node):
            _settle(node, *_evaluated(node, operands))
        elif node.op_type == "Clip" and operands[0].dtype.kind in "iu":
            low, high = (operands[i] if len(operands) > i else None for i in (1, 2))
            _settle(node, np.clip(operands[0], low, high), None)  # a range narrower than the integer type
        elif node.op_type in _MOVES and isinstance(scales := _scales(node.inputs[0]), np.ndarray):
            move = _MOVES[node.op_type]
            _settle(node, move(node, operands[0], operands), move(node, scales, operands))


def _settle(node: ir.Node, values: Numbers | None, scales: Numbers | None) -> None:
    if values is None:
        return
    value = node.outputs[0]
    value.const_value = ir.tensor(np.ascontiguousarray(values), name=value.name)
    if scales is not None:
        value.meta[SCALES] = np.ascontiguousarray(scales)


def _scales(value: ir.Value | None) -> object:
    return None if value is None else value.meta.get(SCALES)


def _evaluated(node: ir.Node, operands: list[Numbers | None]) -> tuple[Numbers | None, Numbers | None]:
    """Return the values of a quantizer of constants and their scales; None where an operand is no constant."""
    if any(operand is None for operand in operands) or node.op_type == "Trunc":
        return None, None
    x, scale, *rest = (np.asarray(operand) for operand in operands)
    if node.domain in QONNX:
        return _quant(node, x, scale, rest)
    shaped = [_along_axis(node, x, parameter) for parameter in (scale.astype(np.float32), *rest)]
    if any(parameter is None for parameter in shaped):
        return None, None
    scales = np.broadcast_to(np.asarray(shaped[0]), x.shape)
    zero = np.asarray(shaped[1]).astype(np.int64) if rest else np.int64(0)
    if node.op_type == "DequantizeLinear":
        return (x.astype(np.int64) - zero).astype(np.float32) * scales, scales
    kind = np.dtype(rest[0].dtype if rest else np.uint8)
    least, most = _limits(kind)
    steps = np.rint(x.astype(np.float32) / scales).astype(np.int64) + zero
    return np.clip(steps, least, most).astype(kind), None


def _limits(kind: np.dtype[Any]) -> tuple[int, int]:
    """Return the range of an integer type, of 4 bits where numpy has none of its own."""
    if kind.kind in "iu":
        return int(np.iinfo(kind).min), int(np.iinfo(kind).max)
    return (0, 15) if "uint" in kind.name else (-8, 7)


def _quant(node: ir.Node, x: Numbers, scale: Numbers, rest: list[Numbers]) -> tuple[Numbers | None, Numbers | None]:
    """Return the values of QONNX's Quant or BipolarQuant, in float32."""
    x, scales = x.astype(np.float32), np.broadcast_to(scale.astype(np.float32), x.shape)
    if node.op_type == "BipolarQuant":
        return np.where(x >= 0, scales, -scales), scales
    zero, bits = rest[0].astype(np.float32), float(rest[1].ravel()[0])
    try:
        least, most, rounding = quant_range(attributes_of(node), bits)
    except Refusal:
        return None, None  # the reader of the weight tells why
    whole = np.clip(ROUNDINGS[rounding](x / scales + zero), least, most)
    return (whole - zero) * scales, scales


def _along_axis(node: ir.Node, x: Numbers, parameter: Numbers) -> Numbers | None:
    """Return a scale or zero point so that it broadcasts to x; None for blocks, which share a scale in a channel."""
    if parameter.size == 1:
        return parameter.reshape((1,) * x.ndim)
    axis = node.attributes["axis"].as_int() if "axis" in node.attributes else 1
    block = node.attributes["block_size"].as_int() if "block_size" in node.attributes else 0
    if block:
        return np.repeat(parameter, block, axis)[tuple(slice(n) for n in x.shape)]
    shape = [1] * x.ndim
    shape[axis] = parameter.size
    return parameter.reshape(shape) if parameter.size == x.shape[axis] else None


def _reshape(node: ir.Node, x: Numbers, operands: list[Numbers | None]) -> Numbers:
    """Return x in the shape that the model says the result has."""
    shape = node.outputs[0].shape
    return x.reshape(tuple(shape.numpy())) if shape is not None else x.reshape(np.ravel(np.asarray(operands[1])))


def _transpose(node: ir.Node, x: Numbers, operands: list[Numbers | None]) -> Numbers:
    perm = node.attributes["perm"].as_ints() if "perm" in node.attributes else None
    return np.transpose(x, perm)


_MOVES: dict[str, Callable[[ir.Node, Numbers, list[Numbers | None]], Numbers]] = {
    "Identity": lambda node, x, operands: x,
    "Reshape": _reshape,
    "Flatten": _reshape,
    "Squeeze": _reshape,
    "Unsqueeze": _reshape,
    "Transpose": _transpose,
}


def integer_weight(c: Context, weight: Floats, move: Callable[[Numbers], Numbers]) -> str | None:
    """Return the name of a weight of the IR as integers and scales, None where operand 1 has none.

    Args:
        c: the linear operator.
        weight: the weight as the IR has it.
        move: what made it of operand 1, for the scales.

    Raises:
        Refusal: SNN114, the scales differ within an output channel; SNN111, no integers can be told from it.
    """
    value = c.value(1)
    scales = _scales(value)
    made_by = value.producer() if value is not None else None
    if not isinstance(scales, np.ndarray):
        if made_by is not None and is_quantizer(made_by) and made_by.op_type not in LINEAR[:1]:
            hint = "give it constants of the usual shapes: one scale, or one a channel"
            raise Refusal(f"its weight comes from '{made_by.op_type}', which cannot be worked out", hint, "SNN111")
        return None
    rows = move(scales).reshape(len(weight), -1)
    if (rows != rows[:, :1]).any() or not (rows > 0).all():
        hint = "quantize weights per tensor or per output channel"
        reason = "its weight has several scales in one output channel, or one that is not positive"
        raise Refusal(reason, hint, "SNN114")
    scale = rows[:, 0]
    whole = np.rint(weight / scale.reshape(-1, *(1,) * (weight.ndim - 1)))
    if np.abs(whole).max(initial=0) >= _MOST:
        raise Refusal("its weight has integers beyond 24 bits", "quantize weights to 16 bits at most", "SNN114")
    flow = c.emit(IntegerWeight(), c.constant(whole, "integers"), c.constant(scale, "scales"), part="weight")
    return flow.name
