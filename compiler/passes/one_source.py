"""Let every pool read the levels of one population."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool, MaxPool, Relu
from snncc.compiler.ir.verify import level_sources
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_level, is_nonnegative
from snncc.compiler.passes.linear import copied
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class OneSource(Pass):
    """pool(concat(x1, x2)) -> pool(linear(1 concat(x1, x2))), where the concatenation cannot follow the pool.

    A pool compares or adds up levels, so they must be levels of one scale; those of several populations are
    copied into one. Without sign where none of them is negative.
    """

    name: ClassVar[str] = "one-source"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph in which no pool reads levels of several populations."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    source = node.inputs[0]
    if not isinstance(node.op, (AveragePool, MaxPool)) or not is_level(new, source):
        return None
    if len(level_sources(new.nodes, source)) == 1:
        return None
    name = f"{new.wish(node.name)}_{new.wish(source)}"
    op = Relu() if is_nonnegative(new, source) else Curve("linear")
    joint = new.add(op, (copied(new, source, node, name),), node, f"{name}_levels")
    return new.add(node.op, (joint,), node)
