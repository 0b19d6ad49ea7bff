"""Torch's fake quantization as ONNX: the same as torch's own export for 8-bit ranges, and all narrower ranges, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx_ir as ir
from onnx import numpy_helper

_RANGES = {np.uint8: (0, 255), np.int8: (-128, 127), np.uint16: (0, 65535), np.int16: (-32768, 32767)}


def translations(torch: Any) -> dict[Any, Callable[..., Any]]:
    """Return what ``torch.onnx.export`` takes as its translation table."""
    aten = torch.ops.aten
    return {
        aten.fake_quantize_per_tensor_affine.default: _per_tensor,
        aten.fake_quantize_per_tensor_affine.tensor_qparams: _per_tensor,
        aten.fake_quantize_per_channel_affine.default: _per_channel,
    }


def _per_tensor(x: Any, scale: Any, zero_point: Any, quant_min: int, quant_max: int) -> Any:
    return _pair(x, scale, zero_point, {}, quant_min, quant_max)


def _per_channel(x: Any, scale: Any, zero_point: Any, axis: int, quant_min: int, quant_max: int) -> Any:
    return _pair(x, scale, zero_point, {"axis": axis}, quant_min, quant_max)


def _pair(x: Any, scale: Any, zero_point: Any, axis: dict[str, int], least: int, most: int) -> Any:
    """Write QuantizeLinear, a Clip where the range is narrower than the integer type, and DequantizeLinear."""
    from onnxscript import opset18 as op

    kind = next((kind for kind, (low, high) in _RANGES.items() if low <= least and most <= high), np.int16)
    if isinstance(scale, (int, float)):
        scale = op.Constant(value=numpy_helper.from_array(np.array(scale, np.float32)))
    if isinstance(zero_point, int):
        zero_point = op.Constant(value=numpy_helper.from_array(np.array(zero_point, kind)))
    else:
        zero_point = op.Cast(zero_point, to=int(ir.DataType.from_numpy(np.dtype(kind))))
    whole = op.QuantizeLinear(x, scale, zero_point, **axis)
    if (least, most) != _RANGES[kind]:
        limits = [op.Constant(value=numpy_helper.from_array(np.array(end, kind))) for end in (least, most)]
        whole = op.Clip(whole, *limits)
    return op.DequantizeLinear(whole, scale, zero_point, **axis)
