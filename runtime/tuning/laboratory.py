"""Measure points: quantize, run on the tuning data, weigh the codings; nothing is certified here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Array, Graph
from snncc.compiler.ir.views import behind_views
from snncc.compiler.options import Options
from snncc.compiler.passes.base import run_passes
from snncc.compiler.pipeline import float_passes
from snncc.compiler.quantize.quantize import Quantize
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.diagnosis.scoring import Scorer
from snncc.runtime.tuning.cost import Network, cheapest, level_nodes
from snncc.runtime.tuning.drift import drift
from snncc.runtime.tuning.outcome import Outcome, refusal
from snncc.runtime.tuning.point import Point

COUNTED = 128  # tuning samples on whose levels spikes are counted
KEPT = 4  # equalized graphs that are remembered


@dataclass(frozen=True, eq=False)
class Problem:
    """All that measuring needs, prepared once.

    Attributes:
        graph: the float network as the passes before equalization leave it.
        calibration: float inputs [samples, *shape] by name.
        inputs: tuning inputs likewise.
        labels: of the tuning inputs, None where unknown.
        real: the float network's first output on the tuning inputs, float32 [samples, *shape].
        target: name of the chip.
        codings: names of the codings to choose from.
        minimize: the objective.
    """

    graph: Graph
    calibration: Mapping[str, Array]
    inputs: Mapping[str, Array]
    labels: Array | None
    real: npt.NDArray[np.float32]
    target: str
    codings: tuple[str, ...]
    minimize: str


class Laboratory:
    """Measures points of one problem; what many points share is computed once."""

    def __init__(self, problem: Problem) -> None:
        """Keep the problem."""
        self.problem = problem
        self.scorer = Scorer(problem.real, problem.labels)
        self._equalized: dict[Any, Graph] = {}

    def measure(self, point: Point) -> Outcome:
        """Return what a point loses and costs; a point that cannot be compiled is refused, with the reasons."""
        begun = time.process_time()
        try:
            return replace(self._measured(point), seconds=time.process_time() - begun)
        except SnnccError as error:
            reasons = "; ".join(f"{d.code} {d.message}" for d in error.diagnostics)
            return refusal(reasons, time.process_time() - begun)

    def _measured(self, point: Point) -> Outcome:
        problem = self.problem
        options = point.options(problem.target, problem.codings[0])
        graph = self._quantized(point, options)
        shown = Collapsed(graph).run(problem.inputs)[graph.outputs[0]]
        outputs = shown * output_scale(graph)
        loss = self.scorer.loss(outputs)
        cost = cheapest(Network(graph, self._levels(graph), options), problem.codings, problem.minimize)
        far = drift(problem.real, outputs, self.scorer.classes)
        return Outcome(loss.value, loss.low, loss.high, far, cost)

    def _quantized(self, point: Point, options: Options) -> Graph:
        """Return the integer network, as the pipeline makes it."""
        problem = self.problem
        key = tuple(recipe.levels for _, recipe in point.recipes)
        if key not in self._equalized:
            while len(self._equalized) >= KEPT:
                del self._equalized[next(iter(self._equalized))]
            last = float_passes(options, problem.calibration)[-1:]
            self._equalized[key] = run_passes(problem.graph, last)
        quantize = Quantize(
            calibration=problem.calibration,
            target=options.target,
            recipes=options.recipes,
            graded_inputs=options.target.graded,
        )
        return run_passes(self._equalized[key], [quantize])

    def _levels(self, graph: Graph) -> dict[str, npt.NDArray[np.int64]]:
        few = {name: array[:COUNTED] for name, array in self.problem.inputs.items()}
        return Collapsed(replace(graph, outputs=tuple(level_nodes(graph)), labels=())).run(few)


def output_scale(graph: Graph) -> float:
    """Return the real value of 1 at the first output of a QUANTIZED graph."""
    return float(behind_views(graph, graph.outputs[0])[0].op.scale)  # type: ignore[attr-defined]
