"""The search: a sweep, a probe of every layer, choices by a model and around it, single changes, then optuna's sampler.

Each stage proposes points from what was measured before, and points are measured once. So a search that was killed is
repeated from its beginning, and goes on where it was when the study has no more answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from snncc.runtime.tuning.allocate import allocate
from snncc.runtime.tuning.model import probe
from snncc.runtime.tuning.polish import polish
from snncc.runtime.tuning.sample import sample
from snncc.runtime.tuning.sweep import sweep
from snncc.runtime.tuning.trials import Spent, Trials
from snncc.runtime.tuning.vary import vary

Stage = Callable[[str], None]


def search(trials: Trials, shares: Mapping[str, Sequence[float]], seed: int, stage: Stage) -> bool:
    """Measure points until nothing better is found; return whether it came to that before the budget was spent.

    Args:
        trials: what has been measured.
        shares: of weights that may be zero, by layer, in the order of the network.
        seed: of the sampler.
        stage: called with the name of each stage as it begins.
    """
    with suppress(Spent):
        stage("sweep")
        base = sweep(trials, tuple(shares))
        stage("probing layers")
        model = probe(trials, shares, base)
        stage("choosing by layer")
        allocate(trials, model)
        stage("other choices")
        vary(trials, model, seed)
        while True:
            before = trials.best
            stage("single changes")
            polish(trials, model)
            stage("sampling")
            sample(trials, shares, seed)
            if trials.best == before:
                return True
    return False
