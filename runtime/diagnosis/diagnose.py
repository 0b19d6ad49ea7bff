"""The diagnosis of a compiled network: the loss budget, signs of damage, and what to say of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.data import as_inputs, check_data
from snncc.compiler.diagnostics import fail
from snncc.compiler.ir.graph import Array, Graph
from snncc.compiler.ir.views import behind_views
from snncc.compiler.program import Origin, Program
from snncc.compiler.targets import load_target
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.activity_signs import activity_signs
from snncc.runtime.diagnosis.budget import Budget, Progress, first_output, measure
from snncc.runtime.diagnosis.data_signs import calibration_signs, range_signs
from snncc.runtime.diagnosis.effects import effects_of, noted_repairs
from snncc.runtime.diagnosis.findings import Diagnosis
from snncc.runtime.diagnosis.float_model import FloatModel
from snncc.runtime.diagnosis.knobs import Knobs
from snncc.runtime.diagnosis.norm_signs import norm_signs
from snncc.runtime.diagnosis.pairing import Layer, paired_layers
from snncc.runtime.diagnosis.ranking import findings, measured_finding
from snncc.runtime.diagnosis.refining import look_closer
from snncc.runtime.diagnosis.scoring import POINTS, Loss, Scorer
from snncc.runtime.diagnosis.signs import Sign
from snncc.runtime.diagnosis.task_signs import Task, task_signs
from snncc.runtime.diagnosis.verdict import verdict
from snncc.runtime.diagnosis.weight_signs import weight_signs
from snncc.runtime.floats import FloatNetwork
from snncc.runtime.metrics import top1

Inputs = Mapping[str, Array]
LIMIT = 1000
VERBATIM = "verbatim"  # the setting of programs whose levels were the model's own


def diagnose(
    program: Program,
    x: Array | Inputs,
    y: Array | None = None,
    calibration: Array | Inputs | None = None,
    calibration_labels: Array | None = None,
    imported: Graph | None = None,
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
) -> Diagnosis:
    """Return which layer of a program's network loses how much to what.

    Args:
        program: a program compiled from a network.
        x: float test inputs [samples, *shape], or a mapping by input name.
        y: class indices [samples], or target values of the output's shape; None where unknown.
        calibration: inputs it was calibrated with; the test inputs stand in for them where they are None.
        calibration_labels: their labels, where known.
        imported: the network as the user wrote it, stage IMPORTED; without it batch norms and weights as they were
            before they were folded are not looked at.
        limit: test samples to use, 1000 by default, evenly spread over all there are.
        progress: called with what is being done, how much of it is done, and the whole.

    Raises:
        SnnccError: SNN340 the program holds no network; SNN352 its network was quantized elsewhere; SNN403..SNN406 the
            data do not fit it.
    """
    origin = program.origin
    if origin is None:
        hint = "compile a model with snncc to get one that does"
        raise fail("SNN340", f"program '{program.name}' holds no network to be diagnosed", hint=hint)
    if origin.settings.get(VERBATIM):
        hint = "its loss was made where it was quantized; diagnose the float network it came from"
        raise fail("SNN352", f"program '{program.name}' was quantized elsewhere and taken over as it is", hint=hint)
    case = _Case(origin, imported, *_checked(origin, x, y, calibration, calibration_labels, limit))
    progress("float network", 0, 0)
    case.run()
    budget = _budget(case, progress)
    progress("signs of damage", 0, 0)
    signs = _signs(case)
    return _diagnosis(case, budget, _named(case, signs))


class _Case:
    """A network and its data, with what both networks make of them."""

    def __init__(
        self,
        origin: Origin,
        imported: Graph | None,
        data: Inputs,
        labels: Array | None,
        calibration: Inputs | None,
        calibration_labels: Array | None,
    ) -> None:
        self.origin, self.imported = origin, imported
        self.data, self.labels = data, labels
        self.calibration, self.calibration_labels = calibration, calibration_labels
        self.model = FloatModel(origin.model)
        self.layers: tuple[Layer, ...] = paired_layers(origin.network, self.model)
        self.knobs = Knobs(origin.settings)

    def run(self) -> None:
        """Run both networks on the test data."""
        network = self.origin.network
        self.scorer = Scorer(first_output(self.origin.model, self.model, self.data), self.labels)
        integers = Collapsed(network).run(self.data)[network.outputs[0]]
        self.shown = integers * self.layers_by_name[self._read()].scale
        self.total: Loss = self.scorer.loss(self.shown)

    @property
    def layers_by_name(self) -> dict[str, Layer]:
        """Return the layers by name."""
        return {layer.name: layer for layer in self.layers}

    def _read(self) -> str:
        return behind_views(self.origin.network, self.origin.network.outputs[0])[0].name

    def guess(self, inputs: Inputs) -> npt.NDArray[np.int64]:
        """Return the classes that the float network sees."""
        network = FloatNetwork(self.origin.model)
        arrays = {name: np.ascontiguousarray(array, dtype=np.float32) for name, array in inputs.items()}
        return np.concatenate([top1(batch[self.model.outputs[0]]) for batch in network.batches(arrays)])


def _checked(
    origin: Origin, x: Array | Inputs, y: Array | None, calibration: Array | Inputs | None, known: Array | None,
    limit: int | None,
) -> tuple[Inputs, Array | None, Inputs | None, Array | None]:  # fmt: skip
    network = origin.network
    kinds = {i.name: i.type for i in network.inputs}
    labels = None if y is None else np.asarray(y)
    data = check_data(as_inputs(x, kinds), kinds, labels, network.types[network.outputs[0]].shape)
    samples = len(next(iter(data.values())))
    most = LIMIT if limit is None else max(1, limit)
    rows = np.unique(np.linspace(0, samples - 1, min(most, samples)).astype(np.int64))
    data = {name: array[rows] for name, array in data.items()}
    labels = None if labels is None else labels[rows]
    if calibration is None:
        return data, labels, None, None
    return data, labels, check_data(as_inputs(calibration, kinds), kinds), known


def _budget(case: _Case, progress: Progress) -> Budget:
    settings = case.origin.settings
    target = load_target(str(settings.get("target_file") or settings.get("target", "loihi2")))
    effects = effects_of(case.layers, case.knobs.weight_bits, target, noted_repairs(case.origin.notes, case.layers))
    learned = case.data if case.calibration is None else case.calibration
    return measure(case.model, case.layers, effects, case.data, learned, case.scorer, case.knobs.reduced, progress)


def _signs(case: _Case) -> list[Sign]:
    calibration = case.calibration or {}
    inputs = {layer.value: layer for layer in case.layers if layer.kind == "input"}
    found = list(range_signs(inputs, case.data, calibration))
    classes = case.scorer.classes
    guesses = case.guess(case.data) if classes else None
    learned = case.guess(calibration) if classes and calibration else None
    if calibration:
        found += calibration_signs(calibration, learned, guesses)
    tasks = _tasks(case, guesses, learned) if guesses is not None and case.scorer.measure == POINTS else None
    if case.imported is not None:
        found += weight_signs(case.imported, case.data, case.layers)
        found += _norms(case, doubtful=tasks is not None and tasks[0].fails)
    found += activity_signs(case.model, case.layers, case.data)
    if tasks is not None:
        found += task_signs(*tasks, case.guess)
    return found


def _named(case: _Case, signs: list[Sign]) -> list[Sign]:
    """Return signs in inputs under the name of the node that shows the input's levels."""
    inputs = {layer.value: layer.name for layer in case.layers if layer.kind == "input"}
    return [replace(sign, layer=inputs.get(sign.layer, sign.layer)) for sign in signs]


