"""What ``snncc tune`` prints: the chosen point, the Pareto front, what was tried; the same as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.table import Table

from snncc.runtime.diagnosis.scoring import Loss
from snncc.runtime.tuning.front import Trial
from snncc.runtime.tuning.outcome import Outcome
from snncc.runtime.tuning.tuned import Tuned
from snncc.terminal import console, plain, table, write_json, write_table

UNITS = {"points": "points", "changed": "% changed", "error": "% error"}


def tuned(found: Tuned, file: Path, study: Path | None, as_json: bool) -> None:
    """Print what tuning found: verdict first, then the front, then how it was found."""
    if as_json:
        written = None if found.program is None else str(file)
        return write_json({"file": written, "study": study and str(study), **found.to_json()})
    _say(_verdict(found, file), "bold green" if found.chosen else "bold red")
    for line in _evidence(found):
        _say(line)
    if found.front:
        write_table(_front(found))
    for line in _effort(found, study):
        _say(line)
    for note in found.notes:
        _say(note)
    return None


def _say(line: object, style: str | None = None) -> None:
    console().print(plain(line), style=style)


def _verdict(found: Tuned, file: Path) -> str:
    unit, goal = UNITS[found.measure], found.goal
    if found.chosen is None:
        return f"NOT MET: no point found loses {goal.max_loss:g} {unit} or less; no program was written"
    factor = found.factor or 1.0
    saves = f"{factor:.2f} times less {goal.minimize} than default options" if factor != 1 else "as default options"
    return f"{file}: {_figure(found.chosen[1], goal.minimize)}, {saves}"


def _evidence(found: Tuned) -> Iterator[str]:
    unit = UNITS[found.measure]
    if found.chosen is not None:
        chosen = found.chosen[1]
        yield f"tuning data: lost {_loss(chosen)} {unit} against the float network, of {found.goal.max_loss:g} allowed"
    if found.test is not None:
        yield f"test data: lost {_loss(found.test)} {unit}"
    base = found.baseline
    yield f"default options: {_figure(base, found.goal.minimize)}, lost {_loss(base)} {unit}"
    if found.exact is not None:
        yield "verified: the program reproduces its integer network" if found.exact else "NOT EXACT: see snncc verify"
    if found.chosen is not None:
        for name, value in found.to_json()["chosen"]["settings"].items():
            yield f"  {name.replace('_', ' ')}: {_setting(value)}"


def _setting(value: object) -> str:
    """Return a setting as an option of ``snncc compile`` takes it."""
    if not isinstance(value, Mapping):
        return str(value)
    return ",".join(f"{layer}={one}" if layer else str(one) for layer, one in value.items())


def _front(found: Tuned) -> Table:
    goal = found.goal
    numbers = (f"lost, {UNITS[found.measure]}", "95% interval", goal.minimize, "steps", "interval", "synaptic events")
    rows = [_row(found, trial) for trial in found.front]
    return table((*numbers, "levels, weight bits, rounding, coding"), rows, numbers)


def _row(found: Tuned, trial: Trial) -> tuple[str, ...]:
    point, outcome = trial
    cost = outcome.cost
    assert cost is not None
    mark = " <- chosen" if found.chosen is not None and point == found.chosen[0] else ""
    settings = point.settings()
    words = [_brief(settings[name]) for name in ("levels", "weight_bits", "rounding")]
    return (
        f"{outcome.loss:.2f}",
        f"{outcome.low:.2f}..{outcome.high:.2f}",
        _figure(outcome, found.goal.minimize).partition(" ")[0],
        str(cost.latency_steps),
        str(cost.initiation_interval),
        f"{cost.synops:.0f}",
        f"{', '.join([*words, _brief(cost.coding)])}{mark}",
    )


def _brief(value: Any) -> str:
    if not isinstance(value, Mapping):
        return str(value)
    return f"{value['']} and {len(value) - 1} of their own"


def _figure(outcome: Outcome, minimize: str) -> str:
    if outcome.cost is None:
        return f"cannot be compiled ({outcome.refused})"
    if minimize == "energy":
        return f"{outcome.cost.picojoules / 1e6:.4g} uJ an inference (modelled)"
    if minimize == "synops":
        return f"{outcome.cost.synops:.0f} synaptic events an inference"
    steps = outcome.objective(minimize)
    return f"{steps:.0f} steps {'of latency' if minimize == 'latency' else 'from sample to sample'}"


def _loss(loss: Outcome | Loss) -> str:
    value = loss.loss if isinstance(loss, Outcome) else loss.value
    return f"{value:.2f} (95% interval {loss.low:.2f} to {loss.high:.2f})"


def _effort(found: Tuned, study: Path | None) -> Iterator[str]:
    effort = found.effort
    parts = [f"{effort.trials} points measured in {effort.seconds:.0f} s, {effort.jobs} at a time"]
    if effort.resumed:
        parts.append(f"{effort.resumed} of them in earlier runs")
    if effort.refused:
        parts.append(f"{effort.refused} cannot be compiled")
    parts.append("nothing better was found" if effort.complete else "the budget was spent before the search ended")
    yield "; ".join(parts)
    if study is not None:
        yield f"study: {study}; the same command goes on with it"
    yield f"energy is {found.energy}"
    yield "losses of a point that was chosen among many come out too small on the data they were chosen on: see --test"
