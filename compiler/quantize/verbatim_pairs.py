"""Sums of two values of different scales: integer multipliers that decide every pair as the runtime does.

    level(f(g(u) + h(v))) = lowest + number of k with  p u + q v >= T_k

For each v and k, the least u that reaches level k is known from the runtime's own arithmetic. Multipliers p and q serve
if, for each k, all (u, v) below come before all above in p u + q v; that is checked for all v and k, so for all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.quantize.verbatim_ladder import first_where, whole_levels
from snncc.compiler.quantize.verbatim_values import Chain, Ints, Pair, direction_of, run

MOST_RIGHT = 4096  # integers of the right operand that are tried one by one
TRIED = 1000  # multipliers that are tried


class NoPairError(ValueError):
    """The sum has no form in integers; the message says why."""


@dataclass(frozen=True)
class Decision:
    """How one channel of a pair decides.

    Attributes:
        left: multiplier p of the left operand.
        right: multiplier q of the right operand.
        thresholds: of p u + q v, one a level above the lowest, int64 [m]; not falling.
        wrong: decisions of a pair and a level that differ from the runtime's.
        pairs: number of pairs.
    """

    left: int
    right: int
    thresholds: Ints
    wrong: int
    pairs: int


@dataclass(frozen=True)
class Table:
    """The least u, times its way, that reaches each level above the lowest, for each v: int64 [channels, v, levels]."""

    least: Ints
    v: Ints
    low: Ints
    high: Ints
    way: Ints
    lowest: int


def oriented(pair: Pair) -> Pair:
    """Return the pair with the operand of fewer integers on the right.

    Raises:
        NoPairError: both have too many to try all of them.
    """
    counts = [int((high - low).max()) + 1 for low, high in (pair.left.base.reach, pair.right.base.reach)]
    if min(counts) > MOST_RIGHT:
        raise NoPairError("it adds two sums that no quantizer has met")
    return pair if counts[1] <= counts[0] else replace(pair, left=pair.right, right=pair.left)


def tabulate(pair: Pair, scale: float) -> Table:
    """Return the table of a pair that a quantizer of a scale follows, by the runtime's arithmetic.

    Raises:
        NoPairError: what is computed may fall.
    """
    left, right = pair.left, pair.right
    way = left.direction[:, None]
    if (way == 0).any() or (direction_of(pair.steps) != 1).any():
        raise NoPairError("what is computed between it and its quantizer may fall")
    low, high = (end[:, None] for end in left.base.reach)
    low, high = np.where(way > 0, low, -high), np.where(way > 0, high, -low)
    v = np.arange(int(right.base.reach[0].min()), int(right.base.reach[1].max()) + 1)
    added = right(v[None])

    def level(u: Ints, of: npt.NDArray[np.float32]) -> Ints:
        return whole_levels(run(pair.steps, (left(way * u) + of).astype(np.float32)), scale)

    ends = [level(end + np.zeros_like(added, dtype=np.int64), added) for end in (low, high)]
    lowest, highest = int(ends[0].min()), int(ends[1].max())
    wanted = np.arange(lowest + 1, highest + 1)
    shape = (max(len(added), len(low)), len(v) * len(wanted))
    each, per = np.repeat(added, len(wanted), axis=1), np.tile(wanted, len(v))[None]
    begin, end = (np.broadcast_to(edge, shape) for edge in (low, high))
    least = first_where(lambda u: level(u, each) >= per, begin, end)
    return Table(least.reshape(shape[0], len(v), len(wanted)), v, low, high, way, lowest)


def decide(table: Table, ratio: npt.NDArray[np.float64], channel: int, most: int) -> Decision:
    """Return the decision of one channel.

    Args:
        table: of the pair.
        ratio: what one v is worth in u times its way, float64 [channels or 1].
        channel: row of the table.
        most: the largest magnitude that p u + q v may take.

    Raises:
        NoPairError: no multipliers are small enough.
    """
    rows = [array[channel if len(array) > 1 else 0] for array in (table.least, table.low, table.high, table.way)]
    least, low, high, way = rows[0], int(rows[1][0]), int(rows[2][0]), int(rows[3][0])
    best: Decision | None = None
    for p, q in _multipliers(float(ratio[channel if len(ratio) > 1 else 0]), (low, high), table.v, most):
        found = _decision(least, table.v, (low, high), (p, q))
        if best is None or found.wrong < best.wrong:
            best = found
        if not best.wrong:
            break
    if best is None:
        raise NoPairError("its operands' scales are so far apart that no integer multipliers fit the accumulator")
    return replace(best, left=best.left * way)


def _multipliers(ratio: float, reach: tuple[int, int], v: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Yield multipliers p, q with q / p near a ratio, the smallest first, at most TRIED of them."""
    far, side, tried = max(map(abs, reach)), int(np.abs(v).max(initial=1)), 0
    p = 1
    best = np.inf
    while tried < TRIED and p * far + abs(round(p * ratio)) * side <= most:
        q = round(p * ratio)
        error = abs(q / p - ratio)
        if error * side < 1 or error < best:
            best, tried = min(best, error), tried + 1
            yield p, q
        p += 1


def _decision(least: Ints, v: Ints, reach: tuple[int, int], by: tuple[int, int]) -> Decision:
    """Return the thresholds for multipliers, and how many decisions are wrong."""
    (low, high), (p, q) = reach, by
    above = p * least + q * v[:, None]
    upper = np.where(least <= high, above, np.iinfo(np.int64).max).min(axis=0)
    lower = np.where(least > low, above - p, np.iinfo(np.int64).min).max(axis=0)
    middle = np.sort(above, axis=0)[len(v) // 2]
    places = np.where(lower < upper, np.where(upper < np.iinfo(np.int64).max, upper, lower + 1), middle)
    places = np.maximum.accumulate(places)
    decided = np.clip(-((q * v[:, None] - places) // p), low, high + 1)
    wrong = int(np.abs(decided - least).sum())
    return Decision(p, q, places, wrong, len(v) * (high - low + 1))


def slope(chain: Chain) -> npt.NDArray[np.float64]:
    """Return what one integer of a chain is worth, float64 [channels or 1].

    Raises:
        NoPairError: it is no scaled and shifted integer.
    """
    worth = chain.base.unit
    for step in chain.steps:
        if step.affine is None:
            raise NoPairError("one of its operands is curved or clipped, and no quantizer follows it")
        worth = worth * step.affine[0]
    return worth
