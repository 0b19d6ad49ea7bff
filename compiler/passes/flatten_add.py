"""Make additions flat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class FlattenAdd(Pass):
    """(x1 + x2) + x3 -> x1 + x2 + x3: all deposit charge in the same neurons. An Add of one value goes.

    An inner Add that others read too stays one: else a chain of additions, each of them read, would deposit every
    sum again in all that follow.
    """

    name: ClassVar[str] = "flatten-add"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with no Add reading an Add that nothing else reads."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Add):
        return None
    operands = [part for name in node.inputs for part in _parts(new, name)]
    if len(operands) == 1:
        return operands[0]
    return new.add(Add(), operands, node) if len(operands) > len(node.inputs) else None


def _parts(new: Rewriter, name: str) -> tuple[str, ...]:
    node = new.nodes.get(name)
    inner = node is not None and isinstance(node.op, Add) and not new.is_shared(name)
    return node.inputs if node is not None and inner else (name,)
