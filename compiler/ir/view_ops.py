"""Ops that select elements: some are left out, repeated, or zeros stand between them; nothing is computed.

Like ``Reshape`` and ``Transpose`` they cost no neurons: they end up in which neuron a synapse reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.op import Op, want
from snncc.compiler.ir.types import TensorType


@dataclass(frozen=True)
class Slice(Op):
    """y[i_0, i_1, ...] = x[starts_0 + steps_0 i_0, ...], one entry an axis, up to stops (exclusive); steps >= 1."""

    name: ClassVar[str] = "slice"
    selects: ClassVar[bool] = True
    starts: tuple[int, ...]
    stops: tuple[int, ...]
    steps: tuple[int, ...]

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the shape of what is left."""
        want(inputs, 1)
        x = inputs[0]
        if not len(self.starts) == len(self.stops) == len(self.steps) == len(x.shape) or min(self.steps, default=1) < 1:
            raise ValueError(f"slices {self.starts}, {self.stops}, {self.steps} do not fit {x}")
        bounds = zip(self.starts, self.stops, x.shape, strict=True)
        if any(not 0 <= start < stop <= size for start, stop, size in bounds):
            raise ValueError(f"slices {self.starts}..{self.stops} leave {x} or are empty")
        cuts = zip(self.starts, self.stops, self.steps, strict=True)
        return TensorType(x.dtype, tuple(-(-(stop - start) // step) for start, stop, step in cuts), x.lo, x.hi)


@dataclass(frozen=True)
class Upsample(Op):
    """y[c, p] = x[c, p // factors]: each position is repeated, factors_a times along spatial axis a."""

    name: ClassVar[str] = "upsample"
    selects: ClassVar[bool] = True
    factors: tuple[int, ...]

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return [C, *enlarged]."""
        want(inputs, 1)
        x = inputs[0]
        if len(self.factors) != len(x.shape) - 1 or min(self.factors, default=1) < 1:
            raise ValueError(f"factors {self.factors} do not fit {x}")
        spatial = tuple(n * factor for n, factor in zip(x.shape[1:], self.factors, strict=True))
        return TensorType(x.dtype, (x.shape[0], *spatial), x.lo, x.hi)


@dataclass(frozen=True)
class Dilate(Op):
    """y[c, steps p] = x[c, p] and 0 between: zeros are inserted, so that a convolution is a transposed one."""

    name: ClassVar[str] = "dilate"
    selects: ClassVar[bool] = True
    steps: tuple[int, ...]

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return [C, (n - 1) step + 1 per axis]."""
        want(inputs, 1)
        x = inputs[0]
        if len(self.steps) != len(x.shape) - 1 or min(self.steps, default=1) < 1:
            raise ValueError(f"steps {self.steps} do not fit {x}")
        spatial = tuple((n - 1) * step + 1 for n, step in zip(x.shape[1:], self.steps, strict=True))
        return TensorType(x.dtype, (x.shape[0], *spatial), x.lo, x.hi)
