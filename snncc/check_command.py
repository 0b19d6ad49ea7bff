"""What ``snncc check`` does: the certificate's checker, and that of placements where the program is placed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from snncc.compiler.targets import load_target
from snncc.runtime.checker import check
from snncc.runtime.placement_check import Verdict, is_placed, judge_placement
from snncc.runtime.verify import Progress


@dataclass(frozen=True)
class Checked:
    """What both checkers found.

    Attributes:
        file: the program's file.
        problems: where, and a sentence; those of the placement last.
        placement: what was found of the placement; None for a program that is not placed.
    """

    file: Path
    problems: tuple[tuple[str, str], ...]
    placement: Verdict | None


def check_file(program: Path, target: str | None, progress: Progress) -> Checked:
    """Return what the checkers say of a program's file.

    Args:
        program: .snnp file.
        target: name or file of the target that it is placed on; None for the bundled one of the board's name.
        progress: called with what is being done.

    Raises:
        SnnccError: the target is not there, or its file is wrong.
    """
    if target is not None:
        load_target(target)
    progress("checking", 0, 0)
    problems = check(str(program))
    if target is None and not is_placed(program):
        return Checked(program, tuple(problems), None)
    progress("checking the placement", 0, 0)
    placement = judge_placement(program, target)
    return Checked(program, (*problems, *placement.problems), placement)
