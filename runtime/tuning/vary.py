"""Other choices for the same price: the model's slopes are uncertain, so many choices of about one price are measured.

Which of them loses least the model cannot tell, for single probes are noisy. As long as one of a round is good enough,
the next round asks for less still; else for a smaller step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from math import exp, log

import numpy as np

from snncc.runtime.tuning.allocate import COARSEST, FINEST, HALVINGS
from snncc.runtime.tuning.front import price
from snncc.runtime.tuning.model import Choice, Model, Slopes
from snncc.runtime.tuning.trials import Trials

ROUND = 8  # points of one price
STEPS = (0.08, 0.05, 0.03, 0.015)  # by how much less than the best they are to cost
SPREAD = 0.5  # of the logarithms of slopes


def vary(trials: Trials, model: Model, seed: int) -> None:
    """Measure rounds of points that cost less than the best, until no step brings a better one.

    Raises:
        Spent: the budget did not last.
    """
    steps, drawn = list(STEPS), 0
    while steps and (best := trials.best) is not None and best[1].cost is not None:
        wanted = best[1].cost.synops * (1 - steps[0])
        points = [model.point(_priced(_drawn(model, seed + drawn + k), wanted)) for k in range(ROUND)]
        drawn += ROUND
        trials.measure(points)
        found = trials.best
        if found is None or price(found[1], trials.goal.minimize) >= price(best[1], trials.goal.minimize):
            steps.pop(0)


def _drawn(model: Model, seed: int) -> Model:
    """Return the model with other slopes."""
    generator = np.random.default_rng(seed)
    slopes = {layer: _times(of, np.exp(SPREAD * generator.standard_normal(2))) for layer, of in model.slopes.items()}
    return replace(model, slopes=slopes)


def _times(slopes: Slopes, factors: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Slopes:
    return Slopes(slopes.levels * float(factors[0]), slopes.zeros * float(factors[1]))


def _priced(model: Model, events: float) -> Mapping[str, Choice]:
    """Return the choices of a model's front that cause about so many events."""
    fine, coarse = log(FINEST), log(COARSEST)
    for _ in range(HALVINGS):
        middle = (fine + coarse) / 2
        if model.events(model.choices(exp(middle))) >= events:
            fine = middle
        else:
            coarse = middle
    return model.choices(exp(coarse))
