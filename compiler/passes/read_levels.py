"""Tell the levels that a network ends in from what is read of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Reshape
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class ReadLevels(Pass):
    """y -> y as a value of its own: levels are sent by one population, and read from another that hears them."""

    name: ClassVar[str] = "read-levels"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with a view of each output in its place."""
        return sweep(graph, lambda new, node: None, _as_view)


def _as_view(new: Rewriter, name: str) -> str:
    node: Node | None = new.nodes.get(name)
    if node is None:
        return name
    return new.add(Reshape(node.type.shape), (name,), node, f"{new.wish(name)}.read")
