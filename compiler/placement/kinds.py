"""Kinds of neurons: a program with its parameters, the bias apart. A chip holds few of them in a core's registers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snncc.compiler.neuron import NeuronProgram
from snncc.compiler.placement.cuts import Cuts, Ints, boxes, grid
from snncc.compiler.program import Population

BIAS = "offset"  # every neuron may have its own


class Kinds:
    """Numbers the kinds of a program as they are met; equal ones of several populations are one.

    Attributes:
        program: number of the neuron program of each kind.
    """

    def __init__(self) -> None:
        """Start with none."""
        self.program: list[int] = []
        self._programs: dict[NeuronProgram, int] = {}
        self._numbers: dict[tuple[int, ...], int] = {}

    def of(self, population: Population) -> Ints:
        """Return the kind of each neuron, int64 of the population's rank; axes along which none differs have size 1."""
        program = self._programs.setdefault(population.neuron, len(self._programs))
        rank = len(population.shape)
        values = [v for name, v in population.params.items() if name != BIAS]
        columns = np.broadcast_arrays(*(v.reshape((1,) * (rank - v.ndim) + v.shape) for v in values))
        if not columns:
            return np.full((1,) * rank, self._number((program,)), dtype=np.int64)
        rows, inverse = np.unique(np.stack([c.ravel() for c in columns], axis=1), axis=0, return_inverse=True)
        numbers = np.array([self._number((program, *row)) for row in rows.tolist()], dtype=np.int64)
        found: Ints = numbers[inverse.ravel()].reshape(columns[0].shape)
        return found

    def _number(self, kind: tuple[int, ...]) -> int:
        if kind not in self._numbers:
            self._numbers[kind] = len(self.program)
            self.program.append(kind[0])
        return self._numbers[kind]


def most_kinds(kinds: Ints, cuts: Cuts) -> int:
    """Return the most kinds that a box has."""
    few = _narrowed(kinds, cuts)
    counts = np.zeros(grid(few), dtype=np.int64)
    for kind in np.unique(kinds):
        present = kinds == kind
        for axis, bounds in enumerate(few):
            present = np.logical_or.reduceat(present, list(bounds[:-1]), axis=axis)
        counts += present
    return int(counts.max(initial=0))


def kinds_of_boxes(kinds: Ints, cuts: Cuts) -> Iterator[frozenset[int]]:
    """Yield the kinds of each box."""
    known: dict[tuple[tuple[int, int], ...], frozenset[int]] = {}
    for box in boxes(cuts):
        part = tuple((a, b) if n > 1 else (0, 1) for n, (a, b) in zip(kinds.shape, box, strict=True))
        if part not in known:
            known[part] = frozenset(kinds[tuple(slice(a, b) for a, b in part)].ravel().tolist())
        yield known[part]


def _narrowed(kinds: Ints, cuts: Cuts) -> Cuts:
    """Return cuts with a single part along axes of size 1."""
    return tuple(bounds if n > 1 else (0, 1) for n, bounds in zip(kinds.shape, cuts, strict=True))
