"""What has been measured so far: points are measured once, kept in the study, and paid for from a budget."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from snncc.runtime.tuning.crew import Crew
from snncc.runtime.tuning.front import Trial, chosen
from snncc.runtime.tuning.outcome import Outcome
from snncc.runtime.tuning.point import Point
from snncc.runtime.tuning.study import Study


class Spent(Exception):  # noqa: N818  no error: the search ends
    """The budget is used up."""


@dataclass(frozen=True)
class Goal:
    """What is wanted.

    Attributes:
        minimize: the objective, a key of OBJECTIVES.
        max_loss: greatest loss, in the unit of the losses.
        sure: demand it of the upper end of the loss's interval, not of its estimate.
    """

    minimize: str
    max_loss: float
    sure: bool = False


@dataclass(frozen=True)
class Budget:
    """What the search may use.

    Attributes:
        trials: most trials of the study, earlier ones included; None for no limit.
        seconds: of this run; None for no limit.
    """

    trials: int | None = None
    seconds: float | None = None


class Trials:
    """The trials of a study, old and new.

    Attributes:
        known: outcomes by point, in the order in which they were measured.
        goal: what is wanted.
        resumed: how many trials the study held when it was opened.
    """

    def __init__(
        self, study: Study, crew: Crew, goal: Goal, budget: Budget, tell: Callable[[int, Trial | None], None]
    ) -> None:
        """Take over what the study holds."""
        self.study, self.crew, self.goal, self.budget, self.tell = study, crew, goal, budget, tell
        self.known: dict[Point, Outcome] = dict(study.trials())
        self.resumed, self.begun = len(self.known), time.monotonic()

    def measure(self, points: Iterable[Point]) -> list[Outcome]:
        """Return the outcomes of points; only those not known are measured.

        Raises:
            Spent: the budget did not last.
        """
        wanted = list(points)
        unknown = [point for point in dict.fromkeys(wanted) if point not in self.known]
        left = None if self.budget.trials is None else max(0, self.budget.trials - len(self.known))
        if unknown:
            self._check_time()
            for point, outcome in self.crew.measure(unknown[:left]):
                self.known[point] = outcome
                self.study.add(point, outcome, self.goal.minimize)
                self.tell(len(self.known), self.best)
                self._check_time()
        if left is not None and len(unknown) > left:
            raise Spent
        return [self.known[point] for point in wanted]

    def _check_time(self) -> None:
        if self.budget.seconds is not None and time.monotonic() - self.begun >= self.budget.seconds:
            raise Spent

    @property
    def best(self) -> Trial | None:
        """Return the cheapest trial that loses no more than allowed, None where there is none yet."""
        return chosen(self.known.items(), self.goal.minimize, self.goal.max_loss, self.goal.sure)

    @property
    def closest(self) -> Trial | None:
        """Return the best trial, or, where none is good enough, the one that loses least."""
        compiled = [trial for trial in self.known.items() if trial[1].cost is not None]
        return self.best or min(compiled, key=lambda trial: (trial[1].loss, trial[1].drift), default=None)
