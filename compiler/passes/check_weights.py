"""Check that every weight is a finite number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.graph import Graph, Stage
from snncc.compiler.passes.base import Pass


@dataclass(frozen=True)
class CheckWeights(Pass):
    """Change nothing; refuse constants that hold infinities or are no numbers, before they spread."""

    name: ClassVar[str] = "check-weights"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph as it is.

        Raises:
            SnnccError: SNN127 for every node that reads a constant with an entry that is not finite.
        """
        arrays = graph.constants.items()
        bad = {name for name, array in arrays if not np.all(np.isfinite(array))}
        problems = [
            Diagnostic(
                "SNN127",
                f"%{node.name} ({node.op.name}) reads @{name}, which is not finite everywhere",
                node.loc,
                "check the weights that were exported",
            )
            for node in graph.nodes
            for name in node.inputs
            if name in bad
        ]
        if problems:
            raise SnnccError(problems)
        return graph
