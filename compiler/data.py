"""Calibration and test data: read from .npz, checked against what the model takes, every problem at once."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail
from snncc.compiler.ir.graph import Array
from snncc.compiler.ir.types import TensorType

Data = Mapping[str, Array]


def read_npz(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Return the arrays of a .npz file.

    Raises:
        SnnccError: SNN401, the file is missing, is no .npz, is truncated, or holds objects.
    """
    loc = Loc(Path(path).name, "")
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("it holds one bare array")
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"cannot read data from '{path}': {reason}"
        raise fail("SNN401", message, loc, "give a .npz file with an array 'x' (numpy.savez)") from error


def split_labels(arrays: Data, inputs: Mapping[str, TensorType]) -> tuple[dict[str, Array], Array | None]:
    """Return (inputs by name, labels or None) of a data file.

    A model with one input takes the array ``x``, or one of the input's own name; a model with several takes one array
    of each input's name. Labels are ``y``.

    Raises:
        SnnccError: SNN402 for every input without an array.
    """
    names = list(inputs)
    if len(names) == 1 and "x" in arrays:
        return {names[0]: arrays["x"]}, arrays.get("y")
    missing = [name for name in names if name not in arrays]
    if missing:
        wanted = "x" if len(names) == 1 else missing[0]
        held = ", ".join(sorted(arrays)) or "nothing"
        raise SnnccError(
            Diagnostic("SNN402", f"the data holds no array for input '{name}'", hint=f"name it '{wanted}'; it holds {held}")
            for name in missing
        )
    return {name: arrays[name] for name in names}, arrays.get("y")


def as_inputs(x: Array | Data, inputs: Mapping[str, TensorType]) -> dict[str, Array]:
    """Return inputs by name from what a caller gave: one array, or a mapping."""
    if isinstance(x, Mapping):
        return split_labels(x, inputs)[0]
    return split_labels({"x": np.asarray(x)}, inputs)[0]


def check_data(
    data: Data, inputs: Mapping[str, TensorType], labels: Array | None = None, classes: int | None = None
) -> dict[str, Array]:
    """Return the inputs as float32, checked.

    Args:
        data: [samples, *shape] by input name.
        inputs: type of each input, without batch.
        labels: class indices or target values, None where unknown.
        classes: number of classes, to check indices against; None to leave values unchecked.

    Raises:
        SnnccError: SNN403 shape or dtype, SNN404 values that are not finite, SNN405 no samples, SNN406 labels.
    """
    problems = [problem for name, kind in inputs.items() for problem in _check_array(name, data[name], kind)]
    counts = {len(data[name]) for name in inputs if data[name].ndim}
    if len(counts) > 1:
        problems.append(Diagnostic("SNN403", f"inputs differ in their number of samples: {sorted(counts)}"))
    if labels is not None and counts:
        problems += _check_labels(labels, max(counts), classes)
    if problems:
        raise SnnccError(problems)
    return {name: np.ascontiguousarray(data[name], dtype=np.float32) for name in inputs}


def _check_array(name: str, array: Array, kind: TensorType) -> Iterator[Diagnostic]:
    wanted = f"[samples, {', '.join(map(str, kind.shape))}]"
    if not (np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)):
        yield Diagnostic("SNN403", f"input '{name}' is {array.dtype}, the model takes float32", hint="convert it to float32")
    elif tuple(array.shape[1:]) != kind.shape or not array.ndim:
        yield Diagnostic("SNN403", f"input '{name}' has shape {list(array.shape)}, the model takes {wanted}")
    elif not len(array):
        yield Diagnostic("SNN405", f"input '{name}' holds no samples", hint="give some hundred representative inputs")
    elif not np.isfinite(array).all():
        bad = int((~np.isfinite(array).reshape(len(array), -1).all(axis=1)).sum())
        yield Diagnostic("SNN404", f"input '{name}' holds NaN or infinity in {bad} of {len(array)} samples")


def _check_labels(labels: Array, samples: int, classes: int | None) -> Iterator[Diagnostic]:
    if not labels.ndim or len(labels) != samples:
        yield Diagnostic("SNN406", f"there are {labels.size if not labels.ndim else len(labels)} labels for {samples} samples")
    elif not np.issubdtype(labels.dtype, np.number) or not np.isfinite(labels).all():
        yield Diagnostic("SNN406", f"labels are {labels.dtype} or not finite", hint="give class indices or target values")
    elif classes is not None and labels.ndim == 1 and np.issubdtype(labels.dtype, np.integer):
        if labels.min() < 0 or labels.max() >= classes:
            span = f"{labels.min()}..{labels.max()}"
            yield Diagnostic("SNN406", f"labels {span} do not name one of the {classes} classes 0..{classes - 1}")
