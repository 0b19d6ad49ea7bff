"""What must hold of every placement, whatever it is placed on: slices cover each population, every neuron once.

Whether the slices fit the cores of a target is another question: ``runtime.placement_check`` answers it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Population, Program

NAME = re.compile(r"[A-Za-z0-9_.]+")
BOARD = re.compile(r"[A-Za-z0-9_.-]+")  # a target is named as its file is


def placement_problems(program: Program) -> Iterator[Diagnostic]:
    """Yield SNN720 to SNN725 for every broken rule; nothing for a program that is not placed."""
    yield from _board(program)
    if not program.slices:
        return
    yield from _names(program.slices)
    populations = program.population
    inside: dict[str, list[Slice]] = {name: [] for name in populations}
    for part in program.slices:
        if part.core < HOST:
            yield Diagnostic("SNN725", f"slice {part.name} is on core {part.core}")
        if found := list(_slice(part, populations.get(part.population))):
            yield from found
        else:
            inside[part.population].append(part)
    for name, population in populations.items():
        if min(population.shape, default=1) > 0:
            yield from _covered(population, inside[name])


def _board(program: Program) -> Iterator[Diagnostic]:
    if program.board and not program.slices:
        yield Diagnostic("SNN720", f"program {program.name} is placed on {program.board}, and no neuron has a core")
    if program.slices and not program.board:
        yield Diagnostic("SNN720", f"program {program.name} has slices, and names no target that they are placed on")
    if program.board and not BOARD.fullmatch(program.board):
        message = f"program {program.name} is placed on {program.board!r}, which is no name of a target"
        yield Diagnostic("SNN720", message, hint="letters, digits, '_', '-' and '.' make a name")


def _names(slices: Sequence[Slice]) -> Iterator[Diagnostic]:
    for name, count in Counter(part.name for part in slices).items():
        if not NAME.fullmatch(name):
            yield Diagnostic("SNN721", f"slice {name!r} is not named in letters, digits, '_' and '.'")
        if count > 1:
            yield Diagnostic("SNN721", f"slice {name} stands {count} times")


def _slice(part: Slice, population: Population | None) -> Iterator[Diagnostic]:
    """Yield what is wrong with a slice by itself."""
    if population is None:
        yield Diagnostic("SNN722", f"slice {part.name} is a part of {part.population}, which is no population")
        return
    ranks = {len(part.lo), len(part.hi), len(population.shape)}
    ends = zip(part.lo, part.hi, population.shape, strict=False)
    if len(ranks) > 1 or not all(0 <= low < high <= size for low, high, size in ends):
        message = f"slice {part.name} goes from {part.lo} up to {part.hi}, in a population of shape {population.shape}"
        yield Diagnostic("SNN723", message, population.loc)


def _covered(population: Population, slices: Sequence[Slice]) -> Iterator[Diagnostic]:
    """Yield how many neurons of a population are in no slice, and how many stand in several."""
    marked = np.zeros(population.shape, dtype=bool)
    for part in slices:
        marked[tuple(slice(low, high) for low, high in zip(part.lo, part.hi, strict=True))] = True
    held = int(np.count_nonzero(marked))
    if held < population.size:
        message = f"{population.size - held} neurons of population {population.name} are in no slice"
        yield Diagnostic("SNN724", message, population.loc)
    if (again := sum(part.size for part in slices) - held) > 0:
        message = f"the slices of population {population.name} overlap in {again} neurons"
        yield Diagnostic("SNN724", message, population.loc)
