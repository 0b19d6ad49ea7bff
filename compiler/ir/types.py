"""Types of the values that flow through a graph."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import prod

FLOAT, CHARGE, LEVEL = "float32", "charge", "level"


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element kind and shape of one sample (the batch dimension is never part of a type).

    Attributes:
        dtype: ``float32``; ``charge``, an unbounded integer accumulator; or ``level``, an integer in lo..hi.
        shape: sizes, channels first.
        lo: least level, 0 unless the dtype is ``level``.
        hi: greatest level (Q), 0 unless the dtype is ``level``.
    """

    dtype: str
    shape: tuple[int, ...]
    lo: int = 0
    hi: int = 0

    def __str__(self) -> str:
        """Return the text form, for example ``level<0,15>[8, 28, 28]``."""
        span = f"<{self.lo},{self.hi}>" if self.dtype == LEVEL else ""
        return f"{self.dtype}{span}[{', '.join(map(str, self.shape))}]"

    @property
    def size(self) -> int:
        """Return the number of elements of one sample."""
        return prod(self.shape)


_TYPE = re.compile(r"(\w+)(?:<(-?\d+),(-?\d+)>)?\[([\d, ]*)\]")


def parse_type(text: str) -> TensorType:
    """Read the text form of a type.

    Raises:
        ValueError: the text is no type.
    """
    match = _TYPE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not a tensor type")
    shape = tuple(int(size) for size in match[4].split(",") if size.strip())
    return TensorType(match[1], shape, int(match[2] or 0), int(match[3] or 0))
