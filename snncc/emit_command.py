"""What ``snncc emit`` does: everything that can fail early first, then the artifact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snncc.backends.artifact import check_folder
from snncc.backends.registry import get_backend
from snncc.compiler.data import blame, read_npz, split_labels
from snncc.emission import emit
from snncc.failures import together
from snncc.runtime.run import input_levels
from snncc.runtime.verify import Progress
from snncc.summary import input_types, read_program


def emit_file(
    program: Path, backend: str, folder: Path, data: Path | None, slices: bool, progress: Progress
) -> dict[str, Any]:
    """Emit the program of a file; everything that can fail early does so first, together.

    Args:
        program: .snnp file.
        backend: name.
        folder: see ``emit``.
        data: .npz with x, samples for the golden vectors; None for generated ones alone.
        slices: see ``emit``.
        progress: called with what is being done.

    Raises:
        SnnccError: see ``emit``; what cannot be read.
    """
    found = get_backend(backend)
    steps = [lambda: read_program(program), lambda: check_folder(folder)]
    loaded, _, *arrays = together(*steps, *([lambda: read_npz(data)] if data is not None else []))
    levels = {}
    if data is not None:
        with blame(data):
            levels = input_levels(loaded, split_labels(arrays[0], input_types(loaded))[0])
    progress(f"emitting for {backend}", 0, 0)
    return emit(loaded, found, folder, levels, slices)
