"""The spiking program of a network that has not been calibrated: for the fit check, and for placing before training.

Populations, windows, connections, geometry and delays are those that ``compile_graph`` gives with the same options;
weights and thresholds are provisional, as wide as the options say. What only data can tell is assumed:

- inputs have no negative values, or have some, as the caller says;
- a curve with a least value, as SiLU, gets as many negative levels as the assumed scales make it;
- activations send the level 0 half of the time, all others equally often (``--coding auto`` counts spikes).

A network that was quantized elsewhere brings its own numbers; they are the real ones.
"""

from __future__ import annotations

import numpy as np

from snncc.compiler import verbatim
from snncc.compiler.ir.graph import Graph
from snncc.compiler.mapping.auto import Counts
from snncc.compiler.mapping.choice import senders
from snncc.compiler.mapping.lower import lower
from snncc.compiler.options import Options
from snncc.compiler.passes.base import Observer, run_passes
from snncc.compiler.pipeline import check_layers, codings, integer_passes, structure_passes
from snncc.compiler.program import Program
from snncc.compiler.quantize.assumed import AssumeScales, assumed_input


def draft(graph: Graph, options: Options, signed: bool = False, observe: Observer = lambda p, g: None) -> Program:
    """Return the spiking program of an imported graph without calibration data.

    It has no origin and no certificate: its numbers are provisional.

    Args:
        graph: an IMPORTED graph.
        options: the user's choices.
        signed: whether inputs have negative values.
        observe: called after each pass.

    Raises:
        SnnccError: the model cannot be compiled whatever the data; every reason found.
    """
    network = _network(graph, options, signed, observe)
    choice = codings(network, _counts(network), options, lambda note: None)
    suited = run_passes(network, integer_passes(options, choice.unary(network)), observe)
    return lower(suited, choice, options.target, options.schedule, options.recipes.weight_bits)


def _network(graph: Graph, options: Options, signed: bool, observe: Observer) -> Graph:
    """Return the integer network, its scales assumed unless it has its own."""
    if verbatim.is_verbatim(graph):
        data = {i.name: assumed_input(signed) for i in graph.inputs}  # only inputs without quantizer are read
        return verbatim.take_over(graph, data, options, observe, lambda note: None)[1]
    canonical = run_passes(graph, structure_passes(options), observe)
    check_layers(canonical, options)
    assume = AssumeScales(options.target, options.recipes, options.target.graded, signed, options.carries)
    return run_passes(canonical, [assume], observe)


def _counts(network: Graph) -> Counts:
    """Return how often each population is assumed to send each of its levels."""
    counts = {}
    for node in senders(network):
        sent = np.ones(node.type.hi - node.type.lo + 1, dtype=np.int64)
        sent[-node.type.lo] = max(1, len(sent) - 1)
        counts[node.name] = sent
    return counts
