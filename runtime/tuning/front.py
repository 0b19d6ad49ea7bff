"""The Pareto front: points that no other point beats in both loss and objective."""

from __future__ import annotations

from collections.abc import Iterable

from snncc.runtime.tuning.outcome import Outcome
from snncc.runtime.tuning.point import Point

Trial = tuple[Point, Outcome]


def pareto_front(trials: Iterable[Trial], minimize: str) -> list[Trial]:
    """Return the trials that no other one dominates, by rising loss; of equal ones the first.

    A trial dominates another if it neither loses nor costs more, and one of the two is less.
    """
    compiled = [trial for trial in trials if trial[1].cost is not None]
    ordered = sorted(compiled, key=lambda trial: (trial[1].loss, *price(trial[1], minimize)))
    front: list[Trial] = []
    for trial in ordered:
        if not front or price(trial[1], minimize) < price(front[-1][1], minimize):
            front.append(trial)
    return front


def chosen(trials: Iterable[Trial], minimize: str, max_loss: float, sure: bool) -> Trial | None:
    """Return the cheapest trial that loses no more than allowed; of equal ones the one that loses least.

    Args:
        trials: what was measured.
        minimize: the objective.
        max_loss: greatest loss, in the unit of the losses.
        sure: demand it of the upper end of the loss's interval, not of its estimate.
    """
    good = [trial for trial in trials if trial[1].cost is not None and allowed(trial[1], max_loss, sure)]
    return min(good, key=lambda trial: (*price(trial[1], minimize), trial[1].loss), default=None)


def allowed(outcome: Outcome, max_loss: float, sure: bool) -> bool:
    """Return whether an outcome loses no more than allowed."""
    return outcome.cost is not None and (outcome.high if sure else outcome.loss) <= max_loss + 1e-9


def price(outcome: Outcome, minimize: str) -> tuple[float, float]:
    """Return the objective, then the energy, which decides between equals."""
    return outcome.objective(minimize), outcome.objective("energy")
