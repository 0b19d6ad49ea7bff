"""Inputs: encoded as the model's own quantizer does, or with a scale that calibration data give."""

from __future__ import annotations

import numpy as np

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, EncodeEven
from snncc.compiler.ir.ops import Relu
from snncc.compiler.ir.quantizer import Quantizer
from snncc.compiler.quantize.ranges import widest_level
from snncc.compiler.quantize.scales import input_range
from snncc.compiler.quantize.verbatim_problems import Found, own_scale, refused, unquantized_input
from snncc.compiler.quantize.verbatim_values import Fed, Grid
from snncc.compiler.quantize.verbatim_writing import Network
from snncc.compiler.targets import Target

LEVELS = 255  # of an input without payloads: as many as an 8-bit image has


def encode(value: Fed, node: Node, network: Network, found: Found) -> Grid | Fed | None:
    """Return an input's levels as the quantizer that reads it has them; None where something else reads it first."""
    op = node.op
    if isinstance(op, Relu):
        return Fed(value.name, max(value.low, 0.0), min(value.high, np.inf if op.cap is None else op.cap))
    if not isinstance(op, Quantizer):
        return found.add(refused(node, f"computes with input '{value.name}' before a quantizer does"))
    if op.zero and op.zero % 2 == 0 and op.rounding == "half_even":
        op = Quantizer(op.scale, op.lo, op.hi, op.rounding)  # an even number moves no tie
    if op.zero or op.rounding not in ("half_even", "half_up"):
        return found.add(refused(node, f"rounds input '{value.name}' by '{op.rounding}', zero point {op.zero} first"))
    lo, hi = (int(op.levels(np.array(end, np.float32))) for end in (value.low, value.high))
    kind = EncodeEven if op.rounding == "half_even" else Encode
    return network.encode(value.name, node.name, kind(op.scale, lo, max(hi, 1)), node.loc)


def calibrated(graph: Graph, value: Fed, data: Array | None, network: Network, target: Target) -> Grid | None:
    """Return an input's levels, of a scale found on data; None, with a problem noted, where there are none."""
    loc = next(i.loc for i in graph.inputs if i.name == value.name)
    if data is None:
        return network.found.add(unquantized_input(value.name, loc))
    scale, lo, hi = input_range(data, target.graded, LEVELS, widest_level(target, bool(data.min() < 0)))
    network.found.report(own_scale(value.name, scale, f"{lo}..{hi}", loc))
    return network.encode(value.name, "", Encode(scale, lo, hi), loc)
