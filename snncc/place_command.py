"""What ``snncc place`` does: everything that can fail early first, then the placement, then the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from snncc.compiler.placement.place import place
from snncc.compiler.targets import load_target
from snncc.failures import together
from snncc.files import check_output
from snncc.summary import program_summary, read_program


def place_file(program: Path, target: str, output: Path) -> dict[str, Any]:
    """Place the program of a file; return the summary of what was written.

    Args:
        program: .snnp file.
        target: name or file of a chip or board.
        output: .snnp file to write; may be the same.

    Raises:
        SnnccError: SNN710 to SNN716, everything that does not fit; what cannot be read or written.
    """
    chip = load_target(target)
    loaded, _ = together(lambda: read_program(program), lambda: check_output(output, "SNN301"))
    placed = place(loaded, chip)
    placed.save(output)
    return program_summary(placed) | {"file": str(output)}
