"""Let average pools count their padding, with the difference in the dense layer that reads them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool, Dense
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import has_one_divisor, is_level, read_ends, real_counts
from snncc.compiler.passes.linear import add_matrix, matrix_of
from snncc.compiler.passes.rewrite import Float, Rewriter, sweep
from snncc.compiler.passes.views import add_views, view_order, views_below


@dataclass(frozen=True)
class CountPadding(Pass):
    """W mean(x) -> (W k / n) mean'(x): mean' divides by the k positions of a window, n of them real.

    So that every average is a plain sum over one divisor. Padding that no window reads goes. A pool whose
    windows are cut and whose reader is no dense layer stays, for to-canonical to report.
    """

    name: ClassVar[str] = "count-padding"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with one divisor per average pool wherever that is exact."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if isinstance(node.op, AveragePool):
        return _without_unread_pads(new, node, node.op)
    if not isinstance(node.op, Dense):
        return None
    name, views = views_below(new, node.inputs[0])
    pool = new.nodes.get(name)
    if pool is None or not isinstance(pool.op, AveragePool) or not is_level(new, name):
        return None
    spatial = new.types[pool.inputs[0]].shape[1:]
    if has_one_divisor(pool.op, spatial):
        return None
    value = new.add(replace(pool.op, count_include_pad=True), pool.inputs, pool)
    value = add_views(new, value, views)
    weight, bias = matrix_of(new, node)
    return add_matrix(new, weight * _factors(pool, spatial, views), bias, value, node)


def _factors(pool: Node, spatial: tuple[int, ...], views: list[Node]) -> Float:
    """Return k / n for every entry of the vector that the dense layer reads."""
    assert isinstance(pool.op, AveragePool)
    factors = prod(pool.op.kernel) / np.maximum(real_counts(pool.op, spatial), 1)
    return np.broadcast_to(factors, pool.type.shape).ravel()[view_order(views, pool.type.shape)]


def _without_unread_pads(new: Rewriter, node: Node, op: AveragePool) -> str | None:
    spatial = new.types[node.inputs[0]].shape[1:]
    pads = (*op.pads[: len(spatial)], *read_ends(op, spatial))
    return None if pads == op.pads else new.add(replace(op, pads=pads), node.inputs, node)
