"""Pool the parts of a concatenation rather than the whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool, Concat, MaxPool
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class ConcatLast(Pass):
    """pool(concat(x1, x2)) -> concat(pool(x1), pool(x2)), along the channels: pools work on each by itself.

    So that a pool has one source, with one scale of levels.
    """

    name: ClassVar[str] = "concat-last"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with no pool directly after a concatenation of channels."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    return _pooled(new, node, node.inputs[0]) if _goes_up(new, node, node.inputs[0]) else None


def _goes_up(new: Rewriter, node: Node, value: str) -> bool:
    before = new.nodes.get(value)
    pools = isinstance(node.op, (AveragePool, MaxPool))
    return pools and before is not None and isinstance(before.op, Concat) and before.op.axis == 0


def _pooled(new: Rewriter, node: Node, value: str) -> str:
    """Return the pool of a value, of each part where it is a concatenation."""
    if not _goes_up(new, node, value):
        return new.add(node.op, (value,), node)
    before = new.nodes[value]
    return new.add(before.op, [_pooled(new, node, part) for part in before.inputs], before)
