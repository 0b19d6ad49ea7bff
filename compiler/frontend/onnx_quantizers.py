"""Quantizers of activations: QuantizeLinear with DequantizeLinear, QONNX's Quant and BipolarQuant.

The ONNX pair becomes one op: QuantizeLinear gives the real values that its integers stand for, and DequantizeLinear,
whatever stands between, nothing. So max-pools and views between the two need no form of their own.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnx_ir as ir

from snncc.compiler.frontend import onnx_curves
from snncc.compiler.frontend.onnx_context import Context, Flow, Refusal
from snncc.compiler.ir.quantizer import Quantizer

QONNX = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
CONTRIB = "com.microsoft"
LINEAR = ("QuantizeLinear", "DequantizeLinear")
QUANTS = ("Quant", "IntQuant", "BipolarQuant", "Trunc")
RANGES = {
    ir.DataType.UINT8: (0, 255), ir.DataType.INT8: (-128, 127), ir.DataType.UINT16: (0, 65535),
    ir.DataType.INT16: (-32768, 32767), ir.DataType.UINT4: (0, 15), ir.DataType.INT4: (-8, 7),
}  # fmt: skip
ROUNDING_MODES = {
    "ROUND": "half_even", "HALF_EVEN": "half_even", "CEIL": "ceil", "FLOOR": "floor", "UP": "up", "DOWN": "down",
    "ROUND_TO_ZERO": "down", "HALF_UP": "half_away", "HALF_DOWN": "half_zero",
}  # fmt: skip
_BETWEEN = ("Clip", "Concat", "Flatten", "Identity", "MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze")
_PER_TENSOR = "give the activation one scale and one zero point; channels of weights may each have their own"


def is_quantizer(node: ir.Node) -> bool:
    """Return whether an ONNX node quantizes or dequantizes."""
    if node.domain in QONNX:
        return node.op_type in QUANTS
    return node.domain in ("", "ai.onnx", CONTRIB) and node.op_type in LINEAR


def quantize_linear(c: Context) -> Flow:
    """Convert QuantizeLinear: to the real values of its integers."""
    scale, zero, (least, most) = _linear(c)
    return c.emit(Quantizer(scale, least - zero, most - zero), c.flow())


def dequantize_linear(c: Context) -> Flow:
    """Convert DequantizeLinear of what a QuantizeLinear gave: nothing is left of it."""
    maker = _maker(c.value(0))
    if maker is None:
        raise Refusal(
            "it reads integers that no QuantizeLinear of the model made",
            "give the model float inputs: keep the QuantizeLinear before it",
            "SNN111",
        )
    same = all(_equal(_constant(maker, i), c.value(i)) for i in (1, 2))
    if not same:
        reason = f"its scale or zero point is not that of '{maker.name}', which made the integers"
        raise Refusal(reason, "give both the same scale and zero point", "SNN112")
    return c.flow()


def _maker(value: ir.Value | None) -> ir.Node | None:
    """Return the QuantizeLinear that made a value, behind what only moves or selects integers."""
    node = value.producer() if value is not None else None
    if node is None or node.op_type == "QuantizeLinear":
        return node
    return _maker(node.inputs[0]) if node.op_type in _BETWEEN else None


def _constant(node: ir.Node, index: int) -> ir.Value | None:
    return node.inputs[index] if index < len(node.inputs) else None


def _equal(one: ir.Value | None, other: ir.Value | None) -> bool:
    constants = [None if value is None else value.const_value for value in (one, other)]
    first, second = (np.zeros(1) if c is None else np.ravel(c.numpy().astype(np.float64)) for c in constants)
    return bool(np.array_equal(first, second))


def _linear(c: Context) -> tuple[float, int, tuple[int, int]]:
    """Return scale, zero point and the range of the integers of a QuantizeLinear."""
    scale = _single(c.floats(1, "scale"), "scale")
    point = c.value(2)
    kind = point.dtype if point is not None else ir.DataType(c.integer("output_dtype", 0) or ir.DataType.UINT8)
    if kind not in RANGES:
        told = kind.name.lower() if kind is not None else "an unknown type"
        raise Refusal(f"it quantizes to {told}", "quantize to integers of 4, 8 or 16 bits", "SNN111")
    zero = 0 if point is None else int(_single(c.array(2, "zero point").astype(np.float32), "zero point"))
    return _positive(scale), zero, RANGES[kind]


def _single(values: np.ndarray, role: str) -> float:
    """Return the one value of a parameter."""
    if not values.size or (values != values.flat[0]).any():
        raise Refusal(f"its {role} differs between channels of an activation", _PER_TENSOR, "SNN112")
    return float(values.flat[0])


def _positive(scale: float) -> float:
    if not scale > 0:
        raise Refusal(f"its scale {scale} is not positive", "calibrate or train the quantized network again", "SNN112")
    return scale


def quant(c: Context) -> Flow:
    """Convert QONNX's Quant (IntQuant) of an activation, with Brevitas' names for the same."""
    scale = _positive(_single(c.floats(1, "scale"), "scale"))
    zero = _single(c.floats(2, "zero point"), "zero point")
    least, most, rounding = quant_range(attributes_of(c.node), _single(c.floats(3, "bit width"), "bit width"))
    if zero != round(zero):
        raise Refusal(f"its zero point {zero} is no whole number", "let 0 be a level of the quantizer", "SNN112")
    return c.emit(Quantizer(scale, least - int(zero), most - int(zero), rounding, int(zero)), c.flow())


def quant_range(told: Mapping[str, int | str], bits: float) -> tuple[int, int, str]:
    """Return the least and the greatest integer of a Quant, and how it rounds (QONNX's operator definition).

    Args:
        told: its attributes.
        bits: width of an integer.

    Raises:
        Refusal: the width is no whole number of bits up to 32, or the rounding mode is unknown.
    """
    signed, narrow = (int(told.get(name, 1)) for name in ("signed", "narrow"))
    mode = str(told.get("rounding_mode", "ROUND"))
    if mode.upper() not in ROUNDING_MODES:
        raise Refusal(f"its rounding mode '{mode}' is unknown", f"modes are: {', '.join(ROUNDING_MODES)}", "SNN111")
    if bits != round(bits) or not 1 <= bits <= 32:
        raise Refusal(f"its width of {bits} bits is no whole number from 1 to 32", "train with a fixed width", "SNN112")
    width = int(bits)
    if signed and width == 1:
        return -1, 1, "sign"
    least = -(1 << (width - 1)) + narrow if signed else 0
    most = (1 << (width - 1)) - 1 if signed else (1 << width) - 1 - narrow
    return least, most, ROUNDING_MODES[mode.upper()]


def attributes_of(node: ir.Node) -> dict[str, int | str]:
    """Return the integers and strings among a node's attributes."""
    return {name: item.value for name, item in node.attributes.items() if isinstance(item.value, int | str)}


def bipolar_quant(c: Context) -> Flow:
    """Convert QONNX's BipolarQuant of an activation: scale where it is not negative, else -scale."""
    scale = _positive(_single(c.floats(1, "scale"), "scale"))
    return c.emit(Quantizer(scale, -1, 1, "sign"), c.flow())


def trunc(c: Context) -> Flow:
    """Refuse QONNX's Trunc."""
    raise Refusal(
        "it cuts off the low bits of an integer mean",
        "quantize the mean with a Quant node (Brevitas: QuantAdaptiveAvgPool2d with an act_quant after it)",
        "SNN111",
    )


def clip(c: Context) -> Flow:
    """Convert Clip: of the integers of a QuantizeLinear it leaves fewer levels."""
    value = c.value(0)
    if value is None or value.dtype not in RANGES:
        return onnx_curves.clip(c)
    maker = _maker(value)
    if maker is None:
        raise Refusal("it clips integers that no QuantizeLinear made", "clip before quantizing", "SNN111")
    scale = _single(_array(maker, 1).astype(np.float32), "scale")
    zero = int(_single(_array(maker, 2).astype(np.float32), "zero point")) if _constant(maker, 2) is not None else 0
    least, most = (
        RANGES[value.dtype][i - 1] if c.value(i) is None else int(_single(c.array(i, "limit"), "limit")) for i in (1, 2)
    )
    return c.emit(Quantizer(_positive(scale), least - zero, most - zero), c.flow())


def _array(node: ir.Node, index: int) -> np.ndarray:
    value = _constant(node, index)
    if value is None or value.const_value is None:
        raise Refusal("its scale or zero point is computed by the model", "make it a constant", "SNN111")
    return value.const_value.numpy()
