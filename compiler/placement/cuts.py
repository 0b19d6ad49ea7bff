"""Cuts of a population into a grid of boxes: for each axis, the bounds between parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import pairwise, product
from math import prod

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bounds = tuple[int, ...]  # of the parts of an axis: 0, ..., size
Cuts = tuple[Bounds, ...]  # one an axis
Box = tuple[tuple[int, int], ...]  # first index and the one past the last, an axis


def even(size: int, parts: int) -> Bounds:
    """Return the bounds of parts of an axis whose sizes differ by one at most."""
    return tuple(size * i // parts for i in range(parts + 1))


def grid(cuts: Cuts) -> tuple[int, ...]:
    """Return the number of parts along each axis."""
    return tuple(len(bounds) - 1 for bounds in cuts)


def count(cuts: Cuts) -> int:
    """Return the number of boxes."""
    return prod(grid(cuts))


def sizes(bounds: Bounds) -> Ints:
    """Return the size of each part of an axis."""
    found: Ints = np.array(bounds[1:], dtype=np.int64) - np.array(bounds[:-1], dtype=np.int64)
    return found


def boxes(cuts: Cuts) -> Iterator[Box]:
    """Yield the boxes, in row-major order of the grid."""
    yield from product(*(list(pairwise(bounds)) for bounds in cuts))


def outer(vectors: Sequence[Ints]) -> Ints:
    """Return the product of one vector an axis, int64 [*lengths]."""
    return reduce(np.multiply.outer, vectors, np.ones((), dtype=np.int64))


def summed(values: Ints, cuts: Cuts) -> Ints:
    """Return the sum of an array over every box, int64 [*grid]."""
    for axis, bounds in enumerate(cuts):
        values = np.add.reduceat(values, list(bounds[:-1]), axis=axis)
    return values


def part_counts(size: int) -> list[int]:
    """Return the numbers of parts worth trying along an axis: for each greatest part, the fewest that have it."""
    found, parts = [], 1
    while True:
        found.append(parts)
        largest = -(-size // parts)
        if largest <= 1:
            return found
        parts = -(-size // (largest - 1))
