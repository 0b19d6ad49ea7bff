"""Ways through the mesh: along the row first; a step over a chip's border is a chip hop and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from snncc.compiler.placement.slices import HOST
from snncc.compiler.targets import Board
from snncc.runtime.placed.links import ways

# Two chips beside each other, two below: tiles of one core, 3 x 2 a chip, so 6 x 4 in all.
BOARD = Board(chips=4, cores=6, tile_cores=1, columns=3, chip_columns=2)


def core(column: int, row: int) -> int:
    """Return the core at a place of the board."""
    return next(c for c in range(BOARD.all_cores) if BOARD.place_of(c) == (column, row))


@pytest.mark.parametrize(
    ("start", "end", "hops"),
    [
        ((0, 0), (0, 0), (0, 0, 0)),
        ((0, 0), (2, 1), (2, 1, 0)),
        ((2, 0), (3, 0), (0, 0, 1)),
        ((0, 0), (5, 3), (4, 2, 2)),
        ((5, 3), (0, 0), (4, 2, 2)),
        ((4, 1), (4, 2), (0, 0, 1)),
    ],
)
def test_steps_inside_chips_and_between_them(
    start: tuple[int, int], end: tuple[int, int], hops: tuple[int, int, int]
) -> None:
    found = ways(BOARD, np.array([core(*start)]), np.array([core(*end)]))
    assert (found.hops_x[0], found.hops_y[0], found.chip_hops[0]) == hops
    assert found.links.shape[0] == sum(hops)


def test_cores_of_one_tile_are_no_hop_apart() -> None:
    found = ways(Board(1, 8, tile_cores=4, columns=2), np.array([0, 0]), np.array([3, 4]))
    assert found.hops_x.tolist() == [0, 1]


def test_the_busiest_link_carries_what_shares_it() -> None:
    pairs = [((0, 0), (2, 0)), ((1, 0), (2, 1)), ((2, 0), (0, 0)), ((2, 0), (2, 1))]
    start, end = (np.array([core(*pair[side]) for pair in pairs]) for side in (0, 1))
    found = ways(BOARD, start, end)
    assert found.busiest(np.array([5, 7, 9, 2])) == 12  # from (1, 0) to (2, 0); the way back is another link
    assert found.busiest(np.array([0, 7, 0, 8])) == 15  # rows first: both end with the step down from (2, 0)


def test_the_host_has_no_way() -> None:
    found = ways(BOARD, np.array([HOST, 0, HOST]), np.array([7, HOST, HOST]))
    assert found.hops_x.tolist() == found.hops_y.tolist() == found.chip_hops.tolist() == [0, 0, 0]
    assert found.busiest(np.array([3, 3, 3])) == 0
