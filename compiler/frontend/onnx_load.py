"""Read an ONNX model from a path, bytes or a ModelProto; every way that fails is one diagnostic."""

from __future__ import annotations

import os
from pathlib import Path

import onnx

from snncc.compiler.diagnostics import Loc, SnnccError, fail

Source = str | os.PathLike[str] | bytes | onnx.ModelProto
_OTHER_FORMATS = (
    (b"PK\x03\x04", "a zip archive such as a torch checkpoint", "load it in torch and import the module"),
    (b"\x89HDF\r\n", "an HDF5 file such as a Keras model", "convert it to ONNX, for example with tf2onnx"),
    (b"\x80", "a pickle", "load it where it was made and export it to ONNX"),
)


def load_onnx(source: Source, file: str | None = None) -> tuple[onnx.ModelProto, str]:
    """Return the model with all its weights inside, and its name for messages.

    Args:
        source: path, bytes or proto; a proto is copied, never changed.
        file: name for messages instead of the path's last part.

    Raises:
        SnnccError: SNN100 the file cannot be read; SNN101 its content is no complete ONNX model.
    """
    if isinstance(source, onnx.ModelProto):
        proto = onnx.ModelProto()
        proto.CopyFrom(source)
        return _with_weights(proto, Path(), file or "<model>")
    if isinstance(source, bytes):
        name = file or "<bytes>"
        return _with_weights(_parse(source, name), Path(), name)
    path = Path(source)
    name = file or path.name
    return _with_weights(_parse(_read(path, name), name), path.parent, name)


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        message, hint = f"file '{path}' does not exist", "check the path"
    except IsADirectoryError:
        message, hint = f"'{path}' is a folder", "give the .onnx file inside it"
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        message, hint = f"file '{path}' cannot be read: {reason}", "check the path and its permissions"
    raise fail("SNN100", message, Loc(name, name), hint)


def _parse(data: bytes, name: str) -> onnx.ModelProto:
    proto = onnx.ModelProto()
    reason, hint = "", "restore the file, or export the model again"
    for magic, what, advice in _OTHER_FORMATS:
        if data.startswith(magic):
            reason, hint = f"is {what}, not an ONNX model", advice
    try:
        proto.ParseFromString(b"" if reason else data)
    except Exception:  # protobuf's classes differ between its implementations
        reason = "is not an ONNX model, or is cut short"
    if not data:
        reason = "is empty"
    elif not reason and not (proto.HasField("graph") and proto.ir_version):
        reason = "is not an ONNX model: it holds no graph"
    if reason:
        raise fail("SNN101", f"'{name}' {reason}", Loc(name, name), hint)
    return proto


def _with_weights(proto: onnx.ModelProto, folder: Path, name: str) -> tuple[onnx.ModelProto, str]:
    try:
        onnx.load_external_data_for_model(proto, str(folder))
    except Exception as error:  # onnx raises OSError, ValueError, RuntimeError and its own
        raise _missing_weights(error, name) from error
    return proto, name


def _missing_weights(error: Exception, name: str) -> SnnccError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return fail(
        "SNN101",
        f"the weights that '{name}' keeps in a file of their own cannot be read: {reason}",
        Loc(name, name),
        "put the external data file beside the model, under the name the model gives",
    )
