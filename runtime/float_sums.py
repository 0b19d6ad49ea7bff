"""When the sums of an integer network are exact in floats, and how weights are cut so that they are.

Every partial sum of a layer is an integer. Below 2^24 in magnitude float32 holds it without rounding, below 2^53
float64 does, whatever the order of summation.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Fire, Ladder, Readout

Ints = npt.NDArray[np.int64]
EXACT = 1 << 24  # integers below this are exact in float32 (IEEE 754 binary32: 24-bit significand)
WIDE = 1 << 52  # and a quotient of integers below this, rounded down, is right in float64 (binary64: 53 bits)


def is_sum(node: Node) -> bool:
    """Return whether a node adds up charges."""
    return isinstance(node.op, Fire | Ladder | Readout)


def constants_of(graph: Graph, node: Node) -> list[Ints]:
    """Return the constants of a node, in order."""
    return [graph.constants[name] for name in node.inputs if name in graph.constants]


def edges_of(graph: Graph, node: Node) -> list[Node]:
    """Return the linear nodes whose charges a node adds up."""
    nodes = graph.node
    return [nodes[name] for name in node.inputs if name in nodes]


def fits_float32(graph: Graph, node: Node) -> bool:
    """Return whether a node's sums are exact in float32, and so is what it makes of them by scaling and rounding down.

    That is so where they stay below 2^24, and every theta is a channel's power of two.
    """
    if isinstance(node.op, Fire):
        theta = constants_of(graph, node)[1]
        if theta.ndim > 1 or (theta & (theta - 1)).any():
            return False
    return largest(graph, node) < EXACT


def fits_float64(graph: Graph, node: Node) -> bool:
    """Return whether a node's sums, put together in float64 from sums that are exact in float32, are exact."""
    return largest(graph, node) < WIDE and all(digits(graph, edge) for edge in edges_of(graph, node))


def largest(graph: Graph, node: Node) -> int:
    """Return the greatest magnitude of bias and theta of a node together with the sum of |w q|, of any channel."""
    constants = constants_of(graph, node)
    total = int(np.abs(constants[0]).max(initial=0)) + sum(reach(graph, edge) for edge in edges_of(graph, node))
    return total + (int(constants[1].max(initial=0)) if isinstance(node.op, Fire) else 0)


def reach(graph: Graph, linear: Node) -> int:
    """Return the largest sum of |w q| of any channel of a linear node."""
    weight = np.abs(graph.constants[linear.inputs[1]])
    return int(weight.reshape(len(weight), -1).sum(axis=1).max(initial=0)) * _level(graph, linear)


def _level(graph: Graph, linear: Node) -> int:
    """Return the largest magnitude of a level that a linear node reads."""
    source = graph.types[linear.inputs[0]]
    return max(source.hi, -source.lo)


def digits(graph: Graph, linear: Node) -> list[tuple[int, Ints]]:
    """Return pairs (factor, weights) that add up to the weights of a linear node, the sums of each below 2^24.

    The factors are powers of a base 2^s, the weights its digits, -2^(s-1) to 2^(s-1) - 1. Empty where even the
    smallest digits may add up to more.
    """
    weight = graph.constants[linear.inputs[1]]
    if reach(graph, linear) < EXACT:
        return [(1, weight)]
    half = (EXACT - 1) // (int(np.prod(weight.shape[1:])) * _level(graph, linear))
    if half < 2:  # two digits, -1 and 0, make no positive number
        return []
    half = 1 << (half.bit_length() - 1)
    found, factor = [], 1
    while weight.any():
        low = (weight + half) % (2 * half) - half
        found.append((factor, low))
        weight, factor = (weight - low) // (2 * half), factor * 2 * half
    return found
