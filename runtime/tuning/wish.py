"""What the user asks of a tuning, checked before model and data are read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.options import make_options
from snncc.runtime.tuning.outcome import OBJECTIVES
from snncc.runtime.tuning.trials import Budget, Goal


@dataclass(frozen=True)
class Wish:
    """What the user asks for.

    Attributes:
        goal: objective and greatest loss.
        target: name of the chip.
        codings: names of the codings to choose from; empty for all that the target can send.
        budget: trials and seconds.
        jobs: points measured at a time; None for as many as there are processors.
        seed: of the sampler.
        study: file of the study, None to keep none.
    """

    goal: Goal
    target: str = "loihi2"
    codings: tuple[str, ...] = ()
    budget: Budget = field(default_factory=Budget)
    jobs: int | None = None
    seed: int = 0
    study: Path | None = None


def check_wish(wish: Wish) -> None:
    """Check what can be checked without model and data.

    Raises:
        SnnccError: exit code 2; SNN520 an unknown objective, SNN525 numbers out of range, or what ``make_options``
            finds.
    """
    problems: list[Diagnostic] = []
    if wish.goal.minimize not in OBJECTIVES:
        message = f"there is no objective '{wish.goal.minimize}'"
        problems.append(Diagnostic("SNN520", message, _at("minimize"), f"objectives are: {', '.join(OBJECTIVES)}"))
    if not wish.goal.max_loss >= 0:
        message = f"a greatest loss of {wish.goal.max_loss} is not 0 or above"
        problems.append(Diagnostic("SNN525", message, _at("max_loss"), "give a number such as 0.5"))
    numbers = {"trials": wish.budget.trials, "time_limit": wish.budget.seconds, "jobs": wish.jobs}
    for name, value in numbers.items():
        if value is not None and not value > 0:
            message = f"{name.replace('_', ' ')} {value} is not above 0"
            problems.append(Diagnostic("SNN525", message, _at(name), "give a number above 0"))
    try:
        for coding in wish.codings or (None,):
            make_options(wish.target, coding)
    except SnnccError as error:
        problems.extend(error.diagnostics)
    if problems:
        raise SnnccError(problems, 2)


def _at(option: str) -> Loc:
    return Loc("options", option)
