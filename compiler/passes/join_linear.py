"""Join weighted sums that have no activation between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.compose import Cost, applied, follows_charge
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class JoinLinear(Pass):
    """W2 (W1 x + b1) + b2 -> (W2 W1) x + (W2 b1 + b2); W (x1 + x2) + b -> (W x1 + b) + W x2.

    Dense after dense, and convolution after convolution where the second's padding sees nothing of the first.
    Only where one sum has no more weights and no more synapses than the two: else a bottleneck would be undone.
    A sum that others read too stays: it would be computed again. Those left are two sums, for mark-linear.
    """

    name: ClassVar[str] = "join-linear"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with no sum of a sum that can be one sum exactly at no cost."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not node.op.linear or not follows_charge(new, node):
        return None
    before = new.nodes[node.inputs[0]]
    operands = [before.name, *(before.inputs if isinstance(before.op, Add) else ())]
    if any(name in new.nodes and new.nodes[name].op.linear and new.is_shared(name) for name in operands):
        return None
    return applied(new, node, _pays)


def _pays(now: Cost, then: Cost) -> bool:
    return then.weights <= now.weights and then.synapses <= now.synapses
