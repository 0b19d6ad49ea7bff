"""Give every weighted sum a single reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_activation, is_charge_op
from snncc.compiler.passes.rewrite import Rewriter


@dataclass(frozen=True)
class SplitCharges(Pass):
    """u read by f and by g -> u read by f, a copy of u read by g; the copy shares the weights.

    Charge is deposited in the neurons that use it, so a sum read twice is two sets of synapses anyway.
    Outputs, views of them included, keep the original; Adds and activations get copies.
    """

    name: ClassVar[str] = "split-charges"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph in which each sum is read by one activation, one Add or as output."""
        new = Rewriter(graph)
        claimed: set[str] = set()
        given = {node.name: node for node in graph.nodes}
        outputs = {_unviewed(given, name) for name in graph.outputs}
        for node in graph.nodes:
            claimed.update({node.name} & outputs)
            if isinstance(node.op, Add) or is_activation(node.op):
                node = _with_own_inputs(new, node, claimed)
            new.keep(node)
        return new.finish(graph.outputs)


def _unviewed(nodes: dict[str, Node], name: str) -> str:
    while name in nodes and nodes[name].op.view:
        name = nodes[name].inputs[0]
    return name


def _with_own_inputs(new: Rewriter, node: Node, claimed: set[str]) -> Node:
    inputs = tuple(_claim(new, name, claimed) for name in node.inputs)
    return Node(node.name, node.op, inputs, node.type, node.loc)


def _claim(new: Rewriter, name: str, claimed: set[str]) -> str:
    """Return a sum nobody has claimed: the named one or a copy of it."""
    node = new.nodes.get(name)
    if node is None or not is_charge_op(node.op):
        return name
    if name not in claimed:
        claimed.add(name)
        return name
    inputs = [_claim(new, part, claimed) for part in node.inputs] if isinstance(node.op, Add) else node.inputs
    copy = new.add(node.op, inputs, node)
    claimed.add(copy)
    return copy
