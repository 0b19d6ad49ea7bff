"""What ``snncc cost`` does: read program and data, and price what an inference causes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from snncc import analysis
from snncc.backends.artifact import check_folder
from snncc.compiler.data import blame, read_npz, split_labels
from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target, target_names
from snncc.failures import together
from snncc.runtime.cost.report import CostReport
from snncc.sanafe_export import exportable
from snncc.summary import input_types, read_program
from snncc.terminal import Bar

Wish = tuple[str | None, str | None, float | None, int | None]  # target, table, rate, limit


def cost_files(program: Path, data: Path, wish: Wish, bar: Bar, sanafe: Path | None = None) -> CostReport:
    """Return what an inference of a program costs on the data of a file.

    Args:
        program: program (.snnp).
        data: .npz with inputs; labels are not used.
        wish: target, table, rate and limit, as ``analysis.cost`` takes them.
        bar: shows progress.
        sanafe: folder that program and samples are exported to, for the simulator SANA-FE; None for none.

    Raises:
        SnnccError: what reading, ``analysis.cost`` and ``analysis.export_sanafe`` find.
    """
    steps = [lambda: check_folder(sanafe)] if sanafe is not None else []
    loaded, arrays, *_ = together(lambda: read_program(program), lambda: read_npz(data), *steps)
    target = target_of(loaded, wish[0])
    with blame(data):
        inputs, _ = split_labels(arrays, input_types(loaded))
        _, table, rate, limit = wish
        if sanafe is not None:
            exportable(loaded, load_target(target))
        report = analysis.cost(loaded, inputs, target, table, rate, limit, bar)
        if sanafe is not None:
            analysis.export_sanafe(loaded, inputs, sanafe, target, limit, bar)
            told = f"program and samples are in {sanafe}; 'python {sanafe / 'run.py'}' runs them on SANA-FE"
            report = replace(report, notes=(*report.notes, told))
        return report


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
