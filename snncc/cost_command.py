"""What ``snncc cost`` does: read program and data, and price what an inference causes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from snncc import analysis
from snncc.backends.artifact import check_folder
from snncc.compiler.data import blame, read_npz, split_labels
from snncc.compiler.targets import load_target
from snncc.failures import together
from snncc.own_target import target_of
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
