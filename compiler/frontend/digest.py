"""The fingerprint of a model as the user gave it, which artifacts carry so that they can be traced back to it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import onnx


def model_sha256(model: Any) -> str:
    """Return the SHA-256 of a model, in hex.

    That of an ONNX file is the file's own (external weights not included), that of an ``onnx.ModelProto`` its
    serialized bytes', that of a torch module its class name's and its state's: names, types, shapes and values.

    Args:
        model: one that could be imported.
    """
    if isinstance(model, (str, os.PathLike)):
        return hashlib.sha256(Path(model).read_bytes()).hexdigest()
    if isinstance(model, bytes):
        return hashlib.sha256(model).hexdigest()
    if isinstance(model, onnx.ModelProto):
        return hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
    digest = hashlib.sha256(type(model).__name__.encode())
    for name, tensor in model.state_dict().items():
        array = tensor.detach().cpu().contiguous().numpy()
        digest.update(f"\n{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
