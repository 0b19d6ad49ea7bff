"""At which integers the levels of a chain change: found by evaluating it as the runtime does, not by a formula."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snncc.compiler.quantize.ladders import RUNGS, Steps
from snncc.compiler.quantize.verbatim_values import Chain, Ints

MOST_TRIED = 1 << 27  # charges at which a function that may rise and fall is evaluated one by one
BLOCK = 1 << 20
OFF_GRID = 1e-3  # how far, in levels, a value may lie from the level it is taken for: float32 rounding is far below
Level = Callable[[Ints], Ints]


class OffGridError(ValueError):
    """A value is no whole number of levels."""


class TooManyError(ValueError):
    """A function that may rise and fall has too many charges to try them all."""


def level_of(chain: Chain, scale: float) -> Level:
    """Return the function from charges, int64 [channels or 1, n], to levels of a scale.

    Raises:
        OffGridError: from that function, where a value is no whole number of levels.
    """

    def level(number: Ints) -> Ints:
        return whole_levels(chain(number), scale)

    return level


def whole_levels(values: np.ndarray, scale: float) -> Ints:
    """Return values in levels of a scale, int64.

    Raises:
        OffGridError: one of them is no whole number of levels.
    """
    steps = values.astype(np.float64) / scale
    found = np.rint(steps)
    if not (np.abs(steps - found) <= OFF_GRID * np.maximum(1, np.abs(found) / 100)).all():
        raise OffGridError
    return found.astype(np.int64)


def chain_ladder(chain: Chain, level: Level, channels: int) -> Steps:
    """Return the ladder of a chain over all charges that it can meet.

    Args:
        chain: the function.
        level: what gives its levels.
        channels: of the population.

    Raises:
        OffGridError: it ends on other values.
        TooManyError: it may rise and fall, over more charges than can be tried.
    """
    low, high = (np.broadcast_to(end, (channels,))[:, None] for end in chain.base.reach)
    way = np.broadcast_to(chain.direction, (channels,))
    if (way == 0).any():
        return _tried(level, low, high)
    return monotone(level, low, high, way[:, None])


def monotone(level: Level, low: Ints, high: Ints, way: Ints) -> Steps:
    """Return the ladder of a function that only rises (way 1) or only falls (-1) in each channel, [channels, 1] all."""
    first, last = (np.broadcast_to(level(end), low.shape) for end in (low, high))
    least, most = np.minimum(first, last), np.maximum(first, last)
    wanted = np.arange(least.min() + 1, most.max() + 1)[None]
    shape = (len(low), wanted.shape[1])
    begin, end = (np.broadcast_to(edge, shape) for edge in (low, high))
    found = first_where(lambda number: (level(number) >= wanted) == (way > 0), begin, end)
    inside = (wanted > least) & (wanted <= most)
    found = np.where(inside, found, high + 1)
    return settled(first[:, 0], found, np.broadcast_to(way, shape), low, high)


def first_where(holds: Callable[[Ints], np.ndarray], low: Ints, high: Ints) -> Ints:
    """Return the least integer in low..high from which on something holds, high + 1 where it never does."""
    below, above = low - 1, high + 1
    while (gap := above - below).max(initial=1) > 1:
        middle = np.clip(below + gap // 2, low, high)
        met = holds(middle)
        open_ = gap > 1
        above = np.where(met & open_, middle, above)
        below = np.where(~met & open_, middle, below)
    return above


def _tried(level: Level, low: Ints, high: Ints) -> Steps:
    """Return the ladder of any function, evaluated at every charge."""
    count = int((high - low).max()) + 1
    if count * len(low) > MOST_TRIED:
        raise TooManyError
    rows = [(list[int](), list[int]()) for _ in range(len(low))]
    before = first = np.broadcast_to(level(low), low.shape)
    for begin in range(1, count, BLOCK):
        number = low + np.arange(begin, min(begin + BLOCK, count))[None]
        here = np.broadcast_to(level(np.minimum(number, high)), number.shape)
        change = np.diff(np.concatenate([before, here], axis=1), axis=1)
        for channel, place in zip(*np.nonzero(change), strict=True):
            size = int(change[channel, place])
            rows[channel][0].extend([int(number[channel, place])] * abs(size))
            rows[channel][1].extend([1 if size > 0 else -1] * abs(size))
        before = here[:, -1:]
    most = max(len(places) for places, _ in rows)
    places = np.array(
        [row + [int(top)] * (most - len(row)) for (row, _), top in zip(rows, high[:, 0] + 1, strict=True)]
    )
    steps = np.array([row + [1] * (most - len(row)) for _, row in rows])
    shape = (len(low), most)
    return settled(first[:, 0], places.reshape(shape).astype(np.int64), steps.reshape(shape), low, high)


def settled(start: Ints, thresholds: Ints, steps: Ints, low: Ints, high: Ints) -> Steps:
    """Return a ladder with one level below all thresholds, sorted, without what no channel reaches.

    Args:
        start: level of the least charge, [channels].
        thresholds: [channels, m]; above ``high`` where they are never reached.
        steps: 1 or -1 each.
        low: the least charge, [channels, 1].
        high: the greatest charge, [channels, 1].
    """
    first = int(start.min())
    climb = np.arange(int((start - first).max()))[None] < (start - first)[:, None]
    thresholds = np.concatenate([np.where(climb, low, high + 1), thresholds], axis=1)
    steps = np.concatenate([np.ones_like(climb, dtype=np.int64), steps], axis=1)
    order = np.argsort(thresholds, axis=1, kind="stable")
    thresholds, steps = (np.take_along_axis(array, order, axis=1) for array in (thresholds, steps))
    used = (thresholds <= high).any(axis=0)
    thresholds = np.minimum(thresholds[:, used], high + 1)
    steps = np.where(thresholds > high, 1, steps[:, used])
    missing = max(0, RUNGS - thresholds.shape[1])
    never = np.broadcast_to(high + 1, (len(high), missing))
    whole = np.concatenate([thresholds, never], axis=1)
    return Steps(first, whole, np.pad(steps, [(0, 0), (0, missing)], constant_values=1))


def extremes(steps: Steps, high: Ints) -> tuple[int, int]:
    """Return the least and the greatest level of a ladder; ``high`` is the greatest charge, [channels, 1]."""
    heights = steps.first + np.cumsum(np.where(steps.thresholds <= high, steps.steps, 0), axis=1)
    return min(steps.first, int(heights.min())), max(steps.first, int(heights.max()))
