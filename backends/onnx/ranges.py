"""Proof that no 32-bit sum of the ONNX models can overflow, by interval arithmetic over every input there can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.backends.onnx.digits import RADIX, Ints, span_of, weight_digits
from snncc.backends.onnx.forms import CONSTANTS
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Fire, Ladder, Readout
from snncc.compiler.ir.ops import Conv, Dense, MaxPool
from snncc.compiler.ir.types import LEVEL

INT32 = 1 << 31
FLOAT32 = 1 << 24  # integers below this are exact in float32 (IEEE 754 binary32: 24-bit significand)
WIDER = "compile with fewer levels or weight bits"

Exact = npt.NDArray[Any]  # Python's integers, which do not wrap


@dataclass(frozen=True)
class Reach:
    """Least and greatest value of each channel, [channels]; reached or not."""

    low: Exact
    high: Exact

    def __add__(self, other: Reach) -> Reach:
        """Return the reach of a sum."""
        return Reach(self.low + other.low, self.high + other.high)

    @property
    def ends(self) -> tuple[int, int]:
        """Return the least and the greatest value of any channel."""
        return int(self.low.min()), int(self.high.max())

    @property
    def fits(self) -> bool:
        """Return whether every value fits 32 bits."""
        low, high = self.ends
        return low >= -INT32 and high < INT32


def range_problems(graph: Graph) -> list[Diagnostic]:
    """Return every value of a quantized graph that may leave the integers ONNX computes it in."""
    users = graph.users()
    wide = [
        name
        for name, a in graph.constants.items()
        if a.size and max(-int(a.min()), int(a.max())) >= INT32 and not _bars(users[name], name)
    ]
    found = [_wide(user, f"an element of constant {name}", INT32) for name in wide for user in users[name]]
    for node in graph.nodes:
        if node.type.dtype == LEVEL:
            found += _levels(node)
        if not set(wide).intersection(node.inputs):
            found += _sums(graph, node)
    return list(dict.fromkeys(found))


def _bars(users: list[Node], name: str) -> bool:
    """Return whether a constant holds thresholds of ladders alone: what no charge reaches may stand for itself."""
    return all(isinstance(user.op, Ladder) and name not in user.inputs[:-2] for user in users)


def charge_ranges(graph: Graph) -> dict[str, tuple[int, int]]:
    """Return the least and greatest charge, bias and rounding included, of every firing and reading node."""
    nodes = [node for node in graph.nodes if isinstance(node.op, Fire | Ladder | Readout)]
    return {node.name: list(_partial(graph, node))[-1].ends for node in nodes}


def _levels(node: Node) -> Iterator[Diagnostic]:
    span = span_of(node.type)
    if span.size >= INT32:
        yield _wide(node, "the range of its levels", INT32)
    elif isinstance(node.op, MaxPool) and span.size >= FLOAT32:
        yield _wide(node, "the range of its levels, whose maximum is computed in floats,", FLOAT32)


def _wide(node: Node, what: str, limit: int) -> Diagnostic:
    message = f"'{node.name}': {what} is not below 2^{limit.bit_length() - 1} in magnitude"
    return Diagnostic("SNN610", message, node.loc, WIDER)


def _sums(graph: Graph, node: Node) -> Iterator[Diagnostic]:
    if isinstance(node.op, Conv | Dense):
        yield from _products(graph, node)
    elif isinstance(node.op, Fire | Ladder | Readout) and not _charges_fit(graph, node):
        yield _large(node, "what its charges add up to")


def _charges_fit(graph: Graph, node: Node) -> bool:
    """Return whether every sum on the way to a charge fits, and what is computed with it.

    That is the shift into what is not negative, or a threshold above every charge.
    """
    steps = list(_partial(graph, node))
    if isinstance(node.op, Ladder):
        return all(step.fits for step in steps) and steps[-1].ends[1] < INT32 - 1
    if isinstance(node.op, Fire):
        theta = _per_channel(graph.constants[node.inputs[-1]], -node.op.lo)
        steps += [theta, steps[-1] + theta]
    return all(step.fits for step in steps)


def _partial(graph: Graph, node: Node) -> Iterator[Reach]:
    """Yield the reach of the sums of a firing or reading node: its charges, its offset, both.

    Every charge can be 0, so that no sum of some charges reaches beyond the sum of all.
    """
    constants = CONSTANTS[type(node.op)]
    first, *rest = (_charge(graph, graph.node[name]) for name in node.inputs[:-constants])
    total = sum(rest, first)
    offset = _per_channel(offset_of(graph.constants, node))
    yield from (total, offset, total + offset)


def offset_of(constants: Mapping[str, Ints], node: Node) -> Ints:
    """Return what a firing or reading node adds to its charges, [channels, ...]; sizes may be 1.

    That is its bias, and theta // 2 where it fires, so that its levels are rounded half up.
    """
    rank = len(node.type.shape)
    bias = spread(constants[node.inputs[-CONSTANTS[type(node.op)]]], rank)
    return bias + spread(constants[node.inputs[-1]], rank) // 2 if isinstance(node.op, Fire) else bias


def spread(constant: Ints, rank: int) -> Ints:
    """Return [channels] as [channels, 1, ...], what has the rank of the charges as it is."""
    return constant if constant.ndim == rank else constant.reshape(-1, *(1,) * (rank - 1))


def _per_channel(constant: Ints, factor: int = 1) -> Reach:
    """Return the reach of factor times a constant, factor >= 0."""
    flat = constant.reshape(len(constant), -1)
    return Reach(flat.min(axis=1).astype(object) * factor, flat.max(axis=1).astype(object) * factor)


def _charge(graph: Graph, node: Node) -> Reach:
    """Return the reach of a weighted sum; padding counts, for 0 lies in base..top."""
    span = span_of(graph.types[node.inputs[0]])
    weight = graph.constants[node.inputs[1]]
    flat = weight.reshape(len(weight), -1)
    up = np.maximum(flat, 0).sum(axis=1).astype(object)
    down = np.minimum(flat, 0).sum(axis=1).astype(object)
    return Reach(up * span.base + down * span.top, up * span.top + down * span.base)


def _products(graph: Graph, node: Node) -> Iterator[Diagnostic]:
    span, weight = span_of(graph.types[node.inputs[0]]), graph.constants[node.inputs[1]]
    digits = weight_digits(weight)
    sizes = {j: np.abs(digit.reshape(len(digit), -1)).sum(axis=1).astype(object) for j, digit in digits.items()}
    total = sum(
        RADIX ** (i + j) * size * span.magnitude(i) for i in range(len(span.zeros)) for j, size in sizes.items()
    )
    single = len(sizes) == len(span.zeros) == 1
    reach = _charge(graph, node) if single else Reach(-total, total)
    if not reach.fits:
        yield _large(
            node, "the weighted sum of its sources" if single else "the weighted sum of its sources in 8-bit digits"
        )


def _large(node: Node, what: str) -> Diagnostic:
    message = f"'{node.name}': {what} may need more than 32 bits, and ONNX's integer operators add in 32"
    return Diagnostic("SNN611", message, node.loc, f"{WIDER}, or split the layer")
