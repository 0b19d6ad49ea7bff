"""Integers as C: the narrowest type, literals, and the constant arrays of the emitted network."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.backends.golden import checksum
from snncc.compiler.bounds import Bounds

Ints = npt.NDArray[np.int64]
BYTES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "uint16_t": 2, "int32_t": 4, "uint32_t": 4, "int64_t": 8}
SIGNED = ("int8_t", "int16_t", "int32_t", "int64_t")
UNSIGNED = ("uint8_t", "uint16_t", "uint32_t", "int64_t")
LINE = 110  # characters of a line of numbers


def limits(word: str) -> Bounds:
    """Return the least and the greatest value of a C type."""
    bits = 8 * BYTES[word]
    return (0, (1 << bits) - 1) if word.startswith("u") else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def within(inner: Bounds, outer: Bounds) -> bool:
    """Return whether an interval lies in another."""
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def narrowest(bounds: Bounds, types: Iterable[str] = SIGNED) -> str:
    """Return the first C type that holds an interval, int64_t if none does."""
    return next((word for word in types if within(bounds, limits(word))), "int64_t")


def bounds_of(values: Ints) -> Bounds:
    """Return the least and the greatest of some integers, (0, 0) if there are none."""
    return (int(values.min()), int(values.max())) if values.size else (0, 0)


def literal(value: int) -> str:
    """Return an integer as C writes it; in C99 -2^63 is no literal, and what has a sign goes into parentheses."""
    if value == -(1 << 63):
        return "(-INT64_C(9223372036854775807) - 1)"
    if not -(1 << 31) < value < 1 << 31:
        return f"INT64_C({value})" if value >= 0 else f"(-INT64_C({-value}))"
    return str(value) if value >= 0 else f"({value})"


@dataclass(frozen=True, eq=False)
class ConstArray:
    """A constant array of the emitted network.

    Attributes:
        owner: object it belongs to, ``p<k>``, ``c<k>`` or ``o<k>``.
        part: what it is of that object, such as ``weight`` or ``param0``.
        values: int64 [n], in the order of the C array, n at least 1.
        name: of the owner in the user's program, escaped.
        layer: where the owner comes from in the user's model, escaped.
        weights: whether these are synaptic weights.
    """

    owner: str
    part: str
    values: Ints
    name: str
    layer: str
    weights: bool = False

    @property
    def symbol(self) -> str:
        """Return the name of the C array."""
        return f"{self.owner}_{self.part}"

    @property
    def type(self) -> str:
        """Return the type of an element."""
        return narrowest(bounds_of(self.values))

    @property
    def bytes(self) -> int:
        """Return the size of the array."""
        return BYTES[self.type] * self.values.size

    def define(self) -> str:
        """Return the definition in C."""
        lines = "\n".join(_lines(self.values))
        return f"static const {self.type} {self.symbol}[{self.values.size}] = {{\n{lines}\n}};"

    def describe(self, number: int) -> str:
        """Return the line of weights.txt."""
        return f"array {number} {self.symbol} {self.values.size} {checksum(self.values)} {self.name} {self.layer}"


def _lines(values: Ints) -> Iterator[str]:
    """Yield the lines of an initializer."""
    line = ""
    for value in values.tolist():
        word = f"{literal(value) if value <= -(1 << 31) or value >> 31 else value},"
        if len(line) + len(word) > LINE:
            yield line
            line = ""
        line += word
    yield line
