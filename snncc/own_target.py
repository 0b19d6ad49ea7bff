"""Which chip or board a program is for, where nobody says."""

from __future__ import annotations

from pathlib import Path

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.program import Program
from snncc.compiler.targets import target_names


def target_of(program: Program, wished: str | None) -> str:
    """Return the name or file of the target that a program is priced on.

    Args:
        program: placed or not.
        wished: what the user asked for; None for the program's own: the file that it was compiled with where that is
            still there, else the bundled target of its name.

    Raises:
        SnnccError: SNN501 with exit code 2, the program's own is a file that nobody named.
    """
    if wished is not None:
        return wished
    name = program.board or program.target
    settings = {} if program.origin is None else program.origin.settings
    file = settings.get("target_file") if settings.get("target") == name else None
    if isinstance(file, str) and Path(file).is_file():
        return file
    if file is None and name in target_names():
        return name
    where = f"its file '{file}' is not there" if file else "no target of that name is bundled"
    message = f"program '{program.name}' is for '{name}', and {where}"
    raise fail("SNN501", message, Loc("options", "target"), "give its file with --target FILE", 2)
