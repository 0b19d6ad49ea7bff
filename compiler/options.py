"""The options of a compilation, checked together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import numpy as np

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.targets import Target, load_target, target_names

AUTO = "auto"
SCHEDULES = ("pipelined", "sequential")
MOST_LEVELS = 65535
MOST_BITS = 16
DEFAULT_BITS = 4
WEIGHT_BITS = (2, 8)


@dataclass(frozen=True)
class Options:
    """What the user chose.

    Attributes:
        target: the chip.
        coding: key of CODINGS, or ``auto``.
        levels: Q, the greatest level of every activation.
        bits: n where Q was given as 2^n - 1, else None.
        weight_bits: width of a weight, sign included.
        schedule: ``pipelined`` or ``sequential``.
        by_layer: codings of single layers, by the name of their node in the integer network.
    """

    target: Target
    coding: str
    levels: int
    bits: int | None
    weight_bits: int
    schedule: str
    by_layer: Mapping[str, str] = field(default_factory=dict)

    @property
    def told_coding(self) -> str:
        """Return the choice of codings as the user writes it."""
        return ",".join([self.coding, *(f"{name}={coding}" for name, coding in self.by_layer.items())])

    def notes(self) -> Iterator[Diagnostic]:
        """Yield what a user should know about the choice before anything is compiled."""
        better = self.target.dominated.get(self.coding)
        if better:
            message = (
                f"on {self.target.name} coding '{self.coding}' is dominated by '{better}': the same levels take fewer "
                "steps, spikes and neuron updates there"
            )
            hint = f"use --coding {better}, or keep it to compare"
            yield Diagnostic("SNN510", message, Loc("options", "coding"), hint, severity="warning")


def make_options(
    target: str = "loihi2",
    coding: str | Mapping[str, str] | None = None,
    bits: int | None = None,
    levels: int | None = None,
    weight_bits: int = 8,
    schedule: str | None = None,
) -> Options:
    """Return checked options; ``bits`` n means Q = 2^n - 1 in every coding, 4 where neither is given.

    ``coding`` is the name of one, ``auto``, or with others for single layers ``rate,conv1=ttfs,fc=bitplane``; a mapping
    holds the same, the coding of all other layers under ``""``.

    Raises:
        SnnccError: exit code 2; SNN501 unknown target, SNN502 unknown coding, SNN503 levels, SNN504 weight bits,
            SNN505 unknown schedule, SNN506 the target's neurons cannot run the coding. All problems at once.
    """
    default, by_layer = _split(coding)
    problems = list(_problems(target, [default, *by_layer.values()], bits, levels, weight_bits, schedule))
    if problems:
        raise SnnccError(problems, 2)
    chip = load_target(target)
    chosen = default or chip.coding
    if problems := [p for name in dict.fromkeys([chosen, *by_layer.values()]) for p in _unsendable(name, chip)]:
        raise SnnccError(problems, 2)
    if levels is None:
        bits = DEFAULT_BITS if bits is None else bits
        levels = (1 << bits) - 1
    short = None if bits is None else int(bits)
    return Options(chip, chosen, int(levels), short, int(weight_bits), schedule or chip.schedule, by_layer)


def _split(coding: str | Mapping[str, str] | None) -> tuple[str | None, dict[str, str]]:
    """Return the coding of the program, None for the target's own, and those of single layers."""
    if not isinstance(coding, str | Mapping) or coding == "":
        return coding, {}
    if isinstance(coding, str):
        words = [word.strip().rpartition("=") for word in coding.split(",") if word.strip()]
        coding = {name.strip(): chosen.strip() for name, _, chosen in words}
    others = dict(coding)
    return others.pop("", None), others


def _unsendable(coding: str, chip: Target) -> Iterator[Diagnostic]:
    if coding != AUTO and CODINGS[coding].graded and not chip.graded:
        message = f"spikes of {chip.name} carry no payload, coding '{coding}' needs one"
        fit = ", ".join(name for name, code in CODINGS.items() if not code.graded)
        yield _problem("SNN506", message, "coding", f"codings without payload are: {fit}")


def choices(what: str, names: Sequence[str], given: str) -> str:
    """Return a hint that lists the names there are, the one that was probably meant first."""
    near = get_close_matches(given, names, n=1)
    meant = f"did you mean '{near[0]}'? " if near else ""
    return f"{meant}{what} are: {', '.join(names)}"


def _problems(
    target: str,
    codings: Sequence[str | None],
    bits: int | None,
    levels: int | None,
    weight_bits: int,
    schedule: str | None,
) -> Iterator[Diagnostic]:
    if target not in target_names():
        hint = choices("targets", target_names(), str(target))
        yield _problem("SNN501", f"there is no target '{target}'", "target", hint)
    for place, coding in enumerate(codings):
        known = (*CODINGS, AUTO) if place == 0 else tuple(CODINGS)  # the program's own coding comes first
        if coding is not None and coding not in known:
            hint = choices("codings", known, str(coding))
            yield _problem("SNN502", f"there is no coding '{coding}'", "coding", hint)
    if schedule is not None and schedule not in SCHEDULES:
        hint = choices("schedules", SCHEDULES, str(schedule))
        yield _problem("SNN505", f"there is no schedule '{schedule}'", "schedule", hint)
    if bits is not None and levels is not None:
        hint = "give one of them: bits n means levels = 2^n - 1"
        yield _problem("SNN503", "bits and levels were both given", "bits", hint)
    if bits is not None:
        yield from _range("SNN503", "bits", bits, 1, MOST_BITS)
    if levels is not None:
        yield from _range("SNN503", "levels", levels, 1, MOST_LEVELS)
    yield from _range("SNN504", "weight_bits", weight_bits, *WEIGHT_BITS)


def _range(code: str, name: str, value: object, low: int, high: int) -> Iterator[Diagnostic]:
    what, hint = name.replace("_", " "), f"give a whole number from {low} to {high}"
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        yield _problem(code, f"{what} are {value!r}, no whole number", name, hint)
    elif not low <= value <= high:
        yield _problem(code, f"{value} {what} lie outside {low}..{high}", name, hint)


def _problem(code: str, message: str, option: str, hint: str) -> Diagnostic:
    return Diagnostic(code, message, Loc("options", option), hint)
