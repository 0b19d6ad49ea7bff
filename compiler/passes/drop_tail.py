"""Drop softmax, log-softmax and argmax at the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Tail
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class DropTail(Pass):
    """softmax(x) at an output -> x: the order of the logits stays; they are what the program gives.

    Also where views or further tails stand between the tail and the output. A tail in the middle of a network
    stays.
    """

    name: ClassVar[str] = "drop-tail"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph without tails that only outputs read."""
        final = _read_by_outputs_only(graph)

        def rule(new: Rewriter, node: Node) -> str | None:
            return node.inputs[0] if isinstance(node.op, Tail) and node.name in final else None

        return sweep(graph, rule)


def _read_by_outputs_only(graph: Graph) -> set[str]:
    users = graph.users()
    final: set[str] = set()
    for node in reversed(graph.nodes):
        if all(n.name in final and (n.op.view or isinstance(n.op, Tail)) for n in users[node.name]):
            final.add(node.name)
    return final
