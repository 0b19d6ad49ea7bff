"""Fold scale and shift backward into the weighted sums they follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add, Affine, AveragePool, Concat, Conv, Dense, MaxPool
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_cut, is_level
from snncc.compiler.passes.linear import add_matrix, add_window, matrix_of, window_of
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.scaling import Scaling, apply_scaling, scaling_of
from snncc.compiler.passes.selects import scaling_before
from snncc.compiler.passes.views import unview_array
from snncc.compiler.passes.window import Window


@dataclass(frozen=True)
class AffineBackward(Pass):
    """a (W x + c) + b -> (a W) x + (a c + b).

    The scaling moves up through views, selections, concatenations and pools to get there; over an Add it scales
    every operand and shifts one. A convolution or dense layer that others read too is copied; what stands
    between is not, or a chain of additions would copy all sums before it for every batch norm. Scalings of
    level sources stay, for affine-forward.
    """

    name: ClassVar[str] = "affine-backward"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with every scaling folded that a weighted sum can take in exactly."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    scaling = scaling_of(new, node)
    return None if scaling is None else _pushed(new, node.inputs[0], scaling, node)


def _absorbed(new: Rewriter, value: str, scaling: Scaling, like: Node) -> str:
    """Return scaling(value), folded if that can be, else as an Affine node."""
    pushed = _pushed(new, value, scaling, like)
    return apply_scaling(new, value, scaling, like) if pushed is None else pushed


def _pushed(new: Rewriter, value: str, scaling: Scaling, like: Node) -> str | None:
    """Return scaling(value) with the scaling gone into what computes the value, None if not exact."""
    node = new.nodes.get(value)
    if node is None or is_level(new, value):
        return None
    if isinstance(node.op, Dense):
        return _into_dense(new, node, scaling)
    if isinstance(node.op, Conv):
        return _into_conv(new, node, scaling)
    if isinstance(node.op, Affine):
        inner = scaling_of(new, node)
        return None if inner is None else _absorbed(new, node.inputs[0], inner.then(scaling), like)
    if new.is_shared(value):
        return None
    if isinstance(node.op, (Add, Concat)):
        return _over_operands(new, node, scaling, like)
    return _through(new, node, scaling, like)


def _into_dense(new: Rewriter, node: Node, scaling: Scaling) -> str:
    weight, bias = matrix_of(new, node)
    weight, bias = scaling.scale[:, None] * weight, scaling.scale * bias + scaling.shift
    return add_matrix(new, weight, bias, node.inputs[0], node)


def _into_conv(new: Rewriter, node: Node, scaling: Scaling) -> str | None:
    if not scaling.scales_channels:
        return None
    window = window_of(new, node)
    weight = scaling.scale[..., None] * window.weight
    bias = np.broadcast_to(scaling.scale * window.bias + scaling.shift, _spread(scaling, window, node))
    return add_window(new, Window(window.op, weight, bias), node.inputs[0], node)


def _spread(scaling: Scaling, window: Window, node: Node) -> tuple[int, ...]:
    per_position = not scaling.shifts_channels or window.bias.size > len(window.bias)
    return node.type.shape if per_position else window.bias.shape


def _over_operands(new: Rewriter, node: Node, scaling: Scaling, like: Node) -> str:
    parts, start, shifted = [], 0, _holder(new, node)
    for number, name in enumerate(node.inputs):
        part = scaling if number == shifted else scaling.without_shift()
        if isinstance(node.op, Concat):
            part = _slice(scaling, node, start, new.types[name].shape[node.op.axis])
            start += new.types[name].shape[node.op.axis]
        parts.append(_absorbed(new, name, part, like))
    return new.add(node.op, parts, node)


def _holder(new: Rewriter, node: Node) -> int:
    """Return which operand of an Add takes the shift: the first that has a bias to put it in."""
    linear = (i for i, name in enumerate(node.inputs) if name in new.nodes and new.nodes[name].op.linear)
    return next(linear, 0)


def _slice(scaling: Scaling, node: Node, start: int, size: int) -> Scaling:
    assert isinstance(node.op, Concat)
    axis = node.op.axis
    return scaling.mapped(node.type.shape, lambda array: array.take(range(start, start + size), axis=axis))


def _through(new: Rewriter, node: Node, scaling: Scaling, like: Node) -> str | None:
    """Move up through an op with one input, None where it does not commute with the scaling."""
    shape = new.types[node.inputs[0]].shape
    if node.op.view:
        before: Scaling | None = scaling.mapped(node.type.shape, lambda array: unview_array(node.op, array, shape))
    elif node.op.selects:
        before = scaling_before(node.op, scaling, shape)
    else:
        before = scaling if _commutes(node, scaling, shape) else None
    pushed = None if before is None else _pushed(new, node.inputs[0], before, like)
    return None if pushed is None else new.add(node.op, (pushed,), node)


def _commutes(node: Node, scaling: Scaling, shape: tuple[int, ...]) -> bool:
    if isinstance(node.op, MaxPool):
        return scaling.passes_max
    if not (scaling.scales_channels and scaling.shifts_channels and isinstance(node.op, AveragePool)):
        return False
    cut = node.op.count_include_pad and is_cut(node.op, shape[1:])
    return not (cut and np.any(scaling.shift))
