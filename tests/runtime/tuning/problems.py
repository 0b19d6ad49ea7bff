"""A small problem to tune: random weights, and labels that the float network gets right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import snncc
from snncc.compiler.ir.graph import Array, Graph
from snncc.compiler.quantize.calibrate import run
from snncc.runtime.tuning.samples import Samples
from snncc.runtime.tuning.trials import Budget, Goal
from snncc.runtime.tuning.wish import Wish
from tests.nets import tiny_cnn


@dataclass(frozen=True)
class Small:
    """A network with data of three kinds."""

    graph: Graph
    calibration: Samples
    data: Samples
    test: Samples


def small(seed: int = 0) -> Small:
    x = np.random.default_rng(seed).random((260, 1, 8, 8), dtype=np.float32)
    graph = snncc.import_model(tiny_cnn())
    labels = labels_of(graph, x)
    parts = (slice(0, 60), slice(60, 220), slice(220, 260))
    return Small(graph, *(Samples({"x": x[part]}, labels[part]) for part in parts))


def labels_of(graph: Graph, x: Array) -> Array:
    (scores,) = run(graph, {"x": x}).values()
    return scores.argmax(axis=1)


def wish(trials: int, minimize: str = "energy", max_loss: float = 5.0, jobs: int = 1, **others: object) -> Wish:
    return Wish(Goal(minimize, max_loss), budget=Budget(trials), jobs=jobs, **others)  # type: ignore[arg-type]
