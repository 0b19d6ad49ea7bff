"""What a pass is, and how passes run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.diagnostics import InternalError, SnnccError
from snncc.compiler.ir.graph import Graph, Stage
from snncc.compiler.ir.verify import check


@dataclass(frozen=True)
class Pass:
    """A named step from one legal stage to another; options are typed fields."""

    name: ClassVar[str]
    takes: ClassVar[Stage]
    gives: ClassVar[Stage]

    def run(self, graph: Graph) -> Graph:
        """Return a new graph; the given one stays as it is.

        Raises:
            SnnccError: the user's model cannot be handled; all reasons at once.
        """
        raise NotImplementedError


Observer = Callable[[Pass, Graph], None]


def run_passes(graph: Graph, passes: Iterable[Pass], observe: Observer = lambda p, g: None) -> Graph:
    """Run passes in order; after each, check its promise and call the observer.

    Raises:
        SnnccError: from a pass, about the user's model.
        InternalError: a pass met a graph it does not take, broke a rule, or failed.
    """
    for step in passes:
        if graph.stage is not step.takes:
            raise InternalError(f"pass {step.name} takes a {step.takes.value} graph, got {graph.stage.value}")
        before = graph
        try:
            graph = check(step.run(graph), f"pass {step.name}")
        except (SnnccError, InternalError):
            raise
        except Exception as error:
            raise InternalError(f"pass {step.name} failed on:\n{before}") from error
        if graph.stage is not step.gives:
            raise InternalError(f"pass {step.name} gave a {graph.stage.value} graph, promised {step.gives.value}")
        observe(step, graph)
    return graph
