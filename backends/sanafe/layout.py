"""Where neurons stand: slices of the placement as groups, and cores of their own for inputs and gate lines."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.backends.sanafe.roles import INPUT, READ, levels, role_of
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Population, Program

Ints = npt.NDArray[np.int64]
CORES = 128  # of the chip in SANA-FE's loihi.yaml
ROOM = 1024  # neurons of a core there
TILE_CORES, COLUMNS, ROWS = 4, 8, 4
GATE = "gate"


@dataclass(frozen=True, eq=False)
class Group:
    """A neuron group: a slice, or a part of one, on one core.

    Attributes:
        name: in the network file.
        role: see ``roles``; or ``gate``.
        population: name of the population; empty for gate lines.
        neurons: int64, which of its neurons these are, counted in row-major order; of gate lines their numbers.
        core: number of the core, as the placement counts.
        sign: -1 for neurons that send the negative levels of an input, else 1.
    """

    name: str
    role: str
    population: str
    neurons: Ints
    core: int
    sign: int = 1


def address(core: int) -> str:
    """Return where SANA-FE has the core that stands at the same place of the mesh.

    Our tiles are counted along rows, its tiles along columns.
    """
    tile, inside = divmod(core, TILE_CORES)
    row, column = divmod(tile, COLUMNS)
    return f"{column * ROWS + row}.{inside}"


def place_of(core: int) -> tuple[int, int]:
    """Return column and row of a core's tile."""
    row, column = divmod(core // TILE_CORES, COLUMNS)
    return column, row


def groups_of(program: Program) -> list[Group]:
    """Return all neuron groups of a placed program; cores beyond the last are given out where the chip is too small."""
    populations = program.population
    parts: list[tuple[str, str, Ints, int, int]] = []
    for cut in (part for part in program.slices if part.core != HOST):
        population = populations[cut.population]
        parts.append((role_of(program, population), population.name, _inside(cut, population), cut.core, 1))
    spare = _spare({part.core for part in program.slices})
    parts.append((GATE, "", np.arange(len(gate_lines(program))), next(spare), 1))
    parts.extend(_outside(program, spare))
    return [Group(f"g{number:04d}", *part) for number, part in enumerate(parts)]


def _outside(program: Program, spare: Iterator[int]) -> Iterator[tuple[str, str, Ints, int, int]]:
    """Yield inputs on cores of their own: those that the host plays, and the negative levels of signed ones."""
    populations, room, core = program.population, 0, HOST
    for cut in program.slices:
        population = populations[cut.population]
        signs = [1] if cut.core == HOST else []
        signs += [-1] if role_of(program, population) == INPUT and levels(population)[0] < 0 else []
        for sign in signs:
            neurons = _inside(cut, population)
            while len(neurons):
                room, core = (room, core) if room else (ROOM, next(spare))
                yield INPUT, population.name, neurons[:room], core, sign
                neurons, room = neurons[room:], room - min(room, len(neurons))


def gate_lines(program: Program) -> list[tuple[str, str]]:
    """Return for each gate line its population and whether it is to ``open`` or to ``close`` its window."""
    lines = []
    for population in program.populations:
        role = role_of(program, population)
        if role in ("fire", READ):
            lines += [(population.name, "open")] if role != READ else []
            lines.append((population.name, "close"))
    return lines


def _inside(cut: Slice, population: Population) -> Ints:
    """Return the neurons of a slice, in row-major order of the population."""
    box = np.ix_(*(range(a, b) for a, b in zip(cut.lo, cut.hi, strict=True)))
    whole = np.arange(population.size).reshape(population.shape)
    return whole[box].ravel()


def _spare(used: set[int]) -> Iterator[int]:
    """Yield cores that nothing stands on: those after the used ones, then those between, then some that are not."""
    last = max(used, default=-1)
    yield from range(last + 1, CORES)
    yield from (core for core in range(last) if core not in used)
    yield from range(CORES, 1 << 30)
