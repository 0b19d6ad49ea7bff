"""Ops of networks that were quantized elsewhere: the quantizers of their activations, and integer weights.

Both are float ops that say what the other tool's runtime computes; ``quantize/verbatim.py`` takes their scales, zero
points and levels over as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.op import Op, want
from snncc.compiler.ir.types import FLOAT, TensorType

Floats = npt.NDArray[np.floating[Any]]

HALF = np.float32(0.5)
# How a quantizer rounds, in float32. QONNX calls half_even ROUND, half_away HALF_UP and half_zero HALF_DOWN.
ROUNDINGS: dict[str, Callable[[Floats], Floats]] = {
    "half_even": np.rint,
    "half_up": lambda x: np.floor(x + HALF),
    "half_away": lambda x: np.sign(x) * np.floor(np.abs(x) + HALF),
    "half_zero": lambda x: np.sign(x) * np.ceil(np.abs(x) - HALF),
    "floor": np.floor,
    "ceil": np.ceil,
    "down": np.trunc,
    "up": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "sign": lambda x: np.where(x >= 0, np.float32(1), np.float32(-1)),
}


@dataclass(frozen=True)
class Quantizer(Op):
    """y = scale clip(round(x / scale + zero) - zero, lo, hi), in float32: levels lo..hi of real value scale each.

    ``rounding`` is to the nearest with ties to even numbers (half_even), up (half_up: floor(x + 1/2)), away from 0
    (half_away) or towards it (half_zero); or it is floor, ceil, down (towards 0), up (away from 0), or sign, which
    gives 1 and -1 alone. ``zero`` is 0 where the zero point is added after rounding, as ONNX does.
    """

    name: ClassVar[str] = "quantizer"
    scale: float
    lo: int
    hi: int
    rounding: str = "half_even"
    zero: int = 0

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of x."""
        want(inputs, 1)
        if not self.scale > 0 or self.rounding not in ROUNDINGS:
            raise ValueError(f"scale {self.scale} is not positive, or rounding '{self.rounding}' is unknown")
        if not self.lo <= 0 < self.hi:
            raise ValueError(f"levels {self.lo}..{self.hi} do not hold 0 and a positive level")
        return inputs[0]

    def levels(self, x: Floats) -> npt.NDArray[np.int64]:
        """Return the level of each value, int64; every step is computed in float32, as the runtimes do."""
        steps = np.asarray(x, np.float32) / np.float32(self.scale)
        rounded = ROUNDINGS[self.rounding](steps + np.float32(self.zero) if self.zero else steps)
        return np.clip(rounded - self.zero, self.lo, self.hi).astype(np.int64)

    def __call__(self, x: Floats) -> npt.NDArray[np.float32]:
        """Return y, float32."""
        return self.levels(x).astype(np.float32) * np.float32(self.scale)


@dataclass(frozen=True)
class IntegerWeight(Op):
    """y[o, ...] = scale[o] w[o, ...]: the weight of a convolution or dense layer, as integers and their scales.

    Inputs: constants w [O, ...], whole numbers, and scale [O].
    """

    name: ClassVar[str] = "integer_weight"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of w."""
        want(inputs, 2)
        weight, scale = inputs
        if not weight.shape or scale.shape != weight.shape[:1]:
            raise ValueError(f"scale {scale} is not one a channel of {weight}")
        return TensorType(FLOAT, weight.shape)
