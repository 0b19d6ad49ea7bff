"""Compose an average pool with the weighted sum it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.compose import applied, follows_charge
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class ComposeAverage(Pass):
    """mean(W x + b) -> one convolution, where no activation stands between; over an Add, for every operand.

    Strides multiply, and the kernel grows to s (k_pool - 1) + d (k_conv - 1) + 1. Not where that makes more
    synapses than the convolution and the pool have, where a window is cut short by padding that does not count,
    nor where the pool's own padding would need the sum outside its image.
    """

    name: ClassVar[str] = "compose-average"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with no average pool after a sum it can join exactly at no cost."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, AveragePool) or not follows_charge(new, node):
        return None
    return applied(new, node, lambda now, then: then.synapses <= now.synapses)
