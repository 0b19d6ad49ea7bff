"""The ladder of an activation: at which integer charges its level changes.

    q(u) = clip(floor(f(u U_c) / s + 1/2), lo, hi)    u: charge with bias, U_c: its unit, s: real value of a level

f is evaluated once, here, in float64; from then on the thresholds are the definition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

from snncc.compiler.coding import Levels
from snncc.compiler.ir.curve import FALLING, Curve

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
FAR = 1e18  # stands for infinity: every curve has its limit, or is beyond every level, there
RUNGS = 2  # least thresholds of a ladder, so that its neuron program has one form; some may never be reached
DIP = -10.0  # the curves that fall first have their least value between this and 0


@dataclass(frozen=True)
class Steps:
    """Thresholds int64 [channels, m], not falling along m; steps 1 or -1 of that shape; the level below all of them."""

    first: int
    thresholds: Ints
    steps: Ints

    def levels(self, charge: npt.NDArray[np.floating]) -> npt.NDArray[np.int32]:
        """Return the levels, int32, of charges [samples, channels, ...] with bias."""
        heights = self.first + np.cumsum(self.steps, axis=1)
        heights = np.pad(heights, [(0, 0), (1, 0)], constant_values=self.first).astype(np.int32)
        q = np.empty(charge.shape, dtype=np.int32)
        for channel, thresholds in enumerate(self.thresholds):
            q[:, channel] = heights[channel][np.searchsorted(thresholds, charge[:, channel], side="right")]
        return q


def extent(op: Curve, slope: Floats | None = None) -> tuple[float, float]:
    """Return the least and the greatest value of a curve, -inf and inf where there are none."""
    ends = [op(end, slope) for end in (-FAR, FAR)]
    values = [float(edge) for end in ends for edge in (np.min(end), np.max(end))]
    values += [float(np.min(op(turn, slope))) for turn in [turning_point(op)] if turn is not None]
    least, most = min(values), max(values)
    return (least if least > -FAR / 1e6 else -np.inf), (most if most < FAR / 1e6 else np.inf)


def within(levels: Levels, least: float, most: float) -> Levels:
    """Return the levels that an activation with these extremes, in levels, can take."""
    lo = levels.lo if np.isinf(least) else max(levels.lo, min(0, round(least)))
    hi = levels.hi if np.isinf(most) else min(levels.hi, max(1, round(most)))
    return Levels(lo, hi)


def turning_point(op: Curve) -> float | None:
    """Return where a curve that falls first turns, None for one that never falls."""
    if op.kind not in FALLING:
        return None
    scale = op.parameters[0] if op.kind == "silu" else 1.0
    found = minimize_scalar(
        lambda x: float(op(x / scale)), bounds=(DIP, 0.0), method="bounded", options={"xatol": 1e-9}
    )
    return float(found.x) / scale


def ladder(
    op: Curve, unit: Floats, scale: float, levels: Levels, reach: tuple[Ints, Ints], slope: Floats | None = None
) -> Steps:
    """Return the ladder of a curve.

    Args:
        op: the curve.
        unit: U_c, float64 [channels].
        scale: s.
        levels: lo and hi.
        reach: least and greatest charge of each channel, int64 [channels] each; thresholds outside are put at the
            least charge (always reached) or one above the greatest (never).
        slope: for prelu, float64 [channels].
    """

    def level(charge: Ints) -> Ints:
        steps = np.floor(op(charge * unit[:, None], None if slope is None else slope[:, None]) / scale + 0.5)
        return np.clip(steps, levels.lo, levels.hi).astype(np.int64)

    low, high = (edge[:, None] for edge in reach)
    turns = _turns(op, unit, slope, low, high)
    runs = [*_falls(level, low, turns, levels), *_rises(level, turns, high, levels)]
    parts = [(thresholds, np.full_like(thresholds, step)) for thresholds, step in runs]
    thresholds, steps = (np.concatenate(side, axis=1) for side in zip(*parts, strict=True))
    return _settled(level(low), thresholds, steps, low, high)


def _turns(op: Curve, unit: Floats, slope: Floats | None, low: Ints, high: Ints) -> Ints:
    """Return the charge [channels, 1] up to which each channel falls: the least one where it only rises."""
    turn = turning_point(op)
    if turn is not None:
        return np.clip(np.floor(turn / unit[:, None]), low, high).astype(np.int64)
    if slope is None:
        return low
    return np.where(slope[:, None] < 0, np.clip(0, low, high), low)


def _rises(level: Callable[[Ints], Ints], low: Ints, high: Ints, levels: Levels) -> Iterator[tuple[Ints, int]]:
    """Yield the least charge from which a rising run has at least a level, one above the run where it never has."""
    wanted = np.arange(levels.lo + 1, levels.hi + 1)[None]
    wanted = wanted[:, (wanted[0] > level(low).min()) & (wanted[0] <= level(high).max())]
    begin = np.broadcast_to(low, (len(low), wanted.shape[1]))
    found = _first(lambda charge: level(charge) >= wanted, begin, high)
    missed = wanted <= level(low)  # reached where the run begins: no step of this channel
    yield np.where(missed, high + 1, found), 1


def _falls(level: Callable[[Ints], Ints], low: Ints, high: Ints, levels: Levels) -> Iterator[tuple[Ints, int]]:
    """Yield the least charge from which a falling run has at most a level less one."""
    wanted = np.arange(levels.lo, levels.hi)[None]
    wanted = wanted[:, (wanted[0] < level(low).max()) & (wanted[0] >= level(high).min())]
    begin = np.broadcast_to(low, (len(low), wanted.shape[1]))
    found = _first(lambda charge: level(charge) <= wanted, begin, high)
    never = wanted >= level(low)
    yield np.where(never | (found > high), np.iinfo(np.int64).max, found), -1


def _first(holds: Callable[[Ints], npt.NDArray[np.bool_]], low: Ints, high: Ints) -> Ints:
    """Return the least integer in low..high from which on something holds, high + 1 where it never does."""
    below, above = low - 1, np.broadcast_to(high + 1, low.shape).copy()
    while (gap := above - below).max(initial=1) > 1:
        middle = below + gap // 2
        met = holds(middle) & (gap > 1)
        above = np.where(met, middle, above)
        below = np.where(met | (gap <= 1), below, middle)
    return above


def _settled(start: Ints, thresholds: Ints, steps: Ints, low: Ints, high: Ints) -> Steps:
    """Return the ladder with one level below all thresholds, and none that no channel reaches."""
    first = int(start.min())
    most = int((start - first).max())
    climb = np.where(np.arange(most)[None] < start - first, np.iinfo(np.int64).min, np.iinfo(np.int64).max)
    thresholds = np.concatenate([climb, thresholds], axis=1)
    steps = np.concatenate([np.ones_like(climb), steps], axis=1)
    thresholds = np.clip(thresholds, low, high + 1)
    order = np.argsort(thresholds, axis=1, kind="stable")
    thresholds, steps = (np.take_along_axis(array, order, axis=1) for array in (thresholds, steps))
    used = (thresholds <= high).any(axis=0)
    thresholds, steps = thresholds[:, used], steps[:, used]
    missing = max(0, RUNGS - thresholds.shape[1])
    never = np.broadcast_to(high + 1, (len(high), missing))
    return Steps(
        first, np.concatenate([thresholds, never], axis=1), np.pad(steps, [(0, 0), (0, missing)], constant_values=1)
    )
