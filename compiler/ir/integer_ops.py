"""The operations of the integer network alone: where levels begin, fire and are read.

Convolutions, dense layers, pools and views are those of ``ops`` and ``view_ops``, on integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.op import Op, want
from snncc.compiler.ir.types import CHARGE, FLOAT, LEVEL, TensorType


@dataclass(frozen=True)
class Encode(Op):
    """q = clip(floor(x / scale + 1/2), lo, hi): the input in levels."""

    name: ClassVar[str] = "encode"
    scale: float
    lo: int
    hi: int

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return levels of the same shape."""
        want(inputs, 1)
        if inputs[0].dtype != FLOAT:
            raise ValueError(f"wants float32, got {inputs[0]}")
        return TensorType(LEVEL, inputs[0].shape, self.lo, self.hi)


@dataclass(frozen=True)
class EncodeEven(Encode):
    """q = clip(round(x / scale), lo, hi) in float32, ties to even: the input in levels, as ONNX quantizes."""

    name: ClassVar[str] = "encode_even"
    rounding: str = "half_even"

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return levels of the same shape."""
        if self.rounding != "half_even":
            raise ValueError(f"rounds '{self.rounding}', not half_even")
        return super().infer(inputs)


@dataclass(frozen=True)
class Fire(Op):
    """q = clip(floor((b + sum of charges + theta // 2) / theta), lo, hi): the integer neuron.

    Inputs: one or more charges of one shape, then the integer constants b and theta >= 1, each of shape [C] or of the
    charges. A level q stands for the real value q * scale.
    """

    name: ClassVar[str] = "fire"
    lo: int
    hi: int
    scale: float

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return levels lo..hi of the shape of the charges."""
        want(inputs, 3, 10**6)
        if not self.lo <= 0 < self.hi:
            raise ValueError(f"levels {self.lo}..{self.hi} do not hold 0 and a positive level")
        return TensorType(LEVEL, _charges(inputs[:-2], inputs[-2:]), self.lo, self.hi)


@dataclass(frozen=True)
class Ladder(Op):
    """q = first + sum over j of d_j [u >= T_j], u = b + sum of charges: the integer neuron of any other curve.

    Inputs: one or more charges of one shape, then the integer constants b of shape [C] or of the charges, T of shape
    [C, m], not falling along m, and d of shape [C, m] with entries 1 (a step up) and -1 (a step down). With d = 1
    everywhere it counts thresholds. A level q stands for the real value q * scale.
    """

    name: ClassVar[str] = "ladder"
    lo: int
    hi: int
    first: int
    scale: float

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return levels lo..hi of the shape of the charges."""
        want(inputs, 4, 10**6)
        if not self.lo <= 0 < self.hi or not self.lo <= self.first <= self.hi:
            raise ValueError(f"levels {self.lo}..{self.hi} do not hold 0, a positive level and {self.first}")
        shape = _charges(inputs[:-3], inputs[-3:-2])
        thresholds, steps = (t.shape for t in inputs[-2:])
        if thresholds != steps or len(steps) != 2 or steps[0] != shape[0]:
            raise ValueError(f"thresholds {inputs[-2]} and steps {inputs[-1]} are not [{shape[0]}, m] both")
        return TensorType(LEVEL, shape, self.lo, self.hi)


@dataclass(frozen=True)
class Readout(Op):
    """y = b + sum of charges; y stands for the real value y * scale. Inputs: charges, then b as in fire."""

    name: ClassVar[str] = "readout"
    scale: float

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the charge."""
        want(inputs, 2, 10**6)
        return TensorType(CHARGE, _charges(inputs[:-1], inputs[-1:]))


def _charges(charges: tuple[TensorType, ...], constants: tuple[TensorType, ...]) -> tuple[int, ...]:
    shape = charges[0].shape
    if any(c.dtype != CHARGE or c.shape != shape for c in charges):
        raise ValueError(f"wants charges of one shape, got {[str(c) for c in charges]}")
    if any(c.shape not in (shape[:1], shape) for c in constants):
        raise ValueError(f"constants {[str(c) for c in constants]} fit neither {shape[:1]} nor {shape}")
    return shape
