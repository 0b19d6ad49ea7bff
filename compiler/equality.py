"""Equality by value for dataclasses that hold arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

import numpy as np


class ByValue:
    """A base for frozen dataclasses declared with ``eq=False``.

    Two are equal if they are of one class and every field that takes part in comparing is the same: arrays by dtype,
    shape and bytes, mappings by key, everything else by ``==``.
    """

    def __eq__(self, other: object) -> bool:
        """Compare field by field."""
        if type(other) is not type(self):
            return NotImplemented
        compared = [f.name for f in fields(self) if f.compare]  # type: ignore[arg-type]
        return all(same(getattr(self, name), getattr(other, name)) for name in compared)

    __hash__ = None  # type: ignore[assignment]


def same(a: object, b: object) -> bool:
    """Return whether two values are equal; arrays, alone or in a mapping, by dtype, shape and bytes."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        return (a.dtype, a.shape) == (b.dtype, b.shape) and a.tobytes() == b.tobytes()
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return bool(a == b)
