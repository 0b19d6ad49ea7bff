"""Put slices together on cores: as few cores as first fit finds, then the same number with the least loaded first.

First fit decreasing needs at most 11/9 of the fewest bins, and one more, in one dimension (Johnson, 1973); with
several limits at once there is no such bound, so the number of cores is an upper one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
OPEN = 256  # cores that are tried for a slice, those opened last first; all of them in small programs
SMALL = 20_000  # slices up to which every core is tried
EVENED = 4_000  # slices up to which they are put a second time, on the least busy cores


@dataclass(frozen=True)
class Items:
    """Slices to put on cores.

    Attributes:
        needs: int64 [slices, limits], what adds up.
        limits: int64 [limits], of a core.
        work: float64 [slices], modelled time it keeps its core busy.
        kinds: for each slice its kinds of neurons, see ``kinds.Kinds``.
        program: number of the neuron program of each kind.
        programs: most distinct programs of a core; None for any number.
        thresholds: most kinds of a core; None for any number.
    """

    needs: Ints
    limits: Ints
    work: npt.NDArray[np.float64]
    kinds: Sequence[frozenset[int]]
    program: Sequence[int]
    programs: int | None
    thresholds: int | None


def pack(items: Items) -> Ints:
    """Return the bin of each slice, int64 [slices], bins numbered from 0."""
    share = (items.needs / np.maximum(items.limits, 1)).max(axis=1, initial=0)
    order = np.lexsort((np.arange(len(share)), -share))
    first = _assign(items, order, len(share), even=False)
    bins = int(first.max(initial=-1)) + 1
    if len(share) > EVENED:
        return first
    heaviest = np.lexsort((np.arange(len(share)), -items.work))
    for tried in (heaviest, order):
        second = _assign(items, tried, bins, even=True)
        if second.min(initial=0) >= 0:
            return second
    return first


def _assign(items: Items, order: Ints, most: int, even: bool) -> Ints:
    """Put slices, in order, on the first bin that holds them, or on the least busy one; -1 where none of most does."""
    free, busy = np.tile(items.limits, (most, 1)).astype(np.int64), np.zeros(most)
    kinds: list[set[int]] = [set() for _ in range(most)]
    opened, found = most if even else 0, np.full(len(order), -1, dtype=np.int64)
    window = most if len(order) <= SMALL else OPEN
    for item in order:
        start = max(0, opened - window)
        able = np.flatnonzero((free[start:opened] >= items.needs[item]).all(axis=1)) + start
        able = able[np.argsort(busy[able], kind="stable")] if even else able
        chosen = next((int(b) for b in able if _agrees(items, kinds[b], items.kinds[item])), opened)
        if chosen == most:
            return found
        opened = max(opened, chosen + 1)
        found[item] = chosen
        free[chosen] -= items.needs[item]
        busy[chosen] += items.work[item]
        kinds[chosen] |= items.kinds[item]
    return found


def _agrees(items: Items, there: set[int], kinds: frozenset[int]) -> bool:
    """Return whether a bin may hold the neuron programs and parameters of a slice beside those it has."""
    if items.programs is None and items.thresholds is None:
        return True
    if kinds <= there:
        return True
    both = there | kinds
    few = items.programs is None or len({items.program[kind] for kind in both}) <= items.programs
    return few and (items.thresholds is None or len(both) <= items.thresholds)
