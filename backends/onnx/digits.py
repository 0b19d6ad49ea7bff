"""Integers as 8-bit digits: ONNX's integer operators multiply 8 bits by 8 bits and add in 32.

A level q of a source with levels lo..hi is written as q - base in digits 0..255, base = min(lo, 0), least significant
first; digit i has the zero point that stands for q = 0. A weight is written in digits -128..127, stored with 128 added.

    q = sum_i 256^i (d_i - z_i),    w = sum_j 256^j w_j,    w q = sum_ij 256^(i + j) w_j (d_i - z_i)

Both operands are unsigned on purpose: with signed ones onnxruntime saturates sums of two products at 16 bits on
processors that lack VNNI, and has no such convolution in older releases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.types import TensorType

Ints = npt.NDArray[np.int64]
RADIX = 256
WEIGHT_ZERO = 128  # what is stored for a weight digit of 0


@dataclass(frozen=True)
class Span:
    """How the levels of a value are written.

    Attributes:
        base: least level or 0, whichever is less; written as 0.
        top: greatest level or 0, whichever is greater.
        zeros: zero point of each digit, least significant first.
    """

    base: int
    top: int
    zeros: tuple[int, ...]

    @property
    def size(self) -> int:
        """Return the greatest number that is written, top - base."""
        return self.top - self.base

    def magnitude(self, digit: int) -> int:
        """Return the greatest |d_i - z_i| of a digit."""
        greatest = min(self.size >> (8 * digit), RADIX - 1)
        return max(self.zeros[digit], greatest - self.zeros[digit])


def span_of(levels: TensorType) -> Span:
    """Return how the levels of a type are written, in as few digits as hold them all."""
    base, top = min(levels.lo, 0), max(levels.hi, 0)
    count = max(1, -(-(top - base).bit_length() // 8))
    return Span(base, top, tuple((-base >> (8 * i)) % RADIX for i in range(count)))


def weight_digits(weight: Ints) -> dict[int, Ints]:
    """Return the digits -128..127 of integers by number, least significant first; those that are all 0 are left out.

    So weights m 2^e with mantissas of 8 bits take two digits where e is no multiple of 8, however large it is.
    """
    digits: dict[int, Ints] = {}
    rest, number = weight, 0
    while rest.any():
        digit = (rest + WEIGHT_ZERO) % RADIX - WEIGHT_ZERO
        if digit.any():
            digits[number] = digit
        rest, number = (rest - digit) // RADIX, number + 1
    return digits or {0: weight}
