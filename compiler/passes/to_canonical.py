"""Check that a float network has the canonical form, and say everything that stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph, Stage
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.canonical_problems import problems_of


@dataclass(frozen=True)
class ToCanonical(Pass):
    """Activations, Adds and outputs read weighted sums; weighted sums, pools, views and concatenations read levels.

    An output may also be a reshaped or transposed sum.
    """

    name: ClassVar[str] = "to-canonical"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.CANONICAL

    def run(self, graph: Graph) -> Graph:
        """Return the same graph as canonical.

        Raises:
            SnnccError: SNN128 and SNN129, all of them at once.
        """
        if problems := problems_of(graph):
            raise SnnccError(problems)
        return replace(graph, stage=Stage.CANONICAL)
