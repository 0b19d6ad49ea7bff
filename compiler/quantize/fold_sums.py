"""Fold exact sums into the weights that read them: for codings whose window grows with the level."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import prod
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Array, Graph, Node, Stage, rebuild
from snncc.compiler.ir.integer_ops import Fire
from snncc.compiler.ir.ops import Conv, Dense, Reshape
from snncc.compiler.mapping.edges import Part, level_parts
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.window import Window, compose

MOST_WEIGHTS = 1 << 26  # of a dense layer on what is summed, 512 MB: beyond, the sum stays


@dataclass(frozen=True)
class FoldSums(Pass):
    """sum over j of w_j (sum over k of q_jk) = sum over j, k of w_j q_jk, integer by integer.

    An average pool is an exact sum population with Q' = k Q levels; in a unary coding its window is k times as long.
    Here its readers take its sources' levels directly, each with the same integer weight: no charge and no level after
    it changes, so the program still reproduces the network with the sums in it. A sum stays where its readers are no
    weighted sums, where a convolution's padding would see its sources, where overlapping windows would need weights
    wider than the target's, or where a neuron would hear more sources than a core of the target can.

    Attributes:
        widths: width of a weight, sign included, by the node that hears it.
        unary: names of the nodes sent in a unary coding; sums among them are folded. None for all.
        most: sources that a neuron can hear; None for any number.
    """

    name: ClassVar[str] = "fold-sums"
    takes: ClassVar[Stage] = Stage.QUANTIZED
    gives: ClassVar[Stage] = Stage.QUANTIZED
    widths: Callable[[str], int] = field(default=lambda name: 8, repr=False)
    unary: frozenset[str] | None = None
    most: int | None = None

    def run(self, graph: Graph) -> Graph:
        """Return the graph without the sums that can go."""
        nodes: list[Node] = []
        constants = dict(graph.constants)
        for node in graph.nodes:
            folded = self._folded(graph, node, constants) if node.op.linear else None
            nodes += folded or [node]
        return rebuild(graph, nodes, constants)

    def _folded(self, graph: Graph, node: Node, constants: dict[str, Array]) -> list[Node] | None:
        parts = level_parts(graph, node.inputs[0])
        if not parts:
            return None
        source, gather = parts[0].source, parts[0].shortest
        ones = _sum_behind(graph, source)
        if ones is None or len(parts) > 1 or not _shows_all(parts[0]) or not self._is_unary(source):
            return None
        below = ones.inputs[0]
        if isinstance(node.op, Dense):
            if node.type.size * graph.types[below].size > MOST_WEIGHTS:
                return None
            weight = _spread(graph, node, ones, gather)
            made = [_flat(graph, node, below)] if len(graph.types[below].shape) > 1 else []
            changed = replace(node, inputs=(made[0].name if made else below, node.inputs[1]))
        else:
            as_it_is = gather is None and graph.types[node.inputs[0]].shape == source.type.shape
            joint = _joint(graph, ones, node) if as_it_is else None
            if joint is None:
                return None
            weight, made = np.rint(joint.weight).astype(np.int64), []
            changed = replace(node, op=joint.op, inputs=(below, node.inputs[1]))
        too_many = self.most is not None and prod(weight.shape[1:]) > self.most
        if too_many or int(np.abs(weight).max(initial=0)) >= 1 << (self._width(graph, node) - 1):
            return None
        constants[node.inputs[1]] = weight
        return [*made, changed]

    def _width(self, graph: Graph, linear: Node) -> int:
        return min(self.widths(user.name) for user in graph.users()[linear.name])

    def _is_unary(self, source: Node) -> bool:
        return self.unary is None or source.name in self.unary


def _shows_all(part: Part) -> bool:
    """Return whether a value shows every neuron of its source once."""
    if part.order is None:
        return True
    return bool(np.array_equal(np.sort(part.order), np.arange(part.source.type.size)))


def _sum_behind(graph: Graph, fire: Node) -> Node | None:
    """Return the depthwise convolution by ones behind a node that only adds, None for any other node."""
    if not isinstance(fire.op, Fire) or len(fire.inputs) != 3:
        return None
    linear = graph.node[fire.inputs[0]]
    bias, theta = (graph.constants[name] for name in fire.inputs[1:])
    weight = graph.constants[linear.inputs[1]]
    source = graph.types[linear.inputs[0]]
    area = prod(weight.shape[2:])
    depthwise = isinstance(linear.op, Conv) and linear.op.groups == len(weight) and weight.shape[1] == 1
    holds_all = fire.op.lo <= area * source.lo and fire.op.hi >= area * source.hi
    adds = bool((weight == 1).all() and (theta == 1).all() and not bias.any())
    return linear if depthwise and holds_all and adds else None


def _joint(graph: Graph, ones: Node, node: Node) -> Window | None:
    """Return the convolution after the sum and the sum as one; float64 holds the small integers exactly."""
    first, second = (_window(graph, n) for n in (ones, node))
    return compose(first, second, graph.types[ones.inputs[0]].shape[1:])


def _window(graph: Graph, node: Node) -> Window:
    assert isinstance(node.op, Conv)
    weight = graph.constants[node.inputs[1]].astype(np.float64)
    return Window(node.op, weight, np.zeros((len(weight), *(1,) * (weight.ndim - 2))))


def _flat(graph: Graph, node: Node, below: str) -> Node:
    kind = graph.types[below]
    return Node(f"{node.name}.flat", Reshape((kind.size,)), (below,), kind, node.loc)


def _spread(graph: Graph, node: Node, ones: Node, gather: Array | None) -> Array:
    """Return a dense weight on the sums as one on what they add up."""
    assert isinstance(ones.op, Conv)
    weight, below = graph.constants[node.inputs[1]], graph.types[ones.inputs[0]].shape
    on_sums = np.empty_like(weight)
    on_sums[:, gather if gather is not None else slice(None)] = weight
    on_sums = on_sums.reshape(-1, *ones.type.shape)
    op, rank = ones.op, len(below) - 1
    pads = list(zip(op.pads[:rank], op.pads[rank:], strict=True))
    sizes = [n + b + e for n, (b, e) in zip(below[1:], pads, strict=True)]
    padded = np.zeros((len(weight), below[0], *sizes), dtype=np.int64)
    for tap in np.ndindex(*graph.constants[ones.inputs[1]].shape[2:]):
        axes = zip(tap, op.strides, ones.type.shape[1:], strict=True)
        seen = (slice(None), slice(None), *[slice(k, k + s * (n - 1) + 1, s) for k, s, n in axes])
        padded[seen] += on_sums
    inside = (slice(None), slice(None), *[slice(b, b + n) for n, (b, _) in zip(below[1:], pads, strict=True)])
    return padded[inside].reshape(len(weight), -1)
