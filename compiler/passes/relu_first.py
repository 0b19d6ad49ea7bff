"""Move activations before the pools, views, selections and concatenations they follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.curve import FALLING, Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, MaxPool, Relu
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_activation, is_level, is_nonnegative
from snncc.compiler.passes.rewrite import Float, Rewriter, sweep
from snncc.compiler.passes.scaling import smallest
from snncc.compiler.passes.selects import adds_zeros, channels_before
from snncc.compiler.passes.views import unview_array

RAMPS = frozenset({"leaky_relu", "prelu", "elu", "celu"})
"""Kinds of curves with f(x) = x for x >= 0."""


@dataclass(frozen=True)
class ReluFirst(Pass):
    """f(max(x)) -> max(f(x)): an activation that never falls commutes with max, every activation with views.

    With zeros between or around the elements only if f(0) = 0. relu(relu(x)) -> relu(x) with the smaller cap; an
    activation that leaves positive numbers alone, of what is never negative, goes.
    """

    name: ClassVar[str] = "relu-first"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with every activation directly after the sum it belongs to, where there is one."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not is_activation(node.op) or node.op == Curve("linear"):
        return None
    value, slope = node.inputs[0], None
    if len(node.inputs) == 2:
        slope = new.array(node.inputs[1]).reshape(-1, *[1] * (len(node.type.shape) - 1))
    return _applied(new, value, slope, node) if _is_useful(new, value, node.op) else None


def _is_useful(new: Rewriter, value: str, op: Op) -> bool:
    """Return whether moving up ends at a sum or a ReLU; before an input it would only touch more neurons."""
    if not is_level(new, value) or (_is_ramp(op) and is_nonnegative(new, value)):
        return True
    return isinstance(op, Relu) and _ends_at_relus(new, value)


def _ends_at_relus(new: Rewriter, value: str) -> bool:
    node = new.nodes.get(value)
    if node is None or isinstance(node.op, Relu):
        return node is not None
    return _commutes(node.op, Relu(), None) and all(_ends_at_relus(new, name) for name in node.inputs)


def _is_ramp(op: Op) -> bool:
    return op == Relu() or (isinstance(op, Curve) and op.kind in RAMPS)


def _commutes(before: Op, op: Op, slope: Float | None) -> bool:
    if isinstance(before, MaxPool):
        return isinstance(op, Relu) or (isinstance(op, Curve) and _never_falls(op, slope))
    if before.selects:
        return not adds_zeros(before) or isinstance(op, Relu) or (isinstance(op, Curve) and _keeps_zero(op))
    return before.view or isinstance(before, Concat)


def _never_falls(op: Curve, slope: Float | None) -> bool:
    steepness = op.parameters if slope is None else slope
    return op.kind not in FALLING and (op.kind == "clip" or bool(np.all(np.asarray(steepness) >= 0)))


def _keeps_zero(op: Curve) -> bool:
    return float(op(0.0, 0.0 if op.kind == "prelu" else None)) == 0


def _applied(new: Rewriter, value: str, slope: Float | None, like: Node) -> str:
    """Return f(value) with the activation f of a node as far up as it can go."""
    node, op = new.nodes.get(value), like.op
    if _is_ramp(op) and is_nonnegative(new, value):
        return value
    if node is not None and isinstance(node.op, Relu) and isinstance(op, Relu):
        return new.add(Relu(_smaller(op.cap, node.op.cap)), node.inputs, node)
    if node is not None and _commutes(node.op, op, slope):
        slopes = [_slope_before(new, node, i, slope) for i in range(len(node.inputs))]
        if slope is None or all(s is not None for s in slopes):
            parts = [_applied(new, name, s, like) for name, s in zip(node.inputs, slopes, strict=True)]
            return new.add(node.op, parts, node)
    return new.add(op, (value, *_slope_input(new, slope, like)), like)


def _slope_before(new: Rewriter, node: Node, number: int, slope: Float | None) -> Float | None:
    """Return the slopes [C, 1, ...] for one input of a node, None where they are not one a channel."""
    shape = new.types[node.inputs[number]].shape
    if slope is None or not shape:
        return None
    if node.op.view:
        slope = smallest(unview_array(node.op, np.broadcast_to(slope, node.type.shape), shape))
        return np.broadcast_to(slope, (shape[0], *slope.shape[1:])) if slope.size == len(slope) else None
    if isinstance(node.op, Concat) and node.op.axis == 0:
        start = sum(new.types[name].shape[0] for name in node.inputs[:number])
        return slope[start : start + shape[0]]
    before = channels_before(node.op, slope, shape[0], 0.0)
    return np.broadcast_to(before, (shape[0], *before.shape[1:]))


def _slope_input(new: Rewriter, slope: Float | None, like: Node) -> tuple[str, ...]:
    if slope is None or np.array_equal(slope.ravel(), new.array(like.inputs[1])):
        return like.inputs[1:]
    return (new.constant(slope.ravel(), new.wish(like.inputs[1])),)


def _smaller(one: float | None, other: float | None) -> float | None:
    caps = [cap for cap in (one, other) if cap is not None]
    return min(caps) if caps else None
