"""Ladders whose rungs are equally far apart: they are neurons with one threshold, which every chip has."""

from __future__ import annotations

import numpy as np

from snncc.compiler.coding import Levels
from snncc.compiler.quantize.ladders import Steps
from snncc.compiler.quantize.verbatim_values import Ints


def as_fire(steps: Steps, levels: Levels, low: Ints, high: Ints) -> tuple[Ints, Ints] | None:
    """Return bias and theta, int64 [channels] each, of the neurons that do what a ladder does; None if there are none.

    A neuron has level q or more from u = theta q - theta // 2 - b on. Only charges that can occur count.

    Args:
        steps: the ladder.
        levels: the levels of the population.
        low: the least charge, [channels].
        high: the greatest charge, [channels].
    """
    found = [_of_channel(steps, c, levels, int(low[c]), int(high[c])) for c in range(len(steps.thresholds))]
    if any(one is None for one in found):
        return None
    bias, theta = np.array(found, dtype=np.int64).T
    return bias, theta


def _of_channel(steps: Steps, channel: int, levels: Levels, low: int, high: int) -> tuple[int, int] | None:
    reached = steps.thresholds[channel] <= high
    thresholds, ways = steps.thresholds[channel][reached], steps.steps[channel][reached]
    if (ways != 1).any():
        return None
    begin = steps.first + int((thresholds <= low).sum())
    thresholds = thresholds[thresholds > low]
    theta = _spacing(thresholds, low, high)
    if theta is None:
        return None
    level = begin + 1  # the first that is reached after the least charge
    place = int(thresholds[0]) if len(thresholds) else high + 1
    bias = theta * level - theta // 2 - place
    every = np.arange(levels.lo + 1, levels.hi + 1)
    would = theta * every - theta // 2 - bias
    expected = np.full(len(every), high + 1)
    expected[every <= begin] = low
    known = {level + i: int(t) for i, t in enumerate(thresholds)}
    expected = np.array([known.get(int(q), int(e)) for q, e in zip(every, expected, strict=True)])
    return (bias, theta) if np.array_equal(np.clip(would, low, high + 1), expected) else None


def _spacing(thresholds: Ints, low: int, high: int) -> int | None:
    """Return the one distance between thresholds, None if there are several; the whole range where there is none."""
    gaps = np.diff(thresholds)
    if len(gaps) and ((gaps != gaps[0]).any() or gaps[0] < 1):
        return None
    return int(gaps[0]) if len(gaps) else max(1, high - low + 1)
