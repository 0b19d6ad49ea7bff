"""Values of a neuron program for many charges at once: ``slope * x`` plus something between ``low`` and ``high``.

x is any integer of an interval; there is one interval for each row of parameters and each class of charges, so the
parts of a span are integers or arrays that broadcast to [rows, classes]. What an operation gives holds for every x of
the interval and every choice between the bounds: a comparison that comes out alike for all of them gives 1 or 0, one
that does not gives 0..1; what is no longer affine keeps its bounds alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Number = Any  # int, or an array of integers
Pair = tuple[Number, Number]


@dataclass(frozen=True, slots=True)
class Span:
    """slope * x + low..high; ``low is high`` says that the offset is known."""

    slope: Number
    low: Number
    high: Number

    @property
    def fixed(self) -> bool:
        """Return whether it is the same number for every x."""
        return self.low is self.high and isinstance(self.slope, int) and self.slope == 0


X = Span(1, *(0,) * 2)


def constant(value: Number) -> Span:
    """Return what does not depend on x."""
    return Span(0, value, value)


def between(low: Number, high: Number) -> Span:
    """Return what is only known to lie within bounds."""
    return Span(0, low, low if _alike(low, high) else high)


class Arithmetic:
    """The operations of neuron programs on spans, for given intervals of x."""

    def __init__(self, first: Number, last: Number) -> None:
        """Take the least and the greatest x, integers or arrays [rows, classes]."""
        self.first, self.last = first, last
        self._operations: dict[str, Callable[..., Span]] = {
            "copy": lambda a: a,
            "add": _add,
            "sub": _sub,
            "mul": self._mul,
            "shl": self._shl,
            "shr": self._shr,
            "min": self._min,
            "max": lambda a, b: _negated(self._min(_negated(a), _negated(b))),
            "clip": lambda x, low, high: self._min(_negated(self._min(_negated(x), _negated(low))), high),
            "ge": lambda a, b: self._compared(a, b, lambda low, high: (low >= 0, high >= 0)),
            "gt": lambda a, b: self._compared(a, b, lambda low, high: (low > 0, high > 0)),
            "lt": lambda a, b: self._compared(a, b, lambda low, high: (high < 0, low < 0)),
            "eq": lambda a, b: self._compared(
                a, b, lambda low, high: ((low == 0) & (high == 0), (low <= 0) & (high >= 0))
            ),
            "select": self._select,
        }

    def __call__(self, op: str, args: list[Span]) -> Span:
        """Return the result of an operation."""
        if all(type(a.low) is int and a.fixed for a in args):
            return constant(INTEGER[op](*(a.low for a in args)))
        found = self._operations[op](*args)
        if found.low is not found.high and _alike(found.low, found.high):
            return Span(found.slope, found.low, found.low)
        return found

    def hull(self, a: Span) -> Pair:
        """Return the least and the greatest value."""
        if isinstance(a.slope, int) and a.slope == 0:
            return a.low, a.high
        ends = a.slope * self.first, a.slope * self.last
        return np.minimum(*ends) + a.low, np.maximum(*ends) + a.high

    def _mul(self, a: Span, b: Span) -> Span:
        if a.fixed:
            a, b = b, a
        if b.fixed:
            return _scaled(a, b.low)
        corners = [x * y for x in self.hull(a) for y in self.hull(b)]
        return Span(0, _least(*corners), -_least(*(-c for c in corners)))

    def _shl(self, a: Span, b: Span) -> Span:
        if b.fixed:
            return _scaled(a, 1 << b.low)
        corners = [x << y for x in self.hull(a) for y in self.hull(b)]
        return Span(0, _least(*corners), -_least(*(-c for c in corners)))

    def _shr(self, a: Span, b: Span) -> Span:
        corners = [x >> y for x in self.hull(a) for y in self.hull(b)]
        return Span(0, _least(*corners), -_least(*(-c for c in corners)))

    def _min(self, a: Span, b: Span) -> Span:
        low, high = self.hull(_sub(a, b))
        (a_low, a_high), (b_low, b_high) = self.hull(a), self.hull(b)
        either = Span(0, np.minimum(a_low, b_low), np.minimum(a_high, b_high))
        return self._picked(high <= 0, low >= 0, a, b, either)

    def _select(self, condition: Span, then: Span, other: Span) -> Span:
        low, high = self.hull(condition)
        if condition.fixed and type(low) is int:
            return then if low else other
        sure, never = (low > 0) | (high < 0), (low == 0) & (high == 0)
        return self._picked(sure, never, then, other, self._either(then, other))

    def _either(self, a: Span, b: Span) -> Span:
        if a.slope is b.slope or _alike(a.slope, b.slope):
            return Span(a.slope, np.minimum(a.low, b.low), np.maximum(a.high, b.high))
        (a_low, a_high), (b_low, b_high) = self.hull(a), self.hull(b)
        return Span(0, np.minimum(a_low, b_low), np.maximum(a_high, b_high))

    def _picked(self, first: Number, second: Number, a: Span, b: Span, either: Span) -> Span:
        """Return a where ``first`` holds, else b where ``second`` holds, else what is known of both."""
        if not np.all(first | second):
            b = _where(second, b, either)
        return _where(first, a, b)

    def _compared(self, a: Span, b: Span, decide: Callable[[Number, Number], Pair]) -> Span:
        """Return 1 where ``decide`` finds the comparison true for all, 0 where for none, else 0..1."""
        always, ever = decide(*self.hull(_sub(a, b)))
        return Span(0, always * 1, ever * 1)


INTEGER: dict[str, Callable[..., int]] = {
    "copy": lambda a: a,
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "shl": lambda a, b: a << b,
    "shr": lambda a, b: a >> b,
    "min": lambda a, b: min(a, b),
    "max": lambda a, b: max(a, b),
    "clip": lambda x, low, high: min(max(x, low), high),
    "ge": lambda a, b: int(a >= b),
    "gt": lambda a, b: int(a > b),
    "eq": lambda a, b: int(a == b),
    "lt": lambda a, b: int(a < b),
    "select": lambda condition, then, other: then if condition else other,
}


def _add(a: Span, b: Span) -> Span:
    low = a.low + b.low
    known = a.low is a.high and b.low is b.high
    return Span(a.slope + b.slope, low, low if known else a.high + b.high)


def _sub(a: Span, b: Span) -> Span:
    return _add(a, _negated(b))


def _negated(a: Span) -> Span:
    low = -a.high
    return Span(-a.slope, low, low if a.low is a.high else -a.low)


def _scaled(a: Span, factor: Number) -> Span:
    low = a.low * factor
    if a.low is a.high:
        return Span(a.slope * factor, low, low)
    high = a.high * factor
    return Span(a.slope * factor, np.minimum(low, high), np.maximum(low, high))


def _least(*values: Number) -> Number:
    least = values[0]
    for value in values[1:]:
        least = np.minimum(least, value)
    return least


def _where(first: Number, a: Span, b: Span) -> Span:
    slope = a.slope if _same_integer(a.slope, b.slope) else np.where(first, a.slope, b.slope)
    low = np.where(first, a.low, b.low)
    return Span(slope, low, low if a.low is a.high and b.low is b.high else np.where(first, a.high, b.high))


def _same_integer(a: Number, b: Number) -> bool:
    return isinstance(a, int) and isinstance(b, int) and a == b


def _alike(a: Number, b: Number) -> bool:
    return bool(np.array_equal(a, b))
