"""Merge nodes that compute the same value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.op import Op
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class MergeTwins(Pass):
    """y1 = f(x), y2 = f(x) -> y1 = y2 = f(x), so a model that writes relu(x) twice gets one population."""

    name: ClassVar[str] = "merge-twins"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph without a second node of the same op and inputs."""
        seen: dict[tuple[Op, tuple[str, ...]], str] = {}

        def rule(new: Rewriter, node: Node) -> str | None:
            first = seen.setdefault((node.op, node.inputs), node.name)
            return None if first == node.name else first

        return sweep(graph, rule)
