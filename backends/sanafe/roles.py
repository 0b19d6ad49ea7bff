"""What each population becomes in SANA-FE."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.backends.sanafe.synapses import Listed
from snncc.compiler.program import Population, Program, TensorInput

Ints = npt.NDArray[np.int64]
INPUT, FIRE, POOL, READ = "input", "fire", "pool", "read"


def role_of(program: Program, population: Population) -> str:
    """Return ``input``, ``fire``, ``pool`` or ``read``; empty for a population that makes no claim."""
    if population.claim is None:
        return ""
    if any(isinstance(i, TensorInput) and i.population == population.name for i in program.inputs):
        return INPUT
    return {"fire": FIRE, "copy": FIRE, "pool": POOL, "read": READ}.get(population.claim.kind, "")


@dataclass(frozen=True, eq=False)
class Window:
    """How a firing or reading population keeps its windows, in charges.

    Its membrane rests ``shut`` below its charge, so that it stays under its threshold while it integrates. One spike of
    a gate line lifts it by ``shut``, which opens the window; another lowers it by ``drop``, below ``floor``, and the
    neuron's reverse reset puts it to its first value for the next sample.

    Attributes:
        first: float64 [neurons], membrane before the first arrival of a sample, gate included. Charges are integers;
            it lies half a unit above one, since SANA-FE's neurons fire above their threshold, ours at it.
        threshold: int64 [neurons]
        shut: what the opening line adds; 0 where there is none.
        drop: what the closing line takes.
        floor: the reverse threshold.
        least: least membrane at the end of a step.
        most: greatest one.
    """

    first: npt.NDArray[np.float64]
    threshold: Ints
    shut: int
    drop: int
    floor: int
    least: int
    most: int


def window_of(program: Program, population: Population, heard: list[tuple[Population, Listed]]) -> Window:
    """Return the window of a firing or reading population.

    Args:
        program: holds it.
        population: role ``fire`` or ``read``.
        heard: its sources, each with the synapses from it.
    """
    offset = spread(population, "offset")
    most, least = offset.copy(), offset.copy()
    for source, listed in heard:
        lo, hi = levels(source)
        np.add.at(most, listed.target, np.maximum(0, np.maximum(listed.weight * hi, listed.weight * lo)))
        np.add.at(least, listed.target, np.minimum(0, np.minimum(listed.weight * hi, listed.weight * lo)))
    high, low = int(max(0, most.max())), int(min(0, least.min()))
    reading = role_of(program, population) == READ
    shut = 0 if reading else high + 1
    threshold = np.full(population.size, high + 1) if reading else spread(population, "theta")
    floor = low - shut - 1
    first = offset.astype(np.float64) + 0.5 - shut
    return Window(first, threshold, shut, high + 2 - floor, floor, floor, high + 1)


def levels(population: Population) -> tuple[int, int]:
    """Return the least and the greatest level that a population claims to send."""
    return (population.claim.lo, population.claim.hi) if population.claim else (0, 0)


def spread(population: Population, name: str) -> Ints:
    """Return a parameter of each neuron, int64 [neurons]."""
    return np.broadcast_to(population.params[name], population.shape).ravel().astype(np.int64)
