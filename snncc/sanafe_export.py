"""What ``snncc cost --sanafe`` does: run a placed program on samples, and write both for SANA-FE."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from snncc import __version__
from snncc.backends.artifact import check_folder
from snncc.backends.sanafe.export import export
from snncc.backends.sanafe.problems import problems
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Array
from snncc.compiler.placement.place import place
from snncc.compiler.program import Program
from snncc.compiler.targets import Target
from snncc.runtime.cost.cost import LIMIT, cost
from snncc.runtime.cost.report import CostReport
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.run import input_levels
from snncc.runtime.verify import Progress

TABLE = "sanafe"  # of a target, with SANA-FE's own figures


def export_sanafe(
    program: Program,
    x: Array | Mapping[str, Array],
    target: Target,
    folder: Path,
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> dict[str, Any]:
    """Write a program and samples for SANA-FE's own model of Loihi; return the manifest.

    Args:
        program: in rate code, one sample in the chip at a time; placed on the target first where it is not.
        x: float inputs [samples, *shape], or a mapping by input name.
        target: what it is placed on; where it has a cost table ``sanafe``, our costs by it are written beside.
        folder: must not exist, or be empty, or hold an earlier export, which is replaced.
        limit: samples, as ``cost`` takes it.
        progress: called with what is being done, how much is done, and the whole.

    Raises:
        SnnccError: SNN740 to SNN746, what SANA-FE's Loihi cannot be; SNN710 to SNN716, what does not fit the target;
            SNN603 the folder cannot be written; SNN403 to SNN405, the data do not fit.
    """
    check_folder(folder)
    placed = exportable(program, target)
    levels = {name: array[: limit or LIMIT] for name, array in input_levels(placed, x).items()}
    modelled = None
    if TABLE in target.tables:
        modelled = _modelled(cost(placed, x, target, TABLE, limit=limit, progress=progress))
    progress("writing for SANA-FE", 0, 0)
    return export(placed, levels, lambda feed: run_feed(Emulator(placed), feed), folder, modelled, __version__)


def exportable(program: Program, target: Target) -> Program:
    """Return a program as it is exported: placed on the target.

    Raises:
        SnnccError: SNN740 to SNN746, what SANA-FE's Loihi cannot be; SNN710 to SNN716, what does not fit the target.
    """
    placed = program if program.board == target.name and program.slices else place(program, target)
    if found := problems(placed):
        raise SnnccError(found)
    return placed


def _modelled(report: CostReport) -> dict[str, Any]:
    """Return our costs of an inference, for run.py to show beside SANA-FE's."""
    side = report.spiking
    kinds = {k.kind: {"events": k.events, "each_pj": k.each_pj, "energy_pj": k.energy_pj} for k in side.energy.kinds}
    times = {"interval_ns": side.timing.interval_ns, "barrier_ns": side.timing.barrier_ns}
    return {"table": report.table, "tiles": report.tiles, "samples": report.samples, "kinds": kinds, **times}
