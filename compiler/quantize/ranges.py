"""The range proof: interval arithmetic over every input the integer network can see, never over calibration data.

    Hi = b + theta // 2 + sum over edges and sources of max(w lo, w Q),    Lo likewise with min

Every partial sum a coding forms on its way (bits or spikes of q so far) weighs each source by something between 0 and
q, and lo <= 0 <= Q, so it lies between the sums without bias, which are bounded here too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.targets import Target

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bounds:
    """What a channel's accumulator can reach, int64 [channels] each.

    Attributes:
        low: least sum of the edges, without bias.
        high: greatest sum of the edges, without bias.
        slope: sum of |w|, what one spike from every source deposits.
    """

    low: Ints
    high: Ints
    slope: Ints


def bounds(edges: Iterable[tuple[Ints, Levels]]) -> Bounds:
    """Return the bounds of the sum of edges, each with weights [channels, ...] and the levels of its source."""
    low: Ints = np.zeros((), dtype=np.int64)
    high, slope = low, low
    for weight, levels in edges:
        flat = weight.reshape(len(weight), -1).astype(np.int64)
        up, down = np.maximum(flat, 0).sum(axis=1), np.minimum(flat, 0).sum(axis=1)
        high = high + up * levels.hi + down * levels.lo
        low = low + up * levels.lo + down * levels.hi
        slope = slope + np.abs(flat).sum(axis=1)
    return Bounds(low, high, slope)


def fits(reach: Bounds, bias: Ints, theta: Ints, levels: Levels, target: Target) -> npt.NDArray[np.bool_]:
    """Return per channel whether every state of every coding fits the target.

    Args:
        reach: bounds of the edges.
        bias: [channels] or [channels, ...], a bias per position.
        theta: [channels].
        levels: levels the channel sends.
        target: gives the widths.
    """
    state = np.int64(1) << (target.state_bits - 1)
    step = np.int64(1) << (target.accumulator_bits - 1)
    flat = bias.reshape(len(theta), -1)
    top = reach.high + flat.max(axis=1) + theta // 2
    bottom = reach.low + flat.min(axis=1)
    ladder = theta * (levels.hi - levels.lo + 1)
    folded = theta - bottom if levels.signed else -bottom  # the magnitude of a negative charge, theta - 1 - v
    widest = np.maximum(np.maximum(top, folded), np.maximum(ladder, reach.slope))
    arriving = np.maximum(np.maximum(reach.high, -reach.low), reach.slope)
    fit: npt.NDArray[np.bool_] = (widest < state) & (arriving < np.minimum(step, state))
    return fit


def payload_digits(target: Target, signed: bool) -> int:
    """Return the bits that a payload has for a magnitude: one goes to the sign where the chip, or a level, has one."""
    return target.payload_bits - (target.signed or signed)


def payload_fits(levels: Levels, target: Target) -> bool:
    """Return whether a level fits a spike's payload."""
    return levels.magnitude < 1 << payload_digits(target, levels.signed)


def copies_fit(levels: Levels, target: Target) -> bool:
    """Return whether a population whose charge is the level itself (an input, a relay) fits the target."""
    reach = bounds([(np.ones((1, 1), dtype=np.int64), levels)])
    zero = np.zeros(1, dtype=np.int64)
    return bool(fits(reach, zero, zero + 1, levels, target).all())


def widest_level(target: Target, signed: bool) -> int:
    """Return the greatest level, at least 1, that fits a state of the target, and its payloads if it has any.

    Args:
        target: gives the widths.
        signed: whether its negative is to fit, too.
    """
    payload = payload_digits(target, signed) if target.graded else target.state_bits
    return (1 << max(1, min(payload, target.state_bits - 2, target.accumulator_bits - 1))) - 1
