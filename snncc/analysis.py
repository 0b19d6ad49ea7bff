"""Questions asked of a network or a program: where accuracy goes, what is cheapest, what an inference costs.

They stand beside the flow of ``snncc.api``, which they call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.api import Floats, arrays, compile, example, import_model
from snncc.compiler.data import split_labels
from snncc.compiler.diagnostics import Loc, SnnccError, fail
from snncc.compiler.ir import Graph
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.quantize.recipe import Recipe
from snncc.compiler.targets import load_target
from snncc.own_target import target_of
from snncc.runtime.cost.cost import cost as _cost
from snncc.runtime.cost.report import CostReport
from snncc.runtime.diagnosis.diagnose import diagnose as _diagnose
from snncc.runtime.diagnosis.findings import Diagnosis
from snncc.runtime.tuning.samples import samples
from snncc.runtime.tuning.study import study_path
from snncc.runtime.tuning.trials import Budget, Goal
from snncc.runtime.tuning.tune import tune as _tune
from snncc.runtime.tuning.tuned import Tuned
from snncc.runtime.tuning.wish import Wish, check_wish
from snncc.runtime.verify import Progress
from snncc.sanafe_export import export_sanafe as _export_sanafe


def diagnose(
    model: Any,
    x: Floats,
    y: npt.ArrayLike | None = None,
    calibration: Floats | None = None,
    target: str = "loihi2",
    coding: str | Mapping[str, str] | None = None,
    bits: int | str | Mapping[str, int] | None = None,
    levels: int | str | Mapping[str, int] | None = None,
    weight_bits: int | str | Mapping[str, int] | None = None,
    schedule: str | None = None,
    scales: str | Mapping[str, str] = "mse",
    rounding: str | Mapping[str, str] = "adaptive",
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Diagnosis:
    """Return which layer loses how much to what, with evidence and what to do, the worst first.

    Args:
        model: as ``compile`` takes it; or a program, which was compiled with options of its own.
        x: float test inputs [samples, *shape], or a mapping by input name.
        y: class indices [samples], or target values of the output's shape; None where unknown.
        calibration: inputs to calibrate with, as ``compile`` takes them; with labels ``y`` in a mapping, what the float
            network does on both is compared. For a program: what it was compiled with, where that is at hand.
        target: as ``compile`` takes it, and so the next seven.
        coding: see ``compile``.
        bits: see ``compile``.
        levels: see ``compile``.
        weight_bits: see ``compile``.
        schedule: see ``compile``.
        scales: see ``compile``.
        rounding: see ``compile``.
        limit: test samples to use, 1000 by default.
        progress: called with what is being done, how much is done, and the whole.

    Raises:
        SnnccError: SNN350 options for a program; model, data or options at fault; every reason found.
    """
    options = (target, coding, bits, levels, weight_bits, schedule, scales, rounding)
    if isinstance(model, Program):
        program, graph = model, None
        _check_unused(model.name, options)
    else:
        graph = model if isinstance(model, Graph) else import_model(model, example(calibration))
        program = compile(graph, calibration, *options)
    learned, known = None, None
    if calibration is not None:
        given = arrays(calibration)
        kinds = {i.name: TensorType(FLOAT, i.shape) for i in program.inputs if isinstance(i, TensorInput)}
        learned, known = split_labels(given if isinstance(given, dict) else {"x": given}, kinds)
    labels = None if y is None else np.asarray(y)
    return _diagnose(program, arrays(x), labels, learned, known, graph, limit, progress)


def tune(
    model: Any,
    calibration: Floats,
    x: Floats,
    y: npt.ArrayLike | None = None,
    max_loss: float = 0.5,
    minimize: str = "energy",
    target: str = "loihi2",
    codings: Sequence[str] = (),
    test: tuple[Floats, npt.ArrayLike | None] | None = None,
    study: str | os.PathLike[str] | None = None,
    trials: int | None = None,
    time_limit: float | None = 480.0,
    jobs: int | None = None,
    seed: int = 0,
    sure: bool = False,
    progress: Progress = lambda what, done, total: None,
) -> Tuned:
    """Search for the cheapest program that loses no more than allowed; its ``program`` is compiled and verified.

    Args:
        model: as ``compile`` takes it.
        calibration: float inputs that ranges and weights are found on, as ``compile`` takes them.
        x: tuning inputs, others than those: points of the search are compared on them.
        y: class indices [samples], or target values of the output's shape; None where unknown.
        max_loss: most that may be lost against the float network on the tuning data: accuracy points; without labels
            percent of the predictions changed; for outputs that are no class scores growth of the mean absolute error
            in percent of the mean absolute output.
        minimize: ``energy`` (modelled), ``latency``, ``interval`` or ``synops``.
        target: name of the chip.
        codings: names of the codings to choose from; all that the target can send if empty.
        test: inputs and labels that the chosen program is tested on, once.
        study: file that keeps every trial; a search that was stopped goes on from there. None keeps none.
        trials: most trials of the study, earlier ones included.
        time_limit: seconds to search.
        jobs: points measured at a time; 1 measures in this process, and the same seed gives the same result.
        seed: of the sampler.
        sure: the whole 95% interval of the loss must keep to ``max_loss``, not only its estimate.
        progress: called with what is being done, how much is done, and the whole.

    Raises:
        SnnccError: SNN527 no point is good enough; model, data, study or options at fault; every reason found.
    """
    wish = Wish(
        Goal(minimize, max_loss, sure),
        target,
        tuple(codings),
        Budget(trials, time_limit),
        jobs,
        seed,
        None if study is None else study_path(Path(study), str(model)),
    )
    check_wish(wish)
    graph = model if isinstance(model, Graph) else import_model(model, example(calibration))
    tested = None if test is None else samples(graph, *test)
    found = _tune(graph, samples(graph, calibration), samples(graph, x, y), wish, tested, progress)
    if found.program is None:
        raise SnnccError([note for note in found.notes if note.severity == "error"])
    return found


def cost(
    program: Program,
    x: Floats,
    target: str | None = None,
    table: str | None = None,
    rate: float | None = None,
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> CostReport:
    """Return what an inference costs in energy and time: exact events of real samples, priced by a published table.

    Args:
        program: a compiled program; where it is not placed on the target, it is placed first, if it fits.
        x: float inputs [samples, *shape], or a mapping by input name.
        target: name or file of a chip or board; if None the program's own: the file it was compiled with where that is
            still there, else the bundled one of its name.
        table: name of one of its cost tables; its first if None.
        rate: inferences in a second, for duty cycle and average power.
        limit: samples to count, 20 by default.
        progress: called with what is being done, how much is done, and the whole.

    Raises:
        SnnccError: target, table, rate, program or data at fault; every reason found.
    """
    chip = load_target(target_of(program, target))
    return _cost(program, arrays(x), chip, table, rate, limit, progress)


def export_sanafe(
    program: Program,
    x: Floats,
    folder: str | os.PathLike[str],
    target: str | None = None,
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> dict[str, Any]:
    """Write a program and samples for the simulator SANA-FE and its own model of Loihi; return the manifest.

    The folder holds a script that runs SANA-FE and compares every spike.

    Args:
        program: in rate code, one sample in the chip at a time, as compiled for loihi1; placed first where it is not.
        x: float inputs [samples, *shape], or a mapping by input name.
        folder: new, empty, or an earlier export, which is replaced.
        target: name or file of the chip; the program's own if None, as for ``cost``.
        limit: samples to export, 20 by default.
        progress: called with what is being done, how much is done, and the whole.

    Raises:
        SnnccError: everything that SANA-FE's Loihi cannot be; or the folder cannot be written.
    """
    chip = load_target(target_of(program, target))
    return _export_sanafe(program, arrays(x), chip, Path(folder), limit, progress)


def _check_unused(name: str, options: tuple[object, ...]) -> None:
    """Refuse options of a compilation where there is none."""
    if options != ("loihi2", None, None, None, None, None, Recipe.scales, Recipe.rounding):
        message = f"program '{name}' is compiled already: options of a compilation change nothing"
        raise fail("SNN350", message, Loc("options", "model"), "leave them out, or give the model itself")
