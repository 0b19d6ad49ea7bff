"""Turn weighted sums into levels where they are read as levels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Add, Concat, Relu, Tail
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_activation, is_charge_op, is_level, is_nonnegative
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class MarkLinear(Pass):
    """f(W x) -> f(linear(W x)): a weighted sum that is read without activation gets signed levels of its own.

    Weighted sums, pools, selections, concatenations and scalings read levels; so do activations and Adds that
    read anything but a weighted sum. An Add also takes the levels of a sum that has some anyway, rather than a
    second set of its synapses. Activations and outputs keep reading the sum itself. What cannot be negative
    gets a ReLU, whose levels have no sign.
    """

    name: ClassVar[str] = "mark-linear"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph in which sums are read by activations, Adds, outputs and views at outputs alone."""
        return sweep(graph, _Marker(graph).rule)


class _Marker:
    """Knows which sums of the graph before get levels, and the levels made so far."""

    def __init__(self, graph: Graph) -> None:
        self._nodes = graph.node
        self._sums: set[str] = set()
        self._levels: dict[str, str] = {}
        for node in graph.nodes:
            for name in _read_as_levels(self._nodes, node):
                self._sums |= _sums_behind(self._nodes, name)

    def rule(self, new: Rewriter, node: Node) -> str | None:
        """Return the node with levels wherever it needs them."""
        before = self._nodes[node.name]
        wanted = _read_as_levels(self._nodes, before, self._sums)
        pairs = zip(before.inputs, node.inputs, strict=True)
        inputs = tuple(self._as_levels(new, now) if name in wanted else now for name, now in pairs)
        return None if inputs == node.inputs else new.keep(replace(node, inputs=inputs))

    def _as_levels(self, new: Rewriter, name: str) -> str:
        """Return a value made of levels: itself, its activation, or the same view of levels."""
        node = new.nodes.get(name)
        if node is None or is_level(new, name) or not (node.op.view or is_charge_op(node.op)):
            return name
        if name not in self._levels:
            self._levels[name] = self._made(new, node)
        return self._levels[name]

    def _made(self, new: Rewriter, node: Node) -> str:
        if is_charge_op(node.op):
            op = Relu() if is_nonnegative(new, node.name) else Curve("linear")
            return new.add(op, (node.name,), node, f"{new.wish(node.name)}_levels")
        source = self._as_levels(new, node.inputs[0])
        return node.name if source == node.inputs[0] else new.add(node.op, (source,), node)


def _read_as_levels(nodes: dict[str, Node], node: Node, sums: frozenset[str] | set[str] = frozenset()) -> set[str]:
    """Return the inputs that a node reads as levels, given the sums that have levels anyway."""
    if node.op.view or isinstance(node.op, Tail):
        return set()
    if isinstance(node.op, Add):
        return {name for name in node.inputs if name in sums or not (name in nodes and nodes[name].op.linear)}
    if is_activation(node.op):
        return {name for name in node.inputs[:1] if not (name in nodes and is_charge_op(nodes[name].op))}
    return set(node.inputs if isinstance(node.op, Concat) else node.inputs[:1])


def _sums_behind(nodes: dict[str, Node], name: str) -> set[str]:
    """Return the sum that a value is or is a view of, an empty set where there is none."""
    while name in nodes and nodes[name].op.view:
        name = nodes[name].inputs[0]
    return {name} if name in nodes and is_charge_op(nodes[name].op) else set()
