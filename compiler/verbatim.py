"""The way of a network that was quantized elsewhere from IMPORTED to QUANTIZED: no pass on it changes an integer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.data import Data
from snncc.compiler.diagnostics import Diagnostic, Loc, fail
from snncc.compiler.ir.graph import Graph, Stage, rebuild
from snncc.compiler.ir.integer_ops import Encode, EncodeEven, Fire, Ladder
from snncc.compiler.options import AUTO, Options
from snncc.compiler.passes.base import Observer, Pass, run_passes
from snncc.compiler.passes.check_weights import CheckWeights
from snncc.compiler.passes.drop_tail import DropTail
from snncc.compiler.passes.quantizer_first import QuantizerFirst
from snncc.compiler.passes.read_levels import ReadLevels
from snncc.compiler.passes.split_pools import SplitPools
from snncc.compiler.quantize.calibrate import run
from snncc.compiler.quantize.recipe import Recipe
from snncc.compiler.quantize.verbatim import Verbatim, is_verbatim

Counts = dict[str, npt.NDArray[np.int64]]
Report = Callable[[Diagnostic], None]

__all__ = ["is_verbatim", "pass_names", "settings", "take_over"]


@dataclass(frozen=True)
class SplitImportedPools(SplitPools):
    """The same on a network that stays as it was imported."""

    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED


def passes(options: Options, data: Data, report: Report = lambda d: None) -> tuple[Pass, ...]:
    """Return the passes from IMPORTED to QUANTIZED."""
    return (
        CheckWeights(),
        DropTail(),
        QuantizerFirst(),
        SplitImportedPools(options.target.ports),
        ReadLevels(),
        Verbatim(options.target, lambda name: options.weight_bits, data, report, options.carries),
    )


def pass_names(options: Options) -> tuple[str, ...]:
    """Return the names of the passes, in order."""
    return tuple(step.name for step in passes(options, {}))


def take_over(graph: Graph, data: Data, options: Options, observe: Observer, report: Report) -> tuple[Graph, Graph]:
    """Return the float network in the form that the integer network follows, and the integer network.

    Args:
        graph: an IMPORTED graph that is verbatim.
        data: calibration inputs, checked; may be empty.
        options: the user's choices.
        observe: called after each pass.
        report: called with what a user should know.

    Raises:
        SnnccError: what has no integer form, or needs data that are not given; all of it.
    """
    if options.coding == AUTO and not data:
        hint = "give calibration data, or choose a coding"
        raise fail("SNN229", "coding 'auto' counts spikes on calibration data, and none are given", hint=hint)
    if given := _unused(options):
        message = f"{' and '.join(given)} are not used: the network has levels of its own"
        report(Diagnostic("SNN226", message, Loc("options", given[0]), severity="warning"))
    *floats, last = passes(options, data, report)
    float_graph = run_passes(graph, floats, observe)
    return float_graph, run_passes(float_graph, [last], observe)


def _unused(options: Options) -> list[str]:
    """Return the options that were given and have no meaning here."""
    usual = {"bits": None, "levels": None, "scales": Recipe.scales, "rounding": Recipe.rounding}
    given = [name for name, value in usual.items() if options.settings[name].default not in (None, value)]
    by_layer = [name for name in (*usual, "weight_bits") if options.settings[name].by_layer]
    return list(dict.fromkeys([*given, *by_layer]))


def settings(network: Graph) -> dict[str, object]:
    """Return what a program's settings say of levels that are the model's own."""
    most = max(node.op.hi for node in network.nodes if isinstance(node.op, Encode | Fire | Ladder))
    return {"levels": most, "bits": None, "verbatim": True}


def sent_levels(float_graph: Graph, network: Graph, data: Data) -> Counts:
    """Return how often each population sends each of its levels on the data, by its node; see ``Quantize.sent``."""
    counts: Counts = {}
    known = float_graph.node
    senders = [node for node in network.nodes if isinstance(node.op, Fire | Ladder) and node.name in known]
    names = tuple(node.name for node in senders)
    shown = rebuild(float_graph, float_graph.nodes, float_graph.constants, outputs=names, labels=())
    values = run(shown, data) if senders else {}
    for node in senders:
        levels = np.rint(values[node.name].astype(np.float64) / node.op.scale)  # type: ignore[attr-defined]
        counts[node.name] = _count(levels, node.type.lo, node.type.hi)
    for node in network.nodes:
        if isinstance(node.op, Encode):
            kind = np.float32 if isinstance(node.op, EncodeEven) else np.float64
            steps = np.asarray(data[node.inputs[0]], kind) / kind(node.op.scale)
            counts[node.name] = _count(np.rint(steps), node.op.lo, node.op.hi)
    return counts


def _count(levels: npt.NDArray[np.floating], lo: int, hi: int) -> npt.NDArray[np.int64]:
    return np.bincount(np.clip(levels, lo, hi).astype(np.int64).ravel() - lo, minlength=hi - lo + 1)
