"""Fold average pools into the weighted sums that read them."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool, Dense
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import has_one_divisor
from snncc.compiler.passes.linear import add_matrix, add_window, matrix_of, window_of
from snncc.compiler.passes.rewrite import Float, Rewriter, sweep
from snncc.compiler.passes.views import add_reshape, view_order, views_below
from snncc.compiler.passes.window import average_window, compose


@dataclass(frozen=True)
class FoldAverage(Pass):
    """W mean(x) -> one sum: no population for the pool, but as many more synapses as a window has positions.

    Into a dense layer always, through views; into a convolution where its padding sees nothing of x.
    Elsewhere the pool stays. An option of the compiler: by default pools stay and become exact integer sums.
    """

    name: ClassVar[str] = "fold-average"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with average pools folded forward wherever that is exact."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    value = None
    while (folded := _folded(new, node)) is not None:
        value, node = folded, new.nodes[folded]
    return value


def _folded(new: Rewriter, node: Node) -> str | None:
    """Return the node with one average pool folded in, None if there is none that can be."""
    if not node.op.linear:
        return None
    name, views = views_below(new, node.inputs[0])
    pool = new.nodes.get(name)
    if pool is None or not isinstance(pool.op, AveragePool):
        return None
    shape = new.types[pool.inputs[0]].shape
    if not has_one_divisor(pool.op, shape[1:]):
        return None
    if isinstance(node.op, Dense):
        return _into_dense(new, node, pool, views)
    joint = None if views else compose(average_window(pool.op, shape), window_of(new, node), shape[1:])
    return None if joint is None else add_window(new, joint, pool.inputs[0], node)


def _into_dense(new: Rewriter, node: Node, pool: Node, views: list[Node]) -> str:
    weight, bias = matrix_of(new, node)
    shape = new.types[pool.inputs[0]].shape
    on_pool = np.empty_like(weight)
    on_pool[:, view_order(views, pool.type.shape)] = weight
    spread = _spread(on_pool.reshape(-1, *pool.type.shape), pool, shape[1:])
    flat = add_reshape(new, pool.inputs[0], (prod(shape),), pool)
    return add_matrix(new, spread.reshape(len(weight), -1), bias, flat, node)


def _spread(weight: Float, pool: Node, spatial: tuple[int, ...]) -> Float:
    """Return the weight [O, C, *P] on a pool's result as a weight [O, C, *S] on its input."""
    assert isinstance(pool.op, AveragePool)
    op, rank = pool.op, len(spatial)
    pads = list(zip(op.pads[:rank], op.pads[rank:], strict=True))
    padded = np.zeros((*weight.shape[:2], *[n + b + e for n, (b, e) in zip(spatial, pads, strict=True)]))
    for tap in np.ndindex(*op.kernel):
        axes = zip(tap, op.strides, weight.shape[2:], strict=True)
        seen = (slice(None), slice(None), *[slice(k, k + s * (n - 1) + 1, s) for k, s, n in axes])
        padded[seen] += weight / prod(op.kernel)
    inside = (slice(None), slice(None), *[slice(b, b + n) for n, (b, _) in zip(spatial, pads, strict=True)])
    return padded[inside]
