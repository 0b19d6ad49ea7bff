"""What a tuning has to tell beside its result."""

from __future__ import annotations

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.targets import Target
from snncc.runtime.diagnosis.scoring import Loss
from snncc.runtime.tuning.outcome import Outcome
from snncc.runtime.tuning.samples import Samples, overlap
from snncc.runtime.tuning.trials import Goal, Trials


def not_met(trials: Trials) -> Diagnostic:
    """Return SNN527: no point is good enough, and what comes closest."""
    goal, closest = trials.goal, trials.closest
    message = f"none of {len(trials.known)} points measured loses {goal.max_loss:g} or less"
    hint = "allow a larger loss, search longer, or give more calibration data"
    if closest is None:
        reasons = next((outcome.refused for outcome in trials.known.values() if outcome.refused), "")
        return Diagnostic("SNN527", f"{message}; none can be compiled: {reasons}", Loc("options", "max_loss"), hint)
    found = closest[1]
    message += f"; the closest loses {found.loss:.2f} (95% interval {found.low:.2f} to {found.high:.2f})"
    return Diagnostic("SNN527", message, Loc("options", "max_loss"), hint)


def not_kept(tested: Loss | None, goal: Goal) -> list[Diagnostic]:
    """Return SNN529 where the chosen program certainly loses more on the test data than was allowed."""
    if tested is None or tested.low <= goal.max_loss:
        return []
    message = (
        f"on the test data the chosen program loses {tested.value:.2f} (95% interval {tested.low:.2f} to "
        f"{tested.high:.2f}), more than the {goal.max_loss:g} allowed: of many points the one was chosen that looked "
        "good enough on the tuning data"
    )
    hint = "give more tuning data, like those of the test, or choose by the whole interval (--sure)"
    return [Diagnostic("SNN529", message, Loc("options", "max_loss"), hint, severity="warning")]


def overlaps(calibration: Samples, data: Samples, test: Samples | None) -> list[Diagnostic]:
    """Return SNN521 for each pair of data sets that share samples."""
    pairs = [(("calibration", "tuning"), calibration, data)]
    if test is not None:
        pairs += [(("calibration", "test"), calibration, test), (("tuning", "test"), data, test)]
    found = [overlap(names, first.inputs, second.inputs) for names, first, second in pairs]
    return [problem for problem in found if problem is not None]


def limits(minimize: str, baseline: Outcome, target: Target) -> list[Diagnostic]:
    """Return SNN526 where default options are at the least that an objective can have, or near it."""
    cost = baseline.cost
    if cost is None:
        return []
    message = ""
    if minimize in ("interval", "latency") and cost.initiation_interval == 1:
        steps = cost.initiation_interval if minimize == "interval" else cost.latency_steps
        message = (
            f"default options are at the least {minimize} of this network, {steps}: every window is one step already; "
            "of programs that take as long, the one with the least energy was sought"
        )
    elif minimize == "energy":
        fixed = cost.updates / cost.initiation_interval * target.cost["update_pj"]
        message = (
            f"{fixed / cost.picojoules:.0%} of the energy of default options are one update a neuron, which no choice "
            "here changes"
        )
    return [Diagnostic("SNN526", message, Loc("options", "minimize"), severity="note")] if message else []
