"""How a scaling moves past the ops that select elements: Slice, Upsample, Dilate and Pad."""

from __future__ import annotations

import numpy as np

from snncc.compiler.ir.moves import moved
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Pad
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from snncc.compiler.passes.rewrite import Float
from snncc.compiler.passes.scaling import Scaling, smallest

Shape = tuple[int, ...]


def adds_zeros(op: Op) -> bool:
    """Return whether an op puts zeros where it reads nothing."""
    return isinstance(op, (Dilate, Pad))


def scaling_after(op: Op, scaling: Scaling, shape: Shape) -> Scaling:
    """Return s' with s'(select(x)) = select(s(x)) for x of a shape; zeros that the op adds stay zeros.

    Whatever scale stands at an added zero does no harm, so one number a channel stays one number a channel.
    """
    shift = moved(op, np.broadcast_to(scaling.shift, shape), 0)
    if scaling.scales_channels:
        return Scaling(_channels_after(op, scaling.scale), smallest(shift))
    return Scaling(smallest(moved(op, np.broadcast_to(scaling.scale, shape), 1)), smallest(shift))


def scaling_before(op: Op, scaling: Scaling, shape: Shape) -> Scaling | None:
    """Return s' with select(s'(x)) = s(select(x)) for x of a shape, None where there is none."""
    if isinstance(op, Slice):
        return Scaling(_unsliced(op, scaling.scale, shape, 1.0), _unsliced(op, scaling.shift, shape, 0.0))
    if not (scaling.scales_channels and scaling.shifts_channels):
        return None
    if isinstance(op, Upsample):
        return scaling
    return None if np.any(scaling.shift) else Scaling(channels_before(op, scaling.scale, shape[0]), scaling.shift)


def channels_before(op: Op, array: Float, channels: int, fill: float = 1.0) -> Float:
    """Return numbers of the channels an op gives, [C', 1, ...] or a single one, as those of the channels it reads.

    Args:
        op: a selecting op.
        array: the numbers.
        channels: how many channels it reads.
        fill: what channels get that the op leaves out.
    """
    if len(array) == 1 or not isinstance(op, (Slice, Pad)):
        return array
    if isinstance(op, Pad):
        return array[op.pads[0] : op.pads[0] + channels]
    whole = np.full((channels, *array.shape[1:]), fill)
    whole[op.starts[0] : op.stops[0] : op.steps[0]] = array
    return whole


def _channels_after(op: Op, array: Float) -> Float:
    if len(array) == 1 or not isinstance(op, (Slice, Pad)):
        return array
    if isinstance(op, Slice):
        return array[op.starts[0] : op.stops[0] : op.steps[0]]
    widths = [(op.pads[0], op.pads[array.ndim]), *[(0, 0)] * (array.ndim - 1)]
    return np.pad(array, widths, constant_values=1)


def _unsliced(op: Slice, array: Float, shape: Shape, fill: float) -> Float:
    """Return an array of the elements that are kept as one of all elements; single numbers stay single."""
    cuts = zip(op.starts, op.stops, op.steps, array.shape, strict=True)
    whole = np.full([n if size > 1 else 1 for n, size in zip(shape, array.shape, strict=True)], fill)
    whole[tuple(slice(*cut) if size > 1 else slice(None) for *cut, size in cuts)] = array
    return whole
