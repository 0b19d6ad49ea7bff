"""From an imported graph to a spiking program: the one ordered list of passes, then lowering."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler import verbatim
from snncc.compiler.certificate import certify
from snncc.compiler.coding import CODINGS
from snncc.compiler.data import Data, check_data
from snncc.compiler.diagnostics import Diagnostic, InternalError, SnnccError, fail
from snncc.compiler.ir.graph import Array, Graph
from snncc.compiler.ir.ops import Tail
from snncc.compiler.ir.to_onnx import to_onnx
from snncc.compiler.ir.views import behind_views
from snncc.compiler.mapping.auto import Counts, auto_note, cheapest
from snncc.compiler.mapping.choice import Choice, check_nodes, choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.options import AUTO, Options
from snncc.compiler.passes.base import Observer, Pass, run_passes
from snncc.compiler.passes.canonical import canonical_passes
from snncc.compiler.passes.split_pools import SplitPools
from snncc.compiler.per_layer import unknown_layers
from snncc.compiler.placement.place import mean_spikes, place_if_fits
from snncc.compiler.program import Origin, Program
from snncc.compiler.quantize.calibrate import run
from snncc.compiler.quantize.equalize import Equalize
from snncc.compiler.quantize.fold_sums import FoldSums
from snncc.compiler.quantize.layers import layers
from snncc.compiler.quantize.quantize import Quantize

CHECKED = 16  # calibration samples on which the canonical graph is compared with the imported one
TOLERANCE = 1e-3  # largest difference, relative to the largest output: float32 rounding through folded constants


def structure_passes(options: Options) -> tuple[Pass, ...]:
    """Return the passes from IMPORTED to CANONICAL that need no data: they settle which layers there are."""
    return (*canonical_passes(), SplitPools(options.target.ports))


def float_passes(options: Options, data: Data) -> tuple[Pass, ...]:
    """Return the passes from IMPORTED to the CANONICAL graph that is quantized; all keep what the network computes."""
    return (*structure_passes(options), Equalize(data, options.recipes))  # last: it reads what is to be quantized


def integer_passes(options: Options, unary: frozenset[str]) -> tuple[Pass, ...]:
    """Return the passes QUANTIZED -> QUANTIZED that suit the codings; none changes any charge or level it keeps."""
    core = options.target.core
    most = min((limit for limit in (core.in_axons, core.fan_in) if limit is not None), default=None)
    return (FoldSums(options.recipes.weight_bits, unary, most),)


def pass_names(options: Options) -> tuple[str, ...]:
    """Return the names of the passes that ``compile_graph`` runs, in order, each once."""
    before = [step.name for step in float_passes(options, {})]
    after = [step.name for step in integer_passes(options, frozenset())]
    return tuple(dict.fromkeys([*before, Quantize.name, *after]))


def known_passes(options: Options) -> tuple[str, ...]:
    """Return the names of the passes of every kind of network, those quantized elsewhere included, each once."""
    return tuple(dict.fromkeys([*pass_names(options), *verbatim.pass_names(options)]))


def compile_graph(
    graph: Graph,
    calibration: Data,
    options: Options,
    observe: Observer = lambda p, g: None,
    progress: Callable[[str], None] = lambda layer: None,
) -> Program:
    """Return the spiking program of an imported graph.

    Args:
        graph: an IMPORTED graph.
        calibration: float inputs [samples, *shape] by input name; may be empty for a network quantized elsewhere.
        options: the user's choices.
        observe: called after each pass.
        progress: called with the name of each layer as it is quantized.

    Raises:
        SnnccError: the model or the data cannot be compiled; every reason found.
        InternalError: a pass changed what the network computes, or the program cannot be certified.
    """
    data = _checked_data(graph, calibration)
    notes = list(options.notes())
    canonical, network, counts = _quantized(graph, data, options, observe, progress, notes.append)
    choice = codings(network, counts, options, notes.append)
    suited = run_passes(network, integer_passes(options, choice.unary(network)), observe)
    program = lower(suited, choice, options.target, options.schedule, options.recipes.weight_bits)
    certificate = certify(program, network, options.target)
    placed, misfits = place_if_fits(program, options.target, mean_spikes(program, counts))
    notes += [replace(misfit, severity="warning") for misfit in misfits]  # what does not fit can be run all the same
    settings = _settings(graph, options, data) | (verbatim.settings(network) if verbatim.is_verbatim(graph) else {})
    origin = Origin(network, to_onnx(canonical).SerializeToString(), tuple(notes), settings, certificate)
    return replace(placed, origin=origin)


def _quantized(
    graph: Graph,
    data: Data,
    options: Options,
    observe: Observer,
    progress: Callable[[str], None],
    report: Callable[[Diagnostic], None],
) -> tuple[Graph, Graph, Counts]:
    """Return the canonical float graph, the integer network, and how often each level was sent on the data."""
    counts: dict[str, npt.NDArray[np.int64]] = {}
    if verbatim.is_verbatim(graph):
        canonical, network = verbatim.take_over(graph, data, options, observe, report)
        counts |= verbatim.sent_levels(canonical, network, data) if options.coding == AUTO else {}
        return canonical, network, counts
    canonical = run_passes(graph, float_passes(options, data), observe)
    check_layers(canonical, options)
    _check_meaning(graph, canonical, data)
    chip, noted, carried = options.target, counts.__setitem__, options.carries
    quantize = Quantize(data, chip, options.recipes, chip.graded, report, progress, noted, carried)
    return canonical, run_passes(canonical, [quantize], observe), counts


def _checked_data(graph: Graph, calibration: Data) -> Data:
    """Return the calibration data, checked; none are needed for networks that bring their own levels."""
    if not calibration and verbatim.is_verbatim(graph):
        return {}
    if not calibration:
        message = "the network has no quantizers, so its levels must be found on calibration data"
        raise fail("SNN229", message, hint="give some hundred representative inputs")
    data = check_data(calibration, {i.name: i.type for i in graph.inputs})
    _check_finite(graph, data)
    return data


def codings(network: Graph, counts: Counts, options: Options, report: Callable[[Diagnostic], None]) -> Choice:
    """Return the coding of each population: what the user chose, or what costs least by the model."""
    check_nodes(network, options.by_layer)
    if options.coding != AUTO:
        return choose(options.coding, options.target, options.by_layer)
    found = cheapest(network, counts, options.target)
    report(auto_note(network, found, counts, options.target))
    others = {name: CODINGS[coding] for name, coding in options.by_layer.items()}
    return replace(found.choice, by_node={**found.choice.by_node, **others})


def check_layers(canonical: Graph, options: Options) -> None:
    """Refuse options for layers that the network does not have."""
    inputs = [f"{i.name}.levels" for i in canonical.inputs]
    summed = [layer.node.name for layer in layers(canonical) if layer.linears]
    names = {"bits": inputs, "levels": inputs, "scales": [], "rounding": [], "weight_bits": []}
    problems = []
    for option, others in names.items():
        problems += unknown_layers(
            option, options.settings[option].by_layer, [*others, *summed], f"has {option.replace('_', ' ')} of its own"
        )
    if problems:
        raise SnnccError(problems, 2)


def _check_meaning(imported: Graph, canonical: Graph, data: Mapping[str, Array]) -> None:
    """Compare the two float graphs on calibration inputs (checkpoint IMPORTED vs CANONICAL)."""
    few = {name: array[:CHECKED] for name, array in data.items()}
    wanted, found = run(imported, few), run(canonical, few)
    for (name, a), (other, b) in zip(wanted.items(), found.items(), strict=True):
        if isinstance(behind_views(imported, name)[0].op, Tail):
            continue  # dropped on purpose: the program gives the logits
        worst, size = float(np.abs(a.reshape(b.shape) - b).max()), float(np.abs(a).max())
        if not worst <= TOLERANCE * max(size, 1e-6):
            raise InternalError(f"the canonical graph differs from the imported one by {worst} of {size} at {other}")


def _check_finite(imported: Graph, data: Mapping[str, Array]) -> None:
    """Refuse a float network that overflows, or gives no numbers, on its own calibration data."""
    problems = []
    for name, values in run(imported, data).items():
        bad = int((~np.isfinite(values).reshape(len(values), -1).all(axis=1)).sum())
        if bad:
            message = f"output '{name}' of the float network is NaN or infinite in {bad} of {len(values)} samples"
            hint = "look for a diverged training run, or for inputs far beyond those of the training"
            problems.append(Diagnostic("SNN404", message, imported.node[name].loc, hint))
    if problems:
        raise SnnccError(problems)


def _settings(graph: Graph, options: Options, data: Data) -> dict[str, object]:
    return {
        "model_sha256": graph.sha256 or None,
        "target": options.target.name,
        **({"target_file": options.target.file} if options.target.file else {}),
        "coding": options.told_coding,
        "levels": options.levels,
        "bits": options.bits,
        "weight_bits": options.weight_bits,
        "recipes": options.recipes.told(),
        "schedule": options.schedule,
        "calibration_samples": len(next(iter(data.values()), ())),
    }
