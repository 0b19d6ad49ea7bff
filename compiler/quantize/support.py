"""What a canonical network may hold that the integer network cannot take; no calibration data are needed to tell."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.ir.graph import Graph
from snncc.compiler.quantize.findings import mixed_scales
from snncc.compiler.quantize.layers import Layer, fired_sources, layers
from snncc.compiler.quantize.shares import MixedScalesError, Shares


def unsupported(graph: Graph) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each layer of a CANONICAL graph that cannot be quantized, in the order of the model."""
    shares = Shares(graph)
    for layer in layers(graph):
        if _mixes(graph, shares, layer):
            yield mixed_scales(layer.node)


def _mixes(graph: Graph, shares: Shares, layer: Layer) -> bool:
    """Return whether a weight of a layer reads values of several scales."""
    if layer.kind == "average":
        return len(fired_sources(graph, layer.node.inputs[0])) > 1
    try:
        for linear in layer.linears:
            shares.of(linear)
    except MixedScalesError:
        return True
    return False
