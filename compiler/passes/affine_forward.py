"""Carry scale and shift forward into the weighted sums that read them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.moves import moved
from snncc.compiler.ir.ops import Add, Affine, AveragePool, Concat, Conv, Dense, MaxPool
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_activation, is_cut, is_level, real_counts
from snncc.compiler.passes.linear import add_matrix, add_window, matrix_of, scaled, window_of
from snncc.compiler.passes.rewrite import Float, Rewriter, sweep
from snncc.compiler.passes.scaling import Scaling, apply_scaling, scaling_of, smallest
from snncc.compiler.passes.selects import scaling_after
from snncc.compiler.passes.window import average_window, compose, point_window


@dataclass(frozen=True)
class AffineForward(Pass):
    """W (a x + b) + c -> (W a) x + (W b + c), for every reader by itself.

    With zero padding W b differs near the border: the bias becomes one per position. The scaling moves down
    through views, selections, concatenations and pools to get there. Where an activation, an Add or an output
    reads it, it becomes a sum of its own: a depthwise 1x1 convolution, or a diagonal dense layer for vectors.
    """

    name: ClassVar[str] = "affine-forward"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with every scaling gone that has an exact place to go."""
        return sweep(graph, _rule, _at_output)


def _rule(new: Rewriter, node: Node) -> str | None:
    if isinstance(node.op, Add) or is_activation(node.op):
        return _read_by(new, node)
    if isinstance(node.op, Concat):
        return _after_concat(new, node)
    before = new.nodes.get(node.inputs[0])
    scaling = scaling_of(new, before)
    if before is None or scaling is None:
        return None
    if isinstance(node.op, Affine):
        outer = scaling_of(new, node)
        return None if outer is None else apply_scaling(new, node.inputs[0], outer, node)
    if isinstance(node.op, Dense):
        return _into_dense(new, node, before.inputs[0], scaling)
    if isinstance(node.op, Conv):
        return _into_conv(new, node, before.inputs[0], scaling)
    return _through(new, node, before, scaling)


def _into_dense(new: Rewriter, node: Node, source: str, scaling: Scaling) -> str:
    weight, bias = matrix_of(new, node)
    shift = np.broadcast_to(scaling.shift, weight.shape[1:])
    return add_matrix(new, weight * scaling.scale, bias + weight @ shift, source, node)


def _into_conv(new: Rewriter, node: Node, source: str, scaling: Scaling) -> str | None:
    if not scaling.scales_channels:
        return None
    shape = new.types[source].shape
    shift = np.broadcast_to(scaling.shift, (shape[0], *scaling.shift.shape[1:]))
    points = point_window(scaling.channel_scale(shape[0]), shift)
    joint = compose(points, window_of(new, node), shape[1:])
    return None if joint is None else add_window(new, joint, source, node)


def _through(new: Rewriter, node: Node, before: Node, scaling: Scaling) -> str | None:
    """Return the op of a node applied first and the scaling after it, None where they do not commute."""
    moved = _moved(node, scaling, before.type.shape)
    if moved is None:
        return None
    return apply_scaling(new, new.add(node.op, before.inputs[:1], node), moved, before)


def _moved(node: Node, scaling: Scaling, shape: tuple[int, ...]) -> Scaling | None:
    op = node.op
    if op.view:
        return scaling.mapped(shape, lambda array: moved(op, array))
    if isinstance(op, MaxPool) and scaling.passes_max:
        return scaling
    if isinstance(op, AveragePool) and scaling.scales_channels:
        same = scaling.shifts_channels and not (op.count_include_pad and is_cut(op, shape[1:]))
        return scaling if same else Scaling(scaling.scale, smallest(_averaged(op, scaling.shift, shape)))
    return scaling_after(op, scaling, shape) if op.selects else None


def _averaged(op: AveragePool, shift: Float, shape: tuple[int, ...]) -> Float:
    """Return what the pool makes of the shift."""
    mean = average_window(op, shape)(np.broadcast_to(shift, shape))
    if op.count_include_pad:
        return mean
    return mean * (prod(op.kernel) / np.maximum(real_counts(op, shape[1:]), 1))


def _after_concat(new: Rewriter, node: Node) -> str | None:
    assert isinstance(node.op, Concat)
    scalings = [scaling_of(new, new.nodes.get(name)) for name in node.inputs]
    first = next((i for i, scaling in enumerate(scalings) if scaling is not None), None)
    if first is None:
        return None
    bare = [n if s is None else new.nodes[n].inputs[0] for n, s in zip(node.inputs, scalings, strict=True)]
    shapes = [new.types[name].shape for name in bare]
    pairs = list(zip(scalings, shapes, strict=True))
    scale = [np.broadcast_to(1.0 if s is None else s.scale, shape) for s, shape in pairs]
    shift = [np.broadcast_to(0.0 if s is None else s.shift, shape) for s, shape in pairs]
    whole = Scaling(np.concatenate(scale, node.op.axis), np.concatenate(shift, node.op.axis))
    joint = whole.mapped(node.type.shape, lambda array: array)
    return apply_scaling(new, new.add(node.op, bare, node), joint, new.nodes[node.inputs[first]])


def _read_by(new: Rewriter, node: Node) -> str | None:
    inputs = tuple(_as_sum(new, name) for name in node.inputs)
    return None if inputs == node.inputs else new.add(node.op, inputs, node)


def _at_output(new: Rewriter, name: str) -> str:
    return _as_sum(new, name)


def _as_sum(new: Rewriter, name: str) -> str:
    """Return a scaling of a level source as a weighted sum; any other value as it is."""
    node = new.nodes.get(name)
    scaling = scaling_of(new, node)
    if node is None or scaling is None or not is_level(new, node.inputs[0]):
        return name
    made = scaled(new, node.inputs[0], scaling, node)
    return name if made is None else made
