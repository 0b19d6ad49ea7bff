"""Turns what the search does into progress."""

from __future__ import annotations

import time
from collections.abc import Callable

from snncc.runtime.tuning.front import Trial
from snncc.runtime.tuning.wish import Wish

Progress = Callable[[str, int, int], None]


class Told:
    """Tells of the stage, the best point so far, and how much of the budget is spent."""

    def __init__(self, progress: Progress, wish: Wish) -> None:
        self.progress, self.wish, self.name = progress, wish, "starting"
        self.begun = time.monotonic()

    def stage(self, name: str) -> None:
        """Begin a stage."""
        self.name = name

    def trial(self, count: int, best: Trial | None) -> None:
        """Tell of a trial."""
        found = "none good enough yet"
        if best is not None:
            figure = best[1].objective(self.wish.goal.minimize)
            found = f"best {figure:.4g}, loss {best[1].loss:.2f}"
        trials, seconds = self.wish.budget.trials, self.wish.budget.seconds
        if trials is not None:
            self.progress(f"{self.name}: {found}; trial", count, trials)
        else:
            spent = int(time.monotonic() - self.begun)
            self.progress(f"{self.name}: {count} trials, {found}; second", spent, int(seconds or 0))
