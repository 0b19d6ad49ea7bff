"""Join scalings that follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.scaling import apply_scaling, scaling_of


@dataclass(frozen=True)
class MergeAffine(Pass):
    """a2 (a1 x + b1) + b2 -> (a2 a1) x + (a2 b1 + b2); 1 x + 0 -> x."""

    name: ClassVar[str] = "merge-affine"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with no Affine reading an Affine, and no Affine that does nothing."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    scaling = scaling_of(new, node)
    return None if scaling is None else apply_scaling(new, node.inputs[0], scaling, node)
