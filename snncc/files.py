"""Result files: looked at before a long computation, written under another name and then renamed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from snncc.compiler.diagnostics import Loc, SnnccError, fail

WRITABLE = "choose a folder that exists and can be written to"


def check_output(path: Path, code: str = "SNN407", inputs: Iterable[Path] = ()) -> None:
    """Find out whether a file can be written, without leaving a trace.

    Args:
        path: the file to be written.
        code: code of the diagnostic.
        inputs: files that are read, which the result must not replace.

    Raises:
        SnnccError: the file cannot be written, or stands for something else.
    """
    try:
        reason, hint = _occupied(path, inputs)
        if reason:
            raise _unwritable(path, reason, code, hint)
        with open(_part(path), "wb"):
            pass
    except (OSError, ValueError) as error:
        raise _unwritable(path, _reason(error), code) from error
    finally:
        _remove(_part(path))


def _occupied(path: Path, inputs: Iterable[Path]) -> tuple[str, str]:
    """Return why what stands there cannot be replaced, and what to do; empty if it can."""
    try:
        os.lstat(path)  # unlike Path.exists, raises where the name is too long
    except FileNotFoundError:
        return "", ""
    if path.is_dir():
        return "it is a folder", "name a file in it"
    if path.exists() and not path.is_file():
        return "it is a device or pipe", "name a plain file"
    if any(_same(path, other) for other in inputs):
        return "it is read by this very command", "choose another name"
    if path.exists() and not os.access(path, os.W_OK):
        return "it is read-only", "choose another name, or make it writable"
    return "", ""


def check_folder(path: Path) -> None:
    """Find out whether a folder is there or can be made.

    Raises:
        SnnccError: SNN407.
    """
    nearest = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    if not nearest.is_dir():
        raise _unwritable(path, f"'{nearest}' is no folder", "SNN407", WRITABLE)
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise _unwritable(path, f"'{nearest}' may not be written to", "SNN407", WRITABLE)


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays as a compressed .npz, whole or not at all.

    Raises:
        SnnccError: SNN407, the file cannot be written.
    """
    _write(path, lambda file: np.savez_compressed(file, **arrays))


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        SnnccError: SNN407, the file cannot be written.
    """
    _write(path, lambda file: file.write(content))


def _write(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    part = _part(path)
    try:
        with open(part, "wb") as file:
            fill(file)
        os.replace(part, os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise _unwritable(path, _reason(error)) from error
    finally:
        _remove(part)


def _part(path: Path) -> Path:
    """Return the name that a file has until it is whole, in the folder where it will stand."""
    return Path(os.path.realpath(path)).with_name(f".snncc-{os.getpid()}.part")


def _remove(path: Path) -> None:
    with suppress(OSError, ValueError):
        path.unlink(missing_ok=True)


def _same(path: Path, other: Path) -> bool:
    with suppress(OSError, ValueError):
        return path.samefile(other)
    return False


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _unwritable(path: Path, reason: str, code: str = "SNN407", hint: str = WRITABLE) -> SnnccError:
    return fail(code, f"cannot write '{path}': {reason}", Loc(path.name or str(path), path.name or str(path)), hint)
