"""What quantization has to tell the user."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Node
from snncc.compiler.quantize.weights import IntegerLayer
from snncc.compiler.targets import Target


def too_wide(name: str, target: Target, loc: Loc) -> Diagnostic:
    """Return SNN201: no integer form of a layer fits."""
    message = f"the accumulator of '{name}' can exceed {target.state_bits} bits"
    hint = "use fewer levels (--bits or --levels), fewer weight bits, or a smaller fan-in"
    return Diagnostic("SNN201", message, loc, hint)


def wide_payload(node: Node, levels: Levels, target: Target) -> Diagnostic:
    """Return SNN202: levels do not fit a spike."""
    message = f"levels up to {levels.magnitude} of '{node.name}' do not fit a payload of {target.payload_bits} bits"
    return Diagnostic("SNN202", message, node.loc, "use fewer levels (--bits or --levels)")


def mixed_scales(node: Node) -> Diagnostic:
    """Return SNN203: one weight reads values of different scales."""
    message = f"'{node.name}' reads a channel in which values of several layers stand side by side"
    hint = "join values along the channels, or give the layers before the concatenation one common activation"
    return Diagnostic("SNN203", message, node.loc, hint)


def wide_sums(node: Node, sums: int) -> Diagnostic:
    """Return SNN212: adaptive rounding would take too long."""
    message = f"{sums} weighted sums of '{node.name}' are too wide for adaptive rounding, and were rounded to nearest"
    hint = "nothing needs to be done at 8 bits; with fewer, give this layer 8 (--weight-bits 4,LAYER=8)"
    return Diagnostic("SNN212", message, node.loc, hint, "note")


def range_findings(node: Node, integer: IntegerLayer, target: Target) -> Iterator[Diagnostic]:
    """Yield SNN210 and SNN213: what of a layer's weights and levels was given up so that no input can overflow."""
    why = f"so that no input can overflow {target.state_bits}-bit states"
    channels, worst = int((integer.halvings > 0).sum()), int(integer.halvings.max())
    if channels:
        what = f"{channels} channels of '{node.name}' keep up to {worst} bits less of weight precision"
        yield Diagnostic("SNN210", f"{what}, {why}", node.loc, severity="warning")
    if integer.coarsening > 1:
        what = f"levels of '{node.name}' are {integer.coarsening} times coarser"
        yield Diagnostic("SNN213", f"{what}, {why}", node.loc, severity="warning")
