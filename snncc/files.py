"""Writing result files: to a temporary name first, then renamed, so that nothing half-written is left."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snncc.compiler.diagnostics import fail


def write_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    """Write arrays as a compressed .npz.

    Raises:
        SnnccError: SNN407, the file cannot be written.
    """
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(temporary, path)
    except OSError as error:
        if temporary and os.path.exists(temporary):
            os.unlink(temporary)
        message = f"cannot write '{path}': {error.strerror or error}"
        raise fail("SNN407", message, hint="choose a folder that exists and can be written to") from error
