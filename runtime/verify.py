"""Verification: float network, integer network and spiking program, compared on the user's data and on witnesses."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from snncc.compiler.data import as_inputs, check_data
from snncc.compiler.diagnostics import SnnccError, fail
from snncc.compiler.ir.graph import Array, Graph
from snncc.compiler.ir.integer_ops import Fire, Ladder, Readout
from snncc.compiler.ir.views import behind_views
from snncc.compiler.program import Origin, Program, TensorInput
from snncc.compiler.program_check import check_program
from snncc.runtime import metrics
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.cross_check import CrossCheck, Device, cross_check
from snncc.runtime.floats import FloatNetwork
from snncc.runtime.placed.compare import PlacedCheck, compare_placed, samples_worth, steps_of
from snncc.runtime.reference import clipped, encode, execute, samples_at_once
from snncc.runtime.report import LayerReport, Report
from snncc.runtime.run import to_levels
from snncc.runtime.stepped import Tally, step_and_compare
from snncc.runtime.witness import Witnesses, witnesses

Ints = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]
LIMIT = 100
LAYER_SAMPLES = 128  # data samples of the per-layer comparison


def verify(
    program: Program,
    x: Array | Mapping[str, Array],
    y: Array | None = None,
    limit: int | None = None,
    progress: Progress = lambda what, done, total: None,
    device: Device | None = None,
    slices: int | None = None,
) -> Report:
    """Compare a program with the integer network it was lowered from, and that one with the float network.

    Args:
        program: a program compiled from a network.
        x: float inputs [samples, *shape], or a mapping by input name.
        y: class indices [samples], or target values of the output's shape; None where unknown.
        limit: how many of the samples the emulator steps, 100 by default; accuracies use all.
        progress: called with what is being done, how much of it is done, and the whole.
        device: where an artifact of the program runs; what it does there is compared, too.
        slices: how many samples are stepped slice by slice, too, where the program is placed; by default those of the
            samples stepped that ``samples_worth`` has.

    Raises:
        SnnccError: SNN340 the program holds no network; SNN403..SNN406 the data do not fit it.
    """
    origin = program.origin
    if origin is None:
        hint = "compile a model with snncc to get one that does"
        raise fail("SNN340", f"program '{program.name}' holds no network to be compared with", hint=hint)
    if problems := check_program(program):
        raise SnnccError(problems)
    network = origin.network
    kinds = {i.name: i.type for i in network.inputs}
    shape = network.types[network.outputs[0]].shape
    labels = None if y is None else np.asarray(y)
    inputs = check_data(as_inputs(x, kinds), kinds, labels, shape)
    outputs = _outputs(origin, inputs, progress)
    steps = _stepped(program, network, inputs, LIMIT if limit is None else limit, outputs, progress)
    if device is not None:
        most = LIMIT if limit is None and device.gives == "spikes" else limit
        some = encode(network, {name: array[:most] for name, array in inputs.items()})
        runs = {"samples": some, "witnesses": steps.made.levels}
        steps.device = _on_device(program, network, runs, device, progress)
    if program.slices:
        most = min(LIMIT if limit is None else limit, samples_worth(program)) if slices is None else slices
        steps.placed = _placed(program, inputs, most, progress)
    return _report(program, origin, inputs, labels, outputs, steps, device.name if device else None)


@dataclass
class _Outputs:
    """Outputs of all samples: real values of the float network's first, integers of the integer network's all.

    ``errors`` are mean absolute differences in real units, by the name the user gives an output.
    """

    real: npt.NDArray[np.float32]
    integer: Ints
    all_integer: dict[str, Ints]
    scale: float
    errors: dict[str, float]


@dataclass
class _Steps:
    data: Tally
    witnesses: Tally
    made: Witnesses
    executor_mismatches: int = 0
    device: CrossCheck | None = None
    placed: PlacedCheck = field(default_factory=PlacedCheck)
    seconds: float = field(default=0.0)


def _outputs(origin: Origin, inputs: Mapping[str, Array], progress: Progress) -> _Outputs:
    network = origin.network
    floats = FloatNetwork(origin.model)
    total = len(next(iter(inputs.values())))
    integers = Collapsed(network).run(inputs)
    scales = {name: _scale(network, name) for name in network.outputs}
    first, done = network.outputs[0], 0
    pieces, differences = [], dict.fromkeys(network.outputs, 0.0)
    for batch in floats.batches(inputs):
        pieces.append(batch[first])
        size = len(batch[first])
        for name, scale in scales.items():
            shown = integers[name][done : done + size] * scale
            differences[name] += metrics.mae(shown, batch[name]) * size / total
        done += size
        progress("float network", done, total)
    errors = {label: differences[name] for label, name in network.named_outputs.items()}
    return _Outputs(np.concatenate(pieces), integers[first], integers, scales[first], errors)


def _scale(network: Graph, output: str) -> float:
    """Return the real value of 1 at an output: that of its readout, which views may follow."""
    return float(behind_views(network, output)[0].op.scale)  # type: ignore[attr-defined]


def _stepped(
    program: Program, network: Graph, inputs: Mapping[str, Array], limit: int, outputs: _Outputs, progress: Progress
) -> _Steps:
    some = {name: array[:limit] for name, array in inputs.items()}
    total = len(next(iter(some.values())))
    steps = _Steps(Tally(), Tally(), witnesses(network))
    begun = time.perf_counter()
    if total:
        done = 0

        def advance(samples: int) -> None:
            nonlocal done
            done += samples
            progress("stepping samples", done, total)

        plain = step_and_compare(program, network, encode(network, some), steps.data, advance)
        for name, values in plain.items():
            steps.executor_mismatches += int(np.count_nonzero(values != outputs.all_integer[name][:total]))
    steps.seconds = time.perf_counter() - begun
    made = steps.made
    step_and_compare(program, network, made.levels, steps.witnesses)
    progress("witnesses", made.count, made.count)
    return steps


def _on_device(
    program: Program, network: Graph, runs: Mapping[str, Mapping[str, Ints]], device: Device, progress: Progress
) -> CrossCheck:
    """Run samples and witnesses on a device, each back to back in one run."""
    found = CrossCheck()
    for what, levels in runs.items():
        total = len(next(iter(levels.values())))
        _tell(progress, device, what, total, 0)
        if total:
            cross_check(program, network, levels, device, found, partial(_tell, progress, device, what, total))
    return found


def _placed(program: Program, inputs: Mapping[str, Array], most: int, progress: Progress) -> PlacedCheck:
    """Step some samples slice by slice, back to back in one stream."""
    tensors = [i for i in program.inputs if isinstance(i, TensorInput)]
    levels = {t.name: to_levels(t, inputs[t.name][:most, None]) for t in tensors}
    samples = len(next(iter(levels.values())))
    if not samples:
        return PlacedCheck()
    total = steps_of(program, samples)
    return compare_placed(program, levels, lambda done: progress("stepping slices", done, total))


def _tell(progress: Progress, device: Device, what: str, total: int, done: int) -> None:
    progress(f"{what} on {device.name}", done, total)


def _report(
    program: Program,
    origin: Origin,
    inputs: Mapping[str, Array],
    labels: Array | None,
    outputs: _Outputs,
    steps: _Steps,
    name: str | None,
) -> Report:
    tally, settings = steps.data, origin.settings
    counted = max(tally.samples, 1)
    mismatches = tally.mismatches + steps.witnesses.mismatches
    device = steps.device or CrossCheck()
    bits, levels = settings.get("bits"), settings.get("levels")
    return Report(
        exact=not (mismatches or steps.executor_mismatches or device.mismatches or steps.placed.mismatches),
        mismatches=mismatches,
        samples_stepped=tally.samples,
        witnesses=steps.witnesses.samples,
        witness_ties=steps.made.ties,
        executor_mismatches=steps.executor_mismatches,
        samples=len(outputs.integer),
        **_scores(outputs, labels),  # type: ignore[arg-type]
        coding=str(settings.get("coding")),
        bits=bits if isinstance(bits, int) else None,
        levels=levels if isinstance(levels, int) else 0,
        window_steps=program.max_window,
        latency_steps=program.latency,
        initiation_interval=program.interval,
        spikes_per_inference=tally.spikes / counted,
        synops_per_inference=tally.synops / counted,
        payload_bits_per_inference=tally.payload_bits / counted,
        steps_per_second=tally.steps / steps.seconds if steps.seconds else 0.0,
        clipped_inputs=clipped(origin.network, inputs),
        layers=_layers(origin, inputs),
        spikes={name: count / counted for name, count in tally.by_population.items()},
        first_divergence=tally.first or steps.witnesses.first or device.first or steps.placed.first,
        notes=tuple(map(str, origin.notes)),
        device=name,
        device_samples=device.samples,
        device_steps=device.steps,
        device_mismatches=device.mismatches,
        output_maes=outputs.errors,
        board=program.board,
        placed_samples=steps.placed.samples,
        placed_mismatches=steps.placed.mismatches,
    )


def _scores(outputs: _Outputs, labels: Array | None) -> dict[str, float | None]:
    real, shown = outputs.real, outputs.integer * outputs.scale
    names = (
        "float_accuracy",
        "integer_accuracy",
        "agreement",
        "float_mae",
        "integer_mae",
        "float_psnr_db",
        "integer_psnr_db",
    )
    scores: dict[str, float | None] = dict.fromkeys(names)
    scores["output_mae"] = next(iter(outputs.errors.values()))
    shape = outputs.integer.shape[1:]
    if int(np.prod(shape)) > 1 and max(shape) == int(np.prod(shape)) and not _is_target(labels, shape):
        guess, exact_guess = metrics.top1(real), metrics.top1(outputs.integer)
        scores["agreement"] = float((guess == exact_guess).mean())
        if labels is not None:
            scores["float_accuracy"] = float((guess == labels).mean())
            scores["integer_accuracy"] = float((exact_guess == labels).mean())
    elif labels is not None:
        scores["float_mae"], scores["integer_mae"] = metrics.mae(real, labels), metrics.mae(shown, labels)
        scores["float_psnr_db"], scores["integer_psnr_db"] = metrics.psnr(real, labels), metrics.psnr(shown, labels)
    return scores


def _is_target(labels: Array | None, shape: tuple[int, ...]) -> bool:
    return labels is not None and not metrics.is_classification(labels, shape)


def _layers(origin: Origin, inputs: Mapping[str, Array]) -> tuple[LayerReport, ...]:
    """Compare every firing or read node's float value with what its integers stand for, on some of the data."""
    network = origin.network
    fires = [node for node in network.nodes if isinstance(node.op, Fire | Ladder | Readout)]
    errors = {node.name: metrics.LayerError(node.name) for node in fires}
    some = {name: array[:LAYER_SAMPLES] for name, array in inputs.items()}
    floats = FloatNetwork(origin.model, [node.name for node in fires])
    begin = 0
    for batch in floats.batches(some, samples_at_once(network, 64)):
        size = len(next(iter(batch.values())))
        levels = encode(network, {name: array[begin : begin + size] for name, array in some.items()})
        values = execute(network, levels)
        for node in fires:
            errors[node.name].add(batch[node.name], values[node.name] * node.op.scale)  # type: ignore[attr-defined]
        begin += size
    return tuple(
        LayerReport(
            node.name,
            node.loc.op,
            node.loc.module or node.loc.name,
            node.type.hi,
            float(node.op.scale),  # type: ignore[attr-defined]
            errors[node.name].sqnr,
            errors[node.name].cosine,
            errors[node.name].worst,
        )
        for node in fires
    )
