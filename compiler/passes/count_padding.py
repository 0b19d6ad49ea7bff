"""Let average pools count their padding, with the difference in a scaling after them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import has_one_divisor, is_level, read_ends, real_counts
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.scaling import Scaling, apply_scaling, smallest


@dataclass(frozen=True)
class CountPadding(Pass):
    """mean(x) -> (k / n) mean'(x): mean' divides by the k positions of a window, n of them real.

    So that every average is a plain sum over one divisor. A dense layer takes the factors in; before anything
    else they cost neurons. Padding that no window reads goes. An average of sums stays, until they are levels.
    """

    name: ClassVar[str] = "count-padding"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with one divisor for every average pool of levels."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    op = node.op
    if not isinstance(op, AveragePool):
        return None
    spatial = new.types[node.inputs[0]].shape[1:]
    if has_one_divisor(op, spatial) or not is_level(new, node.inputs[0], scaled=True):
        pads = (*op.pads[: len(spatial)], *read_ends(op, spatial))
        return None if pads == op.pads else new.add(replace(op, pads=pads), node.inputs, node)
    factors = prod(op.kernel) / np.maximum(real_counts(op, spatial), 1)
    scaling = Scaling(smallest(factors[None]), np.zeros((1,) * len(node.type.shape)))
    return apply_scaling(new, new.add(replace(op, count_include_pad=True), node.inputs, node), scaling, node)
