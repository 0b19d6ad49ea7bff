"""Calibration and test data: read from .npz, checked against what the model takes, every problem at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail
from snncc.compiler.ir.graph import Array
from snncc.compiler.ir.types import TensorType

Data = Mapping[str, Array]
DATA = "data"  # stands for the file in a location until ``blame`` names it
NUMBERS = "iuf"  # kinds of numpy dtypes that stand for real numbers


def read_npz(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Return the arrays of a .npz file.

    Raises:
        SnnccError: SNN401, the file is missing, is no .npz, is truncated, or holds objects.
    """
    try:
        return _arrays(path)
    except Exception as error:  # numpy, zipfile, zlib and struct each have their own for a broken file
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if "allow_pickle" in reason:
            reason = "it is no .npz archive, or holds Python objects, which are not read"
        message = f"cannot read data from '{path}': {reason}"
        name = Path(path).name
        raise fail("SNN401", message, Loc(name, name), "give a .npz file with an array 'x' (numpy.savez)") from error


def _arrays(path: str | os.PathLike[str]) -> dict[str, Array]:
    with open(path, "rb") as file:
        start = file.read(2)
        if start != b"PK":
            kinds = {b"": "it is empty", b"\x93N": "it holds one bare array (.npy)"}
            raise ValueError(kinds.get(start, "it is no .npz archive"))
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    strangers = [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]
    if strangers:
        raise ValueError(f"it holds '{strangers[0]}', which is no array")
    return arrays


@contextmanager
def blame(path: str | os.PathLike[str], file: str = DATA) -> Iterator[None]:
    """Name a file in the location of whatever is found wrong in it.

    Args:
        path: the file.
        file: what stands for it in locations; ``?`` to name it where no location is known.
    """
    try:
        yield
    except SnnccError as error:
        named = [replace(d, loc=_named(d.loc, Path(path).name)) if d.loc.file == file else d for d in error.diagnostics]
        raise SnnccError(named, error.exit_code) from error


def _named(loc: Loc, file: str) -> Loc:
    return replace(loc, file=file, name="" if loc.name == "?" else loc.name)


def split_labels(arrays: Data, inputs: Mapping[str, TensorType]) -> tuple[dict[str, Array], Array | None]:
    """Return (inputs by name, labels or None) of a data file.

    A model with one input takes the array ``x``, or one of the input's own name; a model with several takes one array
    of each input's name, as the compiler or the model's file has it. Labels are ``y``, unless an input has that name.

    Raises:
        SnnccError: SNN402 for every input without an array.
    """
    names = list(inputs)
    if len(names) == 1 and "x" in arrays:
        return {names[0]: arrays["x"]}, arrays.get("y")
    if not set(names) <= set(arrays):
        arrays = _renamed(arrays)
    missing = [name for name in names if name not in arrays]
    if missing:
        held = ", ".join(f"'{name}'" for name in sorted(arrays)) or "nothing"
        raise SnnccError(_missing(name, "x" if len(names) == 1 else name, held) for name in missing)
    return {name: arrays[name] for name in names}, None if "y" in names else arrays.get("y")


def _renamed(arrays: Data) -> Data:
    """Return arrays under the names that the importer gives to inputs: ``input:0`` is ``input_0``."""
    from snncc.compiler.frontend.naming import clean_name  # imports onnx_ir, which is slow and seldom needed here

    return {clean_name(name): array for name, array in arrays.items()} | dict(arrays)


def _missing(name: str, wanted: str, held: str) -> Diagnostic:
    hint = f"name it '{wanted}'; the data holds {held}"
    return Diagnostic("SNN402", f"the data holds no array for input '{name}'", Loc(DATA, wanted), hint)


def as_inputs(x: Array | Data, inputs: Mapping[str, TensorType]) -> dict[str, Array]:
    """Return inputs by name from what a caller gave: one array, or a mapping."""
    if isinstance(x, Mapping):
        return split_labels(x, inputs)[0]
    return split_labels({"x": np.asarray(x)}, inputs)[0]


