"""Give level sources an edge of weight 1 where a weighted sum is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_activation, is_level
from snncc.compiler.passes.linear import copied
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class IdentityEdges(Pass):
    """x -> 1 x, where an Add, an activation or an output reads a level source.

    A depthwise 1x1 convolution with weights 1, or a dense layer with the identity matrix for vectors.
    """

    name: ClassVar[str] = "identity-edges"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with sums at every Add operand, activation and output that read levels."""
        return sweep(graph, _rule, _at_output)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Add) and not is_activation(node.op):
        return None
    inputs = tuple(_edge(new, name, node, f"{new.wish(node.name)}_{new.wish(name)}") for name in node.inputs)
    return None if inputs == node.inputs else new.add(node.op, inputs, node)


def _at_output(new: Rewriter, name: str) -> str:
    given = {i.name: Node(i.name, Add(), (), i.type, i.loc) for i in new.graph.inputs}
    like = new.nodes.get(name) or given.get(name)
    return name if like is None else _edge(new, name, like, f"{new.wish(name)}_readout")


def _edge(new: Rewriter, value: str, like: Node, name: str) -> str:
    return copied(new, value, like, name) if is_level(new, value) else value
