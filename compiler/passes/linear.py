"""Reading and writing Conv and Dense nodes with their arrays in float64."""

from __future__ import annotations

import numpy as np

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Conv, Dense
from snncc.compiler.passes.rewrite import Float, Rewriter
from snncc.compiler.passes.scaling import Scaling
from snncc.compiler.passes.window import Window, point_window

ROUND_OFF = 1e-12
"""A bias whose positions differ by less, relative to the largest, is one number per channel: that is the
round-off of a float64 sum, far below float32 rounding (6e-8)."""


def window_of(new: Rewriter, node: Node) -> Window:
    """Return a Conv node as a window; no bias is a bias of zeros."""
    assert isinstance(node.op, Conv)
    weight = new.array(node.inputs[1])
    shape = (len(weight), *[1] * len(node.op.strides))
    bias = new.array(node.inputs[2]) if len(node.inputs) == 3 else np.zeros(shape)
    return Window(node.op, weight, bias.reshape(shape) if bias.ndim == 1 else bias)


def matrix_of(new: Rewriter, node: Node) -> tuple[Float, Float]:
    """Return weight [O, F] and bias [O] of a Dense node; no bias is a bias of zeros."""
    weight = new.array(node.inputs[1])
    return weight, new.array(node.inputs[2]) if len(node.inputs) == 3 else np.zeros(len(weight))


def add_window(new: Rewriter, window: Window, source: str, like: Node, name: str = "") -> str:
    """Add a Conv that computes a window, named as ``like``; return its value."""
    return _add(new, window.op, source, window.weight, _per_channel(window.bias), like, name)


def add_matrix(new: Rewriter, weight: Float, bias: Float, source: str, like: Node, name: str = "") -> str:
    """Add a Dense of a weight [O, F] and a bias [O], named as ``like``; return its value."""
    return _add(new, Dense(), source, weight, bias, like, name)


def scaled(new: Rewriter, value: str, scaling: Scaling, like: Node, name: str = "") -> str | None:
    """Return scaling(value) as a weighted sum, None where one scale a channel cannot express it.

    A depthwise 1x1 convolution, or a diagonal dense layer for vectors.
    """
    shape = new.types[value].shape
    if len(shape) == 1:
        scale, shift = (np.broadcast_to(part, shape) for part in (scaling.scale, scaling.shift))
        return add_matrix(new, np.diag(scale), shift, value, like, name)
    if len(shape) < 2 or not scaling.scales_channels:
        return None
    shift = np.broadcast_to(scaling.shift, (shape[0], *scaling.shift.shape[1:]))
    if not scaling.shifts_channels:
        shift = np.broadcast_to(shift, shape)
    return add_window(new, point_window(scaling.channel_scale(shape[0]), shift), value, like, name)


def copied(new: Rewriter, value: str, like: Node, name: str = "") -> str:
    """Return a value of levels as a weighted sum, each element with weight 1; the value itself if it has no axis."""
    shape = new.types[value].shape
    one = Scaling(np.ones((1,) * len(shape)), np.zeros((1,) * len(shape)))
    return scaled(new, value, one, like, name) or value


def _per_channel(bias: Float) -> Float:
    flat = bias.reshape(len(bias), -1)
    same = np.ptp(flat, axis=1).max(initial=0) <= ROUND_OFF * np.abs(flat).max(initial=0)
    return flat[:, 0] if same else bias


def _add(new: Rewriter, op: Conv | Dense, source: str, weight: Float, bias: Float, like: Node, name: str) -> str:
    names = like.inputs[1:] if like.op.linear else ()
    base = name or new.wish(like.name)
    inputs = [source, new.constant(weight, new.wish(names[0]) if names else f"{base}.weight")]
    if np.any(bias):
        inputs.append(new.constant(bias, new.wish(names[1]) if len(names) > 1 else f"{base}.bias"))
    return new.add(op, inputs, like, name)