def _norms(case: _Case, doubtful: bool) -> list[Sign]:
    """Return the signs in batch norms that both calibration and test data show: neither may be what is wrong."""
    assert case.imported is not None
    found = norm_signs(case.imported, case.data, case.layers, doubtful)
    if not case.calibration or not found:
        return list(found.values())
    other = norm_signs(case.imported, case.calibration, case.layers, doubtful)
    both = [(sign, other[name]) for name, sign in found.items() if name in other]
    return [b if b.cause == causes.INPUT_SCALE else a for a, b in both]


def _tasks(
    case: _Case, guesses: npt.NDArray[np.int64], learned: npt.NDArray[np.int64] | None
) -> tuple[Task, Task | None]:
    """Return what the float network does on the test data, and on the calibration data where their labels are known."""
    assert case.labels is not None
    classes = int(np.prod(case.scorer.real.shape[1:]))
    task = Task(case.data, case.labels.astype(np.int64), guesses, classes)
    known, before = case.calibration_labels, None
    if learned is not None and case.calibration and known is not None and known.shape == learned.shape:
        before = Task(case.calibration, known.astype(np.int64), learned, classes)
    return task, before


def _diagnosis(case: _Case, budget: Budget, signs: list[Sign]) -> Diagnosis:
    closer = look_closer(case.model, budget.rows, case.data, case.scorer)
    found = findings(budget.rows, closer, signs, case.layers, case.knobs)
    total, scorer = case.total, case.scorer
    real, shown = scorer.score(scorer.real), scorer.score(case.shown)
    return Diagnosis(
        verdict(total, real, shown, budget.samples, found),
        scorer.measure,
        budget.samples,
        real,
        shown,
        total.value,
        total.low,
        total.high,
        total.significant,
        total.sqnr_db,
        tuple(found),
        tuple(measured_finding(row, case.knobs) for row in budget.rows),
        tuple(_notes(case, budget)),
    )


def _notes(case: _Case, budget: Budget) -> list[str]:
    notes = []
    if budget.screened:
        notes.append(
            f"{budget.screened} causes of {len(budget.rows)} make less than 0.5% of the noise each; they ran on a few "
            "samples only, and were added up together with the next larger one"
        )
    if case.imported is None:
        notes.append("without the model, batch norms and unfolded weights were not looked at")
    if case.calibration is None:
        notes.append("without the calibration data, the test data stood in for them, and they were not looked at")
    return notes
