"""What a pass may ask about a value of a float graph.

A *level source* becomes integer levels later: a graph input, an activation (a ReLU or curve), or a pool, view,
selection or concatenation of level sources. A *charge* is a weighted sum: a convolution, a dense layer or an
addition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Array, Node
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Add, Affine, AveragePool, Concat, MaxPool, Relu
from snncc.compiler.ir.types import TensorType

NEVER_NEGATIVE = frozenset({"hard_sigmoid", "sigmoid", "softplus"})
"""Kinds of curves whose values are 0 or more."""


class Values(Protocol):
    """A graph as these questions need it; ``Rewriter`` is one."""

    @property
    def nodes(self) -> Mapping[str, Node]:
        """Nodes by name."""

    @property
    def types(self) -> Mapping[str, TensorType]:
        """Types of all values by name."""

    @property
    def constants(self) -> Mapping[str, Array]:
        """Constants by name."""


def is_activation(op: Op) -> bool:
    """Return whether an op turns weighted sums into levels."""
    return isinstance(op, (Relu, Curve))


def is_charge_op(op: Op) -> bool:
    """Return whether an op gives a weighted sum."""
    return op.linear or isinstance(op, Add)


def passes_levels(op: Op) -> bool:
    """Return whether an op gives levels where it reads levels."""
    return op.view or op.selects or isinstance(op, (MaxPool, AveragePool, Concat))


def is_level(graph: Values, name: str, scaled: bool = False) -> bool:
    """Return whether a value is a level source; with ``scaled``, whether it would be if nothing were scaled."""
    node = graph.nodes.get(name)
    if node is None:
        return name not in graph.constants
    if is_activation(node.op):
        return True
    if scaled and isinstance(node.op, Affine):
        return is_level(graph, node.inputs[0], scaled)
    return passes_levels(node.op) and all(is_level(graph, source, scaled) for source in node.inputs)


def is_nonnegative(graph: Values, name: str) -> bool:
    """Return whether a value is known to be 0 or more, because it derives from ReLUs and the like."""
    node = graph.nodes.get(name)
    if node is None:
        return False
    if isinstance(node.op, Curve):
        return node.op.kind in NEVER_NEGATIVE or (node.op.kind == "clip" and node.op.parameters[0] >= 0)
    if isinstance(node.op, Relu):
        return True
    keeps_sign = passes_levels(node.op) or isinstance(node.op, Add)
    return keeps_sign and all(is_nonnegative(graph, source) for source in node.inputs)


def is_cut(op: AveragePool | MaxPool, sizes: tuple[int, ...]) -> bool:
    """Return whether some window of a pool reaches into the padding of an input with these spatial sizes."""
    return any(op.pads[: len(sizes)]) or any(read_ends(op, sizes))


def has_one_divisor(op: AveragePool, sizes: tuple[int, ...]) -> bool:
    """Return whether every window of a pool divides by its whole size, for these spatial sizes."""
    return op.count_include_pad or not is_cut(op, sizes)


def read_ends(op: AveragePool | MaxPool, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """Return how much of the padding at each end some window reaches; strides may leave the rest unread."""
    dilations = op.dilations if isinstance(op, MaxPool) else (1,) * len(sizes)
    ends = []
    for axis, size in enumerate(sizes):
        begin, end = op.pads[axis], op.pads[len(sizes) + axis]
        span = dilations[axis] * (op.kernel[axis] - 1) + 1
        last = (size + begin + end - span) // op.strides[axis] * op.strides[axis] + span - begin
        ends.append(max(0, last - size))
    return tuple(ends)


def real_counts(op: AveragePool, sizes: tuple[int, ...]) -> Array:
    """Return how many positions of each window lie inside an input with these spatial sizes."""
    counts = np.ones((), dtype=np.int64)
    for axis, size in enumerate(sizes):
        begin, end = op.pads[axis], op.pads[len(sizes) + axis]
        starts = np.arange(-begin, size + end - op.kernel[axis] + 1, op.strides[axis])
        inside = np.minimum(starts + op.kernel[axis], size) - np.maximum(starts, 0)
        counts = np.multiply.outer(counts, np.maximum(inside, 0))
    return counts
