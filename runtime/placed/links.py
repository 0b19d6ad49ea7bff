"""Ways of messages through the mesh: along the row first, then along the column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from snncc.compiler.placement.slices import HOST
from snncc.compiler.targets.target import Board

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Ways:
    """The ways between pairs of cores.

    Attributes:
        hops_x: int64 [pairs], steps along a row inside a chip.
        hops_y: int64 [pairs], steps along a column inside a chip.
        chip_hops: int64 [pairs], steps to a neighbouring chip.
        links: sparse int64 [links, pairs], 1 where a way uses a link.
    """

    hops_x: Ints
    hops_y: Ints
    chip_hops: Ints
    links: sparse.csr_matrix

    def busiest(self, messages: Ints) -> int:
        """Return what the busiest link carries, for the messages of each pair."""
        return int((self.links @ messages).max(initial=0))


def ways(board: Board, source: Ints, target: Ints) -> Ways:
    """Return the ways from cores to cores, int64 [pairs] each; the host's messages have none."""
    inside = (source != HOST) & (target != HOST)
    starts, ends = _places(board, source, inside), _places(board, target, inside)
    borders_x = np.abs(ends[0] // board.columns - starts[0] // board.columns)
    borders_y = np.abs(ends[1] // board.rows - starts[1] // board.rows)
    steps_x, steps_y = np.abs(ends[0] - starts[0]), np.abs(ends[1] - starts[1])
    links = _links(starts, ends, board)
    return Ways(steps_x - borders_x, steps_y - borders_y, borders_x + borders_y, links)


def _places(board: Board, cores: Ints, inside: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return column and row of the tile of each core; 0 for those of pairs that have no way."""
    numbers, which = np.unique(np.where(inside, cores, 0), return_inverse=True)
    found = np.array([board.place_of(core) for core in numbers.tolist()], dtype=np.int64).reshape(-1, 2)
    return found[which.ravel(), 0], found[which.ravel(), 1]


def _links(starts: tuple[Ints, Ints], ends: tuple[Ints, Ints], board: Board) -> sparse.csr_matrix:
    """Return which links each way uses; a link is a tile, the direction it leads and nothing else."""
    across_pair, across, right = _steps(starts[0], ends[0])
    down_pair, down, lower = _steps(starts[1], ends[1])
    width = board.columns * board.chip_columns
    # a link is numbered by the tile before it, times four, plus its direction
    horizontal = (starts[1][across_pair] * width + across) * 4 + right
    vertical = (down * width + ends[0][down_pair]) * 4 + 2 + lower
    pair = np.concatenate([across_pair, down_pair])
    _, row = np.unique(np.concatenate([horizontal, vertical]), return_inverse=True)
    rows = int(row.max(initial=-1)) + 1
    ones = np.ones(len(pair), dtype=np.int64)
    return sparse.csr_matrix((ones, (row.ravel(), pair)), shape=(rows, len(starts[0])))


def _steps(first: Ints, last: Ints) -> tuple[Ints, Ints, Ints]:
    """Return (pair, place left, whether upwards) of every step from a place to another along an axis."""
    length = np.abs(last - first)
    pair = np.repeat(np.arange(len(first)), length)
    number = np.arange(len(pair)) - np.repeat(np.cumsum(length) - length, length)
    upwards = (last > first)[pair].astype(np.int64)
    place = first[pair] + np.where(upwards == 1, number, -number)
    return pair, place, upwards
