"""Calibration, tuning and test data are to be different samples: what they share, and what they hold, by hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.data import check_data, split_labels
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Array, Graph

Inputs = Mapping[str, Array]


@dataclass(frozen=True)
class Samples:
    """Inputs by name, float32 [samples, *shape], and labels where they are known; all of them checked."""

    inputs: Inputs
    labels: Array | None = None


def samples(graph: Graph, x: npt.ArrayLike | Mapping[str, npt.ArrayLike], y: npt.ArrayLike | None = None) -> Samples:
    """Return inputs and labels, checked against what a graph takes and gives.

    Args:
        graph: an IMPORTED graph.
        x: inputs [samples, *shape], or a mapping by input name, which may hold labels under ``y``.
        y: labels [samples, ...]; those in the mapping if None.

    Raises:
        SnnccError: SNN402 to SNN406.
    """
    kinds = {i.name: i.type for i in graph.inputs}
    arrays = {name: np.asarray(a) for name, a in x.items()} if isinstance(x, Mapping) else {"x": np.asarray(x)}
    inputs, held = split_labels(arrays, kinds)
    labels = held if y is None else np.asarray(y)
    return Samples(check_data(inputs, kinds, labels, graph.types[graph.outputs[0]].shape), labels)


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
