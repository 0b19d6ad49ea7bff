"""Choices per layer by the model, measured where it matters: at the edge of what may be lost."""

from __future__ import annotations

from math import exp, log

from snncc.runtime.tuning.front import allowed
from snncc.runtime.tuning.model import Choice, Model
from snncc.runtime.tuning.trials import Trials

FINEST, COARSEST = 1e6, 1e-3  # weights of drift against events
HALVINGS = 24
ROUNDS, WIDE = 6, 4.0  # of measuring; the first spans WIDE times more and less than the drift allowed so far
AT_A_TIME = 2  # points of a round, where no more are measured in parallel


def allocate(trials: Trials, model: Model) -> None:
    """Measure points of the model's front, closer and closer to the last that is allowed.

    Raises:
        Spent: the budget did not last.
    """
    goal = trials.goal
    least, most = (model.drift_of(model.choices(weight)) for weight in (FINEST, COARSEST))
    known = [one.drift for one in trials.known.values() if allowed(one, goal.max_loss, goal.sure)]
    middle = min(max([*known, least]), most)
    low, high = max(least, middle / WIDE), min(most, middle * WIDE)
    for _ in range(ROUNDS):
        if not 0 < low < high:
            return
        drifts = _between(low, high, max(AT_A_TIME, trials.crew.jobs))
        found = trials.measure([model.point(_with_drift(model, drift)) for drift in drifts])
        pairs = list(zip(drifts, found, strict=True))
        good = [drift for drift, one in pairs if allowed(one, goal.max_loss, goal.sure)]
        low, high = _closer(drifts, good, (low, high), (least, most))


def _closer(
    drifts: list[float], good: list[float], span: tuple[float, float], ends: tuple[float, float]
) -> tuple[float, float]:
    """Return where to measure next: between the last that was good and the next, or beyond the span."""
    if not good:
        return max(ends[0], span[0] / WIDE), min(drifts)
    low = max(good)
    beyond = [drift for drift in drifts if drift > low]
    return low, min(beyond) if beyond else min(ends[1], max(span[1], low * WIDE))


def _between(low: float, high: float, count: int) -> list[float]:
    step = (log(high) - log(low)) / (count + 1)
    return [exp(log(low) + step * (number + 1)) for number in range(count)]


def _with_drift(model: Model, drift: float) -> dict[str, Choice]:
    """Return the choices of the model's front whose drift comes closest to one from below."""
    fine, coarse = log(FINEST), log(COARSEST)
    for _ in range(HALVINGS):
        middle = (fine + coarse) / 2
        if model.drift_of(model.choices(exp(middle))) <= drift:
            fine = middle
        else:
            coarse = middle
    return model.choices(exp(fine))
