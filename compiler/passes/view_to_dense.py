"""Make vectors of weighted sums directly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add, Conv, Dense
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_level
from snncc.compiler.passes.linear import add_matrix, add_window, matrix_of, window_of
from snncc.compiler.passes.rewrite import Float, Rewriter, sweep
from snncc.compiler.passes.views import add_reshape, add_views, view_order, views_below
from snncc.compiler.passes.window import Window, by_tap, dense_weight, point_op


@dataclass(frozen=True)
class ViewToDense(Pass):
    """flatten(conv(x)) -> dense(flatten(x)), where an output or an Add reads it.

    The view becomes an order of the rows of a matrix. A result [O, 1, ...] becomes a 1x1 convolution. Only where
    the matrix has no more entries than the convolution has synapses, as each of its positions sees the whole
    input. Other views stay: at an output as an order of what is read, in an Add for mark-linear.
    """

    name: ClassVar[str] = "view-to-dense"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph without views between a sum and an Add or output, where a matrix costs nothing more."""
        return sweep(graph, _rule, _without_views)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Add):
        return None
    inputs = tuple(_without_views(new, name) for name in node.inputs)
    return None if inputs == node.inputs else new.add(Add(), inputs, node)


def _without_views(new: Rewriter, name: str) -> str:
    base, views = views_below(new, name)
    shape = new.types[name].shape
    if not views or is_level(new, name) or any(size > 1 for size in shape[1:]):
        return name
    return _viewed(new, base, views) or name


def _viewed(new: Rewriter, base: str, views: list[Node]) -> str | None:
    """Return the views of a value with none after a sum, None where that cannot be."""
    node = new.nodes.get(base)
    if is_level(new, base):
        return add_views(new, base, views)
    if node is not None and isinstance(node.op, Add):
        parts = [part for name in node.inputs if (part := _viewed(new, name, views)) is not None]
        return new.add(Add(), parts, node) if len(parts) == len(node.inputs) else None
    if node is None or not node.op.linear or not _sees_all(new, node):
        return None
    weight, bias = matrix_of(new, node) if isinstance(node.op, Dense) else unrolled(new, node)
    order = view_order(views, node.type.shape)
    return _add_rows(new, weight[order], bias[order], node, views[-1].type.shape)


def _sees_all(new: Rewriter, node: Node) -> bool:
    """Return whether a weight has an entry for every pair of an output and an input."""
    synapses = new.types[node.inputs[1]].size * prod(node.type.shape[1:])
    return node.type.size * new.types[node.inputs[0]].size <= synapses


def _add_rows(new: Rewriter, weight: Float, bias: Float, node: Node, shape: tuple[int, ...]) -> str:
    ones = (1,) * (len(shape) - 1)
    source = add_reshape(new, node.inputs[0], (weight.shape[1], *ones), node)
    if not ones:
        return add_matrix(new, weight, bias, source, node)
    window = Window(point_op(len(ones)), weight.reshape(*weight.shape, *ones), bias.reshape(-1, *ones))
    return add_window(new, window, source, node)


def unrolled(new: Rewriter, node: Node) -> tuple[Float, Float]:
    """Return a Conv node as matrix [outputs, inputs] and bias [outputs], both row-major."""
    window, source = window_of(new, node), new.types[node.inputs[0]].shape
    sizes, weight = node.type.shape[1:], by_tap(dense_weight(window), 2)
    matrix = np.zeros((node.type.shape[0], prod(sizes), source[0], prod(source[1:])))
    for tap in np.ndindex(*window.kernel):
        inside, position = _positions(window.op, tap, sizes, source[1:])
        matrix[:, inside, :, position] += weight[tap]
    bias = np.broadcast_to(window.bias, node.type.shape)
    return matrix.reshape(node.type.size, -1), bias.ravel()


def _positions(
    op: Conv, tap: tuple[int, ...], sizes: tuple[int, ...], spatial: tuple[int, ...]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the output positions at which a tap sees no padding, and the input positions it sees there."""
    axes = list(_coordinates(op, tap, sizes))
    grid = np.meshgrid(*axes, indexing="ij")
    real = np.all([(g >= 0) & (g < n) for g, n in zip(grid, spatial, strict=True)], axis=0)
    seen = np.ravel_multi_index([g[real] for g in grid], spatial)
    return np.flatnonzero(real), seen


def _coordinates(op: Conv, tap: tuple[int, ...], sizes: tuple[int, ...]) -> Iterator[npt.NDArray[np.intp]]:
    for axis, (k, n) in enumerate(zip(tap, sizes, strict=True)):
        yield np.arange(n) * op.strides[axis] + op.dilations[axis] * k - op.pads[axis]
