"""Calibration, tuning and test data are to be different samples: what they share, and what they hold, by hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Array


def digest(arrays: Mapping[str, Array | None]) -> str:
    """Return the SHA-256 of arrays: names, types, shapes and values."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        if array is not None:
            found.update(f"{name} {array.dtype.str} {array.shape};".encode())
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def shared(first: Mapping[str, Array], second: Mapping[str, Array]) -> int:
    """Return how many samples of the second stand among the first, bit for bit in all inputs."""
    known = set(_rows(first))
    return sum(row in known for row in _rows(second))


def overlap(names: tuple[str, str], first: Mapping[str, Array], second: Mapping[str, Array]) -> Diagnostic | None:
    """Return SNN521 where two sets of data that should be apart share samples."""
    count = shared(first, second)
    if not count:
        return None
    total = len(next(iter(second.values())))
    message = f"{count} of {total} {names[1]} samples are {names[0]} samples, too: losses come out too small"
    hint = f"keep {names[0]} and {names[1]} data apart"
    return Diagnostic("SNN521", message, Loc("data", names[1]), hint, "warning")


def _rows(inputs: Mapping[str, Array]) -> list[bytes]:
    arrays = [np.ascontiguousarray(array) for _, array in sorted(inputs.items())]
    return [hashlib.sha256(b"".join(a[i].tobytes() for a in arrays)).digest() for i in range(len(arrays[0]))]
