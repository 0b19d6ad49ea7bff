"""Give level sources an edge of weight 1 where a weighted sum is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add, Relu
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_level
from snncc.compiler.passes.linear import add_matrix, add_window
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.window import point_window


@dataclass(frozen=True)
class IdentityEdges(Pass):
    """x -> 1 x, where an Add, a ReLU or an output reads a level source.

    A depthwise 1x1 convolution with weights 1, or a dense layer with the identity matrix for vectors.
    """

    name: ClassVar[str] = "identity-edges"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with sums at every Add operand, ReLU and output that read levels."""
        return sweep(graph, _rule, _at_output)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, (Add, Relu)):
        return None
    inputs = tuple(_edge(new, name, node, f"{new.wish(node.name)}_{new.wish(name)}") for name in node.inputs)
    return None if inputs == node.inputs else new.add(node.op, inputs, node)


def _at_output(new: Rewriter, name: str) -> str:
    given = {i.name: Node(i.name, Add(), (), i.type, i.loc) for i in new.graph.inputs}
    like = new.nodes.get(name) or given.get(name)
    return name if like is None else _edge(new, name, like, f"{new.wish(name)}_readout")


def _edge(new: Rewriter, value: str, like: Node, name: str) -> str:
    shape = new.types[value].shape
    if not shape or not is_level(new, value):
        return value
    if len(shape) == 1:
        return add_matrix(new, np.eye(shape[0]), np.zeros(shape), value, like, name)
    window = point_window(np.ones(shape[0]), np.zeros((shape[0], *[1] * (len(shape) - 1))))
    return add_window(new, window, value, like, name)
