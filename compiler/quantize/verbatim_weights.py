"""Integer weights: the model's own where it has them, else its float weights rounded to a width."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.quantizer import IntegerWeight
from snncc.compiler.quantize.verbatim_problems import Found, own_weights
from snncc.compiler.quantize.verbatim_values import Ints

SHRUNK = np.linspace(0.4, 1.0, 61)  # clips that are tried, as parts of the largest weight of a channel


def integer_weights(
    graph: Graph, node: Node, width: Callable[[str], int], found: Found, shared: bool = False
) -> tuple[Ints, npt.NDArray[np.float32]]:
    """Return a linear node's weights, int64, and the scale of each output channel, float32 [channels].

    Args:
        graph: the float graph.
        node: the linear node.
        width: bits of weights that are floats, by the name of their node.
        found: takes what a user should know.
        shared: whether float weights are to have one scale for all channels, as outputs have one unit.
    """
    maker = graph.node.get(node.inputs[1])
    if maker is not None and isinstance(maker.op, IntegerWeight):
        whole, scale = (graph.constants[name] for name in maker.inputs)
        return np.rint(whole).astype(np.int64), scale
    bits = width(node.name)
    found.report(own_weights(node, bits))
    return rounded_weights(graph.constants[node.inputs[1]], bits, shared)


def rounded_weights(weight: Array, bits: int, shared: bool = False) -> tuple[Ints, npt.NDArray[np.float32]]:
    """Return float weights as integers |w| <= 2^(bits - 1) - 1, and per channel the scale of least squared error."""
    if shared:
        whole, scale = rounded_weights(weight[None], bits)
        return whole[0], np.repeat(scale, len(weight))
    most = (1 << (bits - 1)) - 1
    rows = weight.reshape(len(weight), -1).astype(np.float64)
    largest = np.abs(rows).max(axis=1)
    largest = np.where(largest > 0, largest, 1.0)
    best, error = np.zeros_like(largest), np.full(len(rows), np.inf)
    for part in SHRUNK:
        scale = (largest * part / most).astype(np.float32).astype(np.float64)
        lost = ((np.clip(np.rint(rows / scale[:, None]), -most, most) * scale[:, None] - rows) ** 2).sum(axis=1)
        best, error = np.where(lost < error, scale, best), np.minimum(lost, error)
    whole = np.clip(np.rint(rows / best[:, None]), -most, most).astype(np.int64)
    return whole.reshape(weight.shape), best.astype(np.float32)
