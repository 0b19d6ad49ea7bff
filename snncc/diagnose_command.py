"""What ``snncc diagnose`` does: read model or program and data, compile where that is left to do, and diagnose."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from snncc import api
from snncc.compilation import Settings
from snncc.compiler.data import Data, blame, read_npz, split_labels
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.ir.types import TensorType
from snncc.compiler.program import Program
from snncc.compiler.quantize.recipe import Recipe
from snncc.failures import together
from snncc.inspection import holds_program
from snncc.runtime.diagnosis.diagnose import diagnose
from snncc.runtime.diagnosis.findings import Diagnosis
from snncc.summary import input_types, read_program
from snncc.terminal import Bar

DEFAULTS: Settings = ("loihi2", None, None, None, None, None, Recipe.scales, Recipe.rounding)


def diagnose_files(
    model: Path, calibration: Path | None, data: Path, settings: Settings, limit: int | None, bar: Bar
) -> Diagnosis:
    """Return the diagnosis of a model, or of a program, on data in files.

    Args:
        model: ONNX model, or a program, which is compiled already.
        calibration: .npz with the inputs to calibrate with; a program needs none.
        data: .npz with test inputs, and labels where they are known.
        settings: as ``snncc compile`` takes them; those of a program stand fast.
        limit: test samples to use.
        bar: shows progress.

    Raises:
        SnnccError: SNN350 settings for a program, SNN351 no calibration data for a model (exit code 2); or what
            reading, compiling and diagnosing find.
    """
    ready = holds_program(model)
    if problems := _problems(model, ready, calibration, settings):
        raise SnnccError(problems, 2)
    bar("reading", 0, 0)
    steps: list[Callable[[], Any]] = [
        lambda: read_program(model) if ready else api.import_model(model),
        lambda: read_npz(data),
        lambda: None if calibration is None else read_npz(calibration),
    ]
    found, arrays, learned = together(*steps)
    program = found if ready else _compile(found, learned, calibration, settings, bar)
    kinds = input_types(program)
    with blame(data):
        inputs, labels = split_labels(arrays, kinds)
        return diagnose(
            program, inputs, labels, *_calibration(learned, calibration, kinds), None if ready else found, limit, bar
        )


def _problems(model: Path, ready: bool, calibration: Path | None, settings: Settings) -> list[Diagnostic]:
    if ready and settings != DEFAULTS:
        message = f"'{model}' is compiled already: options of a compilation change nothing"
        return [Diagnostic("SNN350", message, Loc("options", "model"), "leave them out, or give the model itself")]
    if not ready and calibration is None:
        message = f"'{model}' is no program, and there are no inputs to compile it with"
        hint = "give --calibration, or a program (.snnp)"
        return [Diagnostic("SNN351", message, Loc("options", "calibration"), hint)]
    return []


def _compile(graph: Graph, learned: Data, calibration: Path | None, settings: Settings, bar: Bar) -> Program:
    assert calibration is not None
    with blame(calibration):
        return api.compile(graph, learned, *settings, progress=lambda layer: bar(f"quantizing {layer}", 0, 0))


def _calibration(learned: Data | None, file: Path | None, kinds: dict[str, TensorType]) -> tuple[Any, Any]:
    """Return calibration inputs and labels, None where there are none."""
    if learned is None or file is None:
        return None, None
    with blame(file):
        return split_labels(learned, kinds)
