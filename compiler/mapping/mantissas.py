"""Write weights as a chip stores them: a mantissa of a few bits, and one exponent a connection and output channel.

    w = m 2^e    |m| <= 2^(bits - 1) - 1

An output channel whose weights have no such common exponent is split into a high and a low mantissa, which stand in
two connections into the same port and add up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


def exponents(weight: Ints) -> Ints:
    """Return the largest e per output channel with every weight of it a multiple of 2^e, int64 [channels]."""
    joined = np.bitwise_or.reduce(np.abs(weight).reshape(len(weight), -1), axis=1)
    lowest = joined & -joined
    return np.where(joined == 0, 0, np.log2(np.maximum(lowest, 1)).astype(np.int64))


def mantissas(weight: Ints, bits: int) -> list[Ints]:
    """Return weights that add up to the given one, each with a common exponent a channel; the lowest first.

    Args:
        weight: int64 [channels, ...].
        bits: width of a mantissa, sign included, at least 2.
    """
    parts: list[Ints] = []
    rest: Ints = np.asarray(weight)
    while True:
        shift = exponents(rest)
        wide = (np.abs(rest).reshape(len(rest), -1).max(axis=1, initial=0) >> shift) >= 1 << (bits - 1)
        if not wide.any():
            return [*parts, rest]
        low = np.where(_column(wide, rest), _lowest_digit(rest, _column(shift, rest), bits), rest)
        parts.append(low)
        rest = rest - low


def _lowest_digit(weight: Ints, shift: Ints, bits: int) -> Ints:
    """Return the lowest digit of ``bits - 1`` bits above a shift, between minus and plus half its range."""
    base, half = 1 << (bits - 1), 1 << (bits - 2)
    mantissa = weight >> shift
    digit: Ints = (mantissa + half - 1) % base - (half - 1)
    return digit << shift


def _column(values: npt.NDArray[Any], like: Ints) -> npt.NDArray[Any]:
    return values.reshape(-1, *(1,) * (like.ndim - 1))
