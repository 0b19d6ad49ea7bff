"""What tuning found: the front, the chosen point and its program, and how it was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.program import Program
from snncc.runtime.diagnosis.scoring import Loss
from snncc.runtime.tuning.front import Trial
from snncc.runtime.tuning.outcome import OBJECTIVES, Outcome
from snncc.runtime.tuning.trials import Goal

UNITS = {"energy": "pJ", "latency": "steps", "interval": "steps", "synops": "synaptic events"}


@dataclass(frozen=True)
class Effort:
    """How the search went.

    Attributes:
        trials: points measured, those of earlier runs included.
        resumed: of these, measured in earlier runs.
        refused: of these, such as cannot be compiled.
        complete: whether it ended because it found nothing better; else the budget was spent.
        seconds: wall time of this run.
        jobs: points measured at a time.
        seed: of the sampler.
    """

    trials: int
    resumed: int
    refused: int
    complete: bool
    seconds: float
    jobs: int
    seed: int


@dataclass(frozen=True)
class Tuned:
    """The result of tuning.

    Attributes:
        goal: what was wanted.
        measure: what losses are measured in, see ``snncc.runtime.diagnosis.scoring.Loss``.
        front: the Pareto front, by rising loss.
        chosen: the chosen point; None where no point is good enough.
        baseline: what default options lose and cost.
        closest: the point that loses least, of use where none is good enough.
        program: the chosen point's program.
        exact: whether it was verified to reproduce its integer network.
        test: loss of the program on test data, None without such.
        energy: the cost table and its source.
        effort: how the search went.
        notes: what else a user should know: overlapping data, limits of an objective.
    """

    goal: Goal
    measure: str
    front: tuple[Trial, ...]
    chosen: Trial | None
    baseline: Outcome
    closest: Trial | None
    program: Program | None
    exact: bool | None
    test: Loss | None
    energy: str
    effort: Effort
    notes: tuple[Diagnostic, ...] = field(default=())

    @property
    def factor(self) -> float | None:
        """Return how many times less the chosen program costs than default options, by the objective."""
        if self.chosen is None or self.baseline.cost is None:
            return None
        return self.baseline.objective(self.goal.minimize) / self.chosen[1].objective(self.goal.minimize)

    def to_json(self) -> dict[str, Any]:
        """Return the result as JSON has it, without the program."""
        return {
            "minimize": self.goal.minimize,
            "unit": UNITS[self.goal.minimize],
            "max_loss": self.goal.max_loss,
            "sure": self.goal.sure,
            "measure": self.measure,
            "met": self.chosen is not None,
            "factor": self.factor,
            "baseline": _plain(self.baseline),
            "chosen": None if self.chosen is None else trial_json(self.chosen),
            "closest": None if self.closest is None else trial_json(self.closest),
            "front": [trial_json(trial) for trial in self.front],
            "exact": self.exact,
            "test": None if self.test is None else asdict(self.test),
            "energy_model": self.energy,
            "effort": asdict(self.effort),
            "notes": [asdict(note) for note in self.notes],
        }


def trial_json(trial: Trial) -> dict[str, Any]:
    """Return a trial as JSON has it: its settings are options of ``snncc.compile``."""
    point, outcome = trial
    coding = None if outcome.cost is None else outcome.cost.coding
    return {"settings": {"coding": coding, **point.settings()}, **_plain(outcome)}


def _plain(outcome: Outcome) -> Mapping[str, Any]:
    cost = outcome.cost
    costs = {} if cost is None else {name: getattr(cost, name) for name in (*OBJECTIVES.values(), "updates")}
    return {"loss": outcome.loss, "low": outcome.low, "high": outcome.high, **costs, "refused": outcome.refused}
