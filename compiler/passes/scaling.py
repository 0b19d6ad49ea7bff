"""y = a x + b with constant a and b: how such a scaling moves past other ops.

Equations are exact in real arithmetic. a and b have the rank of x; an axis has size 1 wherever all its
entries agree, so "per channel" can be read off the shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Affine
from snncc.compiler.passes.rewrite import Float, Rewriter


def smallest(array: Float) -> Float:
    """Return the array with size 1 on every axis along which all entries agree."""
    for axis in range(array.ndim):
        first = array.take([0], axis=axis)
        if np.array_equal(np.broadcast_to(first, array.shape), array):
            array = first
    return array


@dataclass(frozen=True)
class Scaling:
    """y = scale x + shift, element by element."""

    scale: Float
    shift: Float

    def then(self, after: Scaling) -> Scaling:
        """Return after(self(x)) = a2 a1 x + (a2 b1 + b2)."""
        return Scaling(smallest(after.scale * self.scale), smallest(after.scale * self.shift + after.shift))

    def mapped(self, shape: tuple[int, ...], change: Callable[[Float], Float]) -> Scaling:
        """Return the scaling with each array spread to a shape, changed, and made small again."""
        scale, shift = (smallest(change(np.broadcast_to(part, shape))) for part in (self.scale, self.shift))
        return Scaling(scale, shift)

    def without_shift(self) -> Scaling:
        """Return y = scale x."""
        return Scaling(self.scale, np.zeros_like(self.scale))

    @property
    def is_identity(self) -> bool:
        """Whether y = x."""
        return bool(np.all(self.scale == 1) and np.all(self.shift == 0))

    @property
    def scales_channels(self) -> bool:
        """Whether the scale is one number per channel."""
        return all(size == 1 for size in self.scale.shape[1:])

    @property
    def shifts_channels(self) -> bool:
        """Whether the shift is one number per channel."""
        return all(size == 1 for size in self.shift.shape[1:])

    @property
    def passes_max(self) -> bool:
        """Whether max(a x + b) = a max(x) + b over any window: a >= 0, both per channel."""
        return self.scales_channels and self.shifts_channels and bool(np.all(self.scale >= 0))

    def channel_scale(self, channels: int) -> Float:
        """Return the scale of each channel, [C]; only where ``scales_channels``."""
        return np.broadcast_to(self.scale.reshape(-1), (channels,))


def scaling_of(new: Rewriter, node: Node | None) -> Scaling | None:
    """Return the scaling an Affine node computes, None for any other node."""
    if node is None or not isinstance(node.op, Affine):
        return None
    return Scaling(smallest(new.array(node.inputs[1])), smallest(new.array(node.inputs[2])))


def apply_scaling(new: Rewriter, value: str, scaling: Scaling, like: Node) -> str:
    """Return scaling(value): the value itself for the identity; joined with an Affine that is there."""
    before = new.nodes.get(value)
    inner = scaling_of(new, before)
    if before is not None and inner is not None:
        return apply_scaling(new, before.inputs[0], inner.then(scaling), like)
    if scaling.is_identity:
        return value
    base = new.wish(like.name)
    scale = new.constant(scaling.scale, f"{base}.scale")
    shift = new.constant(scaling.shift, f"{base}.shift")
    return new.add(Affine(), (value, scale, shift), like)
