"""The options of a compilation, checked together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.targets import Target, load_target

SCHEDULES = ("pipelined", "sequential")
MOST_LEVELS = 65535
DEFAULT_BITS = 4


@dataclass(frozen=True)
class Options:
    """What the user chose.

    Attributes:
        target: the chip.
        coding: key of CODINGS.
        levels: Q, the greatest level of every activation.
        bits: n where Q was given as 2^n - 1, else None.
        weight_bits: width of a weight, sign included.
        schedule: ``pipelined`` or ``sequential``.
    """

    target: Target
    coding: str
    levels: int
    bits: int | None
    weight_bits: int
    schedule: str

    def notes(self) -> Iterator[Diagnostic]:
        """Yield what a user should know about the choice before anything is compiled."""
        better = self.target.dominated.get(self.coding)
        if better:
            message = (
                f"on {self.target.name} coding '{self.coding}' is dominated by '{better}': the same levels take fewer "
                "steps, spikes and neuron updates there"
            )
            yield Diagnostic("SNN510", message, hint=f"use --coding {better}, or keep it to compare", severity="warning")


def make_options(
    target: str = "loihi2", coding: str | None = None, bits: int | None = None, levels: int | None = None,
    weight_bits: int = 8, schedule: str | None = None,
) -> Options:
    """Return checked options; ``bits`` n means Q = 2^n - 1 in every coding, 4 where neither is given.

    Raises:
        SnnccError: exit code 2; SNN501 unknown target, SNN502 unknown coding, SNN503 levels, SNN504 weight bits,
            SNN505 unknown schedule, SNN506 the target's neurons cannot run the coding. All problems at once.
    """
    problems = list(_problems(coding, bits, levels, weight_bits, schedule))
    try:
        chip = load_target(target)
    except SnnccError as error:
        raise SnnccError([*error.diagnostics, *problems], 2) from None
    chosen = coding or chip.coding
    if chosen in CODINGS and CODINGS[chosen].graded and not chip.graded:
        problems.append(Diagnostic("SNN506", f"spikes of {chip.name} carry no payload, coding '{chosen}' needs one"))
    if problems:
        raise SnnccError(problems, 2)
    if levels is None:
        bits = DEFAULT_BITS if bits is None else bits
        levels = (1 << bits) - 1
    return Options(chip, chosen, levels, bits, weight_bits, schedule or chip.schedule)


def _problems(
    coding: str | None, bits: int | None, levels: int | None, weight_bits: int, schedule: str | None
) -> Iterator[Diagnostic]:
    if coding is not None and coding not in CODINGS:
        yield Diagnostic("SNN502", f"there is no coding '{coding}'", hint=f"codings are: {', '.join(CODINGS)}")
    if bits is not None and levels is not None:
        yield Diagnostic("SNN503", "bits and levels were both given", hint="give one: bits n means levels = 2^n - 1")
    if bits is not None and not 1 <= bits <= 16:
        yield Diagnostic("SNN503", f"{bits} bits lie outside 1..16")
    if levels is not None and not 1 <= levels <= MOST_LEVELS:
        yield Diagnostic("SNN503", f"{levels} levels lie outside 1..{MOST_LEVELS}")
    if not 2 <= weight_bits <= 8:
        yield Diagnostic("SNN504", f"{weight_bits} weight bits lie outside 2..8")
    if schedule is not None and schedule not in SCHEDULES:
        yield Diagnostic("SNN505", f"there is no schedule '{schedule}'", hint=f"schedules are: {', '.join(SCHEDULES)}")
