"""Neurons that read nothing but inputs: which levels they read, with which weights, where their levels change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder
from snncc.compiler.ir.moves import moves
from snncc.compiler.ir.ops import Concat, Conv
from snncc.compiler.mapping.edges import Origins

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Neuron:
    """A neuron of a first layer: its sum is sum over i of weights[i] q[where[i]].

    Attributes:
        where: int64 [n], places in the vector of all inputs' levels, none twice.
        weights: int64 [n].
        marks: int64 [m], the sums from which on the neuron's level is another one, ascending.
    """

    where: Ints
    weights: Ints
    marks: Ints


class FirstLayers:
    """The inputs of a quantized graph as one vector of levels, and the nodes that read nothing else.

    Attributes:
        encodes: the inputs' nodes, in the order of their levels in the vector.
        lo: int64 [levels], the least value of each level.
        hi: int64 [levels], the greatest.
        nodes: fire and ladder nodes all of whose charges come from inputs alone.
    """

    def __init__(self, graph: Graph) -> None:
        """Find the nodes."""
        self.graph = graph
        self._named, self._types, self._origins = graph.node, graph.types, Origins(graph)
        self.encodes = [node for node in graph.nodes if isinstance(node.op, Encode)]
        sizes = [node.type.size for node in self.encodes]
        self.lo = np.repeat([node.type.lo for node in self.encodes], sizes)
        self.hi = np.repeat([node.type.hi for node in self.encodes], sizes)
        self._ends = np.cumsum(sizes)
        self._seen: dict[str, Ints] = {}
        self.nodes = [node for node in graph.nodes if isinstance(node.op, Fire | Ladder) and self._is_first(node)]

    def _is_first(self, node: Node) -> bool:
        return all(self._shows_inputs(self._named[charge].inputs[0]) for charge in self._charges(node))

    def _shows_inputs(self, value: str) -> bool:
        """Return whether a value is made of inputs alone, moved and joined."""
        node = self._named[value]
        moves_on = moves(node.op) or isinstance(node.op, Concat)
        return isinstance(node.op, Encode) or (moves_on and all(map(self._shows_inputs, node.inputs)))

    def split(self, levels: Array) -> dict[str, Array]:
        """Return a vector of levels by encode node, [*shape] each."""
        parts = np.split(levels, self._ends[:-1])
        return {n.name: part.reshape(n.type.shape) for n, part in zip(self.encodes, parts, strict=True)}

    def _charges(self, node: Node) -> tuple[str, ...]:
        return tuple(name for name in node.inputs if name in self._named)

    def _places(self, value: str) -> Ints:
        """Return the place in the vector behind each element of a value, -1 for zeros."""
        if value in self._seen:
            return self._seen[value]
        begins = dict(zip((n.name for n in self.encodes), (0, *self._ends.tolist()), strict=False))
        places = np.full(self._types[value].size, -1, dtype=np.int64)
        for part in self._origins.parts(value):
            held = part.gather >= 0
            places[held] = part.gather[held] + begins[part.source.name]
        self._seen[value] = places
        return places

    def neuron(self, node: Node, channel: int, rng: np.random.Generator) -> Neuron:
        """Return a neuron of a channel of one of the nodes, at a random place where there are places."""
        at = (channel, *(int(rng.integers(n)) for n in node.type.shape[1:]))
        where, weights = [], []
        for charge in self._charges(node):
            linear = self._named[charge]
            value = linear.inputs[0]
            weight = self.graph.constants[linear.inputs[1]]
            read, weighted = _synapses(linear, weight, self._types[value].shape, at)
            where.append(self._places(value)[read])
            weights.append(weighted)
        found, number = np.unique(np.concatenate(where), return_inverse=True)
        sums = np.zeros(len(found), dtype=np.int64)
        np.add.at(sums, number, np.concatenate(weights))
        heard = found >= 0
        return Neuron(found[heard], sums[heard], self._marks(node, at))

    def _marks(self, node: Node, at: tuple[int, ...]) -> Ints:
        constants = [self.graph.constants[name] for name in node.inputs if name in self.graph.constants]
        bias = _at(constants[0], at)
        if isinstance(node.op, Ladder):
            return np.unique(constants[1][at[0]]) - bias
        theta = _at(constants[1], at)
        return theta * np.arange(node.type.lo + 1, node.type.hi + 1) - theta // 2 - bias


def _synapses(linear: Node, weight: Array, shape: tuple[int, ...], at: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Return which elements of its input an element of a linear node reads, and with which weights."""
    channel, *place = at
    if not isinstance(linear.op, Conv):
        return np.arange(weight.shape[1]), weight[channel]
    first = channel // (len(weight) // linear.op.groups) * weight.shape[1]
    taps = [(tap, where) for tap, where in _taps(linear.op, weight, tuple(place)) if _inside(where, shape[1:])]
    where = [np.ravel_multi_index((first + tap[0], *spot), shape) for tap, spot in taps]
    weights = [weight[channel][tap] for tap, _ in taps]
    return np.array(where, dtype=np.int64), np.array(weights, dtype=np.int64)


def _taps(op: Conv, weight: Array, place: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield each tap of a kernel, its channel first, and the position that it meets."""
    for tap in np.ndindex(*weight.shape[1:]):
        axes = zip(place, op.strides, tap[1:], op.dilations, op.pads[: len(place)], strict=True)
        yield tap, tuple(p * s + k * d - pad for p, s, k, d, pad in axes)


def _inside(where: tuple[int, ...], sizes: tuple[int, ...]) -> bool:
    return all(0 <= at < n for at, n in zip(where, sizes, strict=True))


def _at(constant: Array, at: tuple[int, ...]) -> int:
    """Return a neuron's own value of a constant of shape [C] or of the node."""
    return int(constant[at[0]] if constant.ndim == 1 else constant[at])