def check_data(
    data: Data, inputs: Mapping[str, TensorType], labels: Array | None = None, output: tuple[int, ...] | None = None
) -> dict[str, Array]:
    """Return the inputs as float32, checked.

    Args:
        data: [samples, *shape] by input name.
        inputs: type of each input, without batch.
        labels: class indices [samples], or target values of the output's shape; None where unknown.
        output: shape of the model's first output, to check the labels against; None to leave their values unchecked.

    Raises:
        SnnccError: SNN403 shape or dtype, SNN404 values that are not finite, SNN405 no samples, SNN406 labels.
    """
    problems: list[Diagnostic] = []
    found = {name: _float32(name, data[name], kind, problems) for name, kind in inputs.items()}
    counts = {len(data[name]) for name in inputs if data[name].ndim}
    if len(counts) > 1:
        message = f"inputs differ in their number of samples: {sorted(counts)}"
        problems.append(Diagnostic("SNN403", message, Loc(DATA, next(iter(inputs))), "give one row a sample in each"))
    if labels is not None and counts:
        problems += _check_labels(labels, max(counts), output)
    if problems:
        raise SnnccError(problems)
    return found


def _float32(name: str, array: Array, kind: TensorType, problems: list[Diagnostic]) -> Array:
    """Return an input as contiguous float32; add to the problems what is wrong with it."""
    code, message, hint = "SNN403", "", ""
    loc = Loc(DATA, name)
    converted = np.zeros(0, dtype=np.float32)
    if array.dtype.kind not in NUMBERS:
        message, hint = f"input '{name}' is {array.dtype}, the model takes float32", "convert it to float32"
    elif not array.ndim or tuple(array.shape[1:]) != kind.shape:
        message = f"input '{name}' has shape {list(array.shape)}, the model takes {_shape(kind.shape)}"
        hint = _shape_hint(array.shape, kind.shape)
    elif not len(array):
        code, message = "SNN405", f"input '{name}' holds no samples"
        hint = "give representative inputs, some hundred for calibration"
    else:
        with np.errstate(over="ignore"):  # what float32 cannot show becomes infinite and is counted below
            converted = np.ascontiguousarray(array, dtype=np.float32)
        bad = int((~np.isfinite(converted).reshape(len(array), -1).all(axis=1)).sum())
        if bad:
            code, hint = "SNN404", "leave those samples out, or mend what makes them"
            message = f"input '{name}' holds NaN, infinity or values beyond float32 in {bad} of {len(array)} samples"
    if message:
        problems.append(Diagnostic(code, message, loc, hint))
    return converted


def _shape(shape: tuple[int, ...]) -> str:
    return f"[{', '.join(('samples', *map(str, shape)))}]"


def _shape_hint(found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Return what most likely went wrong with a shape."""
    sizes = ", ".join(map(str, wanted))
    if found == wanted:
        return "add an axis for the samples in front: x[None]"
    if sorted(found[1:]) == sorted(wanted):
        return "its axes stand in another order: transpose them; the model's channels come first"
    if found and prod(found[1:]) == prod(wanted):
        return f"it fits as x.reshape(-1, {sizes})" if sizes else "it fits as x.reshape(-1)"
    return "prepare the samples as they were for training"


def class_indices(labels: Array, output: tuple[int, ...]) -> bool:
    """Return whether labels name classes: integers, one a sample, for an output that is one score a class."""
    return labels.ndim == 1 and labels.dtype.kind in "iu" and max(output, default=1) == prod(output) > 1


def _check_labels(labels: Array, samples: int, output: tuple[int, ...] | None) -> Iterator[Diagnostic]:
    values = "give class indices [samples] as integers"
    if output is not None:
        values += f", or target values {_shape(output)}"
    if labels.dtype.kind not in NUMBERS:
        yield _label_problem(f"is {labels.dtype}, not numbers", values)
    elif not labels.ndim or len(labels) != samples:
        held = len(labels) if labels.ndim else "one number"
        yield _label_problem(f"holds {held} for {samples} samples", values)
    elif not (np.abs(labels.astype(np.float64)) <= np.finfo(np.float32).max).all():
        yield _label_problem("holds NaN, infinity or values beyond float32", values)
    elif output is not None and not class_indices(labels, output):
        if _ones_left_out(labels.shape[1:]) != _ones_left_out(output):
            message = f"has shape {list(labels.shape)} and type {labels.dtype}, the model gives {_shape(output)}"
            indices = "; class indices as y.astype('int64').ravel()" if labels.size == samples else ""
            yield _label_problem(message, values + indices)
    elif output is not None and labels.size and not 0 <= int(labels.min()) <= int(labels.max()) < prod(output):
        span = f"{labels.min()}..{labels.max()}"
        last = prod(output) - 1
        yield _label_problem(f"holds class indices {span}, the model has classes 0..{last}", "count classes from 0")


def _label_problem(message: str, hint: str) -> Diagnostic:
    return Diagnostic("SNN406", f"array 'y' of labels {message}", Loc(DATA, "y"), hint)


def _ones_left_out(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(size for size in shape if size != 1)
