"""Which bin becomes which core: neighbours in data flow become neighbours on the mesh, then swaps shorten the ways.

Messages travel along the row of a tile's mesh first and then along its column (X-Y routing), so a way is as long as
the sum of both distances.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from snncc.compiler.targets.target import Board

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
MOST_SWAPPED = 400  # bins up to which swaps are tried: a sweep takes their number to the power of three
SWEEPS = 4
CHIP_HOP = 1e-3  # weight of a chip's border beside a hop: it decides between ways of one length alone


def snake(board: Board, count: int) -> Ints:
    """Return the numbers of the first cores of a board, each beside the one before."""
    found: list[int] = []
    for chip in _winding(board.chips, board.chip_columns):
        tiles = -(-board.cores // board.tile_cores)
        for tile in _winding(tiles, board.columns):
            first = tile * board.tile_cores
            found += [chip * board.cores + n for n in range(first, min(first + board.tile_cores, board.cores))]
        if len(found) >= count:
            break
    return np.array(found[:count], dtype=np.int64)


def arrange(board: Board, traffic: Floats | None, count: int) -> Ints:
    """Return the core of each of some bins, which come in the order of the data flow.

    Args:
        board: where they go.
        traffic: messages from bin to bin in an inference, float64 [bins, bins]; None where there are too many bins.
        count: bins.
    """
    cores = snake(board, count)
    if traffic is None or count < 3:
        return cores
    distance, both = distances(board, cores), traffic + traffic.T
    at = np.arange(count)  # bin i goes to cores[at[i]]
    for _ in range(SWEEPS):
        if not _sweep(both, distance, at):
            break
    return cores[at]


def distances(board: Board, cores: Sequence[int] | Ints) -> Floats:
    """Return hops between cores, and a little for every border of a chip between them, float64 [cores, cores]."""
    places = np.array([board.place_of(int(core)) for core in cores])
    chips = places // np.array([board.columns, board.rows])
    return _apart(places) + CHIP_HOP * _apart(chips)


def _apart(places: Ints) -> Floats:
    return np.abs(places[:, None] - places[None]).sum(axis=2).astype(np.float64)


def _sweep(traffic: Floats, distance: Floats, at: Ints) -> bool:
    """Swap each bin with the one that shortens the ways most, if any does; return whether one did."""
    moved = False
    for one in range(len(at)):
        gains = _gains(traffic, distance, at, one)
        other = int(np.argmin(gains))
        if gains[other] < -1e-6 * max(1.0, float(traffic[one].sum())):
            at[[one, other]] = at[[other, one]]
            moved = True
    return moved


def _gains(traffic: Floats, distance: Floats, at: Ints, one: int) -> Floats:
    """Return how much longer the ways become if a bin is swapped with each other one."""
    ways = distance[np.ix_(at, at)]
    there = ways @ traffic[one] - ways[one] @ traffic[one]  # its own messages, from the place of the other
    here = traffic @ ways[one] - (traffic * ways).sum(axis=1)  # the other's, from its place
    gains: Floats = there + here + 2 * traffic[one] * ways[one]
    gains[one] = 0.0
    return gains


def _winding(count: int, columns: int) -> list[int]:
    """Return the numbers of a grid row by row, every other row backwards."""
    rows = [list(range(start, min(start + columns, count))) for start in range(0, count, columns)]
    return [n for number, row in enumerate(rows) for n in (row if number % 2 == 0 else row[::-1])]
