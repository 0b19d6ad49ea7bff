"""Average pools as integer neurons: an exact sum where its levels stay few, else a rounded one.

    sum:      theta = 1,    Q' = k Q             nothing is lost
    rounded:  theta = 2^t,  Q' = ceil(k Q / 2^t)    half a level of 2^t / k source levels

k is the number of positions of a window. Without rounding, a pool over many positions would send levels so large that
the next layer's weights had to shrink to keep its accumulators within their width.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from snncc.compiler.coding import Levels
from snncc.compiler.ir.ops import AveragePool, Conv
from snncc.compiler.quantize.ranges import bounds, fits
from snncc.compiler.quantize.weights import IntegerLayer
from snncc.compiler.targets import Target

MOST_LEVELS = 1023  # beyond, sums are rounded; four sources of 8-bit levels still add up exactly


@dataclass(frozen=True)
class AverageLayer:
    """An average pool in integers.

    Attributes:
        op: a depthwise convolution; its weights are ones.
        integer: weights, bias and thresholds.
        levels: what the pool sends.
        scale: real value of one of them.
    """

    op: Conv
    integer: IntegerLayer
    levels: Levels
    scale: float


def average_layer(pool: AveragePool, channels: int, source: Levels, scale: float, target: Target) -> AverageLayer:
    """Return the integer neurons of an average pool.

    Args:
        pool: the pool; positions in its padding count as zeros.
        channels: channels of its input.
        source: levels of its input.
        scale: real value of one of them.
        target: gives the width of states; ``halvings`` of the result are -1 where the sum does not fit.
    """
    area = prod(pool.kernel)
    theta = 1
    while ceil(area * source.magnitude / theta) > max(MOST_LEVELS, source.magnitude):
        theta *= 2
    levels = Levels(-ceil(area * -source.lo / theta), ceil(area * source.hi / theta))
    ones = np.broadcast_to(np.int64(1), (channels, 1, *pool.kernel))  # all one entry: a kernel may be a whole plane
    zero, thetas = np.zeros(channels, dtype=np.int64), np.full(channels, theta, dtype=np.int64)
    one = bounds([(np.full((1, 1), area, dtype=np.int64), source)])  # what a window adds up, alike in all channels
    fit = fits(one, zero[:1], thetas[:1], levels, target).repeat(channels)
    unit, steps = np.full(channels, scale / area), np.ones((1, channels), dtype=np.int64)
    integer = IntegerLayer((ones,), zero, thetas, unit, np.where(fit, 0, -1), steps, (1,))
    conv = Conv(pool.strides, pool.pads, (1,) * len(pool.kernel), channels)
    return AverageLayer(conv, integer, levels, scale * theta / area)
