"""What views and selecting ops do to arrays: which element ends up where."""

from __future__ import annotations

from functools import singledispatch
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

Kind = TypeVar("Kind", bound=np.generic)


def moves(op: Op) -> bool:
    """Return whether an op only moves, repeats or leaves out elements, or puts zeros between them."""
    return op.view or op.selects


@singledispatch
def moved(op: Op, array: npt.NDArray[Kind], fill: int = 0) -> npt.NDArray[Kind]:
    """Return what a view or selecting op makes of an array of its input's shape.

    Args:
        op: Reshape, Transpose, Slice, Upsample, Dilate or Pad.
        array: of the shape of the op's input.
        fill: what stands where the op puts a zero.
    """
    raise InternalError(f"{op.name} does not only move elements")


@moved.register
def _reshape(op: Reshape, array: npt.NDArray[Kind], fill: int = 0) -> npt.NDArray[Kind]:
    return array.reshape(op.shape)


@moved.register
def _transpose(op: Transpose, array: npt.NDArray[Kind], fill: int = 0) -> npt.NDArray[Kind]:
    return np.transpose(array, op.perm)


@moved.register
def _slice(op: Slice, array: npt.NDArray[Kind], fill: int = 0) -> npt.NDArray[Kind]:
    cuts = zip(op.starts, op.stops, op.steps, strict=True)
    return array[tuple(slice(start, stop, step) for start, stop, step in cuts)]


@moved.register
def _upsample(op: Upsample, array: npt.NDArray[Kind], fill: int = 0) -> npt.NDArray[Kind]:
    for axis, factor in enumerate(op.factors, 1):
        array = np.repeat(array, factor, axis=axis)
    return array


@moved.register
def _dilate(op: Dilate, array: npt.NDArray[Kind], fill: int = 0) -> npt.NDArray[Kind]:
    spatial = [(n - 1) * step + 1 for n, step in zip(array.shape[1:], op.steps, strict=True)]
    wide = np.full((array.shape[0], *spatial), fill, dtype=array.dtype)
    places = [slice(None), *(slice(None, None, step) for step in op.steps)]
    wide[tuple(places)] = array
    return wide


@moved.register
def _pad(op: Pad, array: npt.NDArray[Kind], fill: int = 0) -> npt.NDArray[Kind]:
    widths = list(zip(op.pads[: array.ndim], op.pads[array.ndim :], strict=True))
    return np.pad(array, widths, constant_values=fill)
