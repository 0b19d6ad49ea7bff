"""Follow a charge back to the populations it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.moves import moved, moves
from snncc.compiler.ir.ops import Concat, Conv, Reshape
from snncc.compiler.ir.types import TensorType
from snncc.compiler.program import SILENCE, ConvSynapses, DenseSynapses, Synapses

Ints = npt.NDArray[np.int64]
MOST_KEPT = 1 << 22  # elements of moved values that are remembered at a time, 64 MB


@dataclass(frozen=True)
class Part:
    """What a level value shows of one population.

    Attributes:
        source: node whose levels are sent (encode, fire, ladder or max_pool).
        order: int64 [elements of the value]: the source's neuron behind each, -1 where it shows none of them; None
            where they are the source's neurons in their own order.
    """

    source: Node
    order: Ints | None = None

    @property
    def gather(self) -> Ints:
        """Return the source's neuron behind each element, int64 [elements], -1 where it shows none of them."""
        return np.arange(self.source.type.size, dtype=np.int64) if self.order is None else self.order

    @property
    def shortest(self) -> Ints | None:
        """Return the order, None where it is the source's own."""
        return None if self.order is None else as_gather(self.order, self.source.type.size)


@dataclass(frozen=True)
class Edge:
    """One weighted edge of the integer network.

    Attributes:
        source: node whose levels are sent.
        node: the linear node, for its name and location.
        synapses: its weights.
        gather: neuron of the source behind each input of the synapses, -1 for none; None where they are the same.
    """

    source: Node
    node: Node
    synapses: Synapses
    gather: Ints | None


@dataclass(frozen=True)
class Origins:
    """Knows which population's neuron stands behind each element of a level value, in a QUANTIZED graph.

    A value that shows one population as it is takes no arrays, however large it is.
    """

    graph: Graph
    _nodes: dict[str, Node] = field(init=False, repr=False)
    _numbers: dict[str, int] = field(init=False, repr=False)
    _types: dict[str, TensorType] = field(init=False, repr=False)
    _known: dict[str, tuple[Ints, Ints]] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        """Look the nodes up once."""
        object.__setattr__(self, "_nodes", self.graph.node)
        object.__setattr__(self, "_numbers", {node.name: i for i, node in enumerate(self.graph.nodes)})
        object.__setattr__(self, "_types", self.graph.types)

    def parts(self, name: str) -> list[Part]:
        """Return what a level value shows, one part a population, in the order in which they first appear."""
        if (source := self._whole(name)) is not None:
            return [Part(source)]
        numbers, neurons = (array.ravel() for array in self._of(name))
        found = dict.fromkeys(numbers[np.sort(np.unique(numbers, return_index=True)[1])].tolist())
        shown = [number for number in found if number != SILENCE]
        return [Part(self.graph.nodes[n], np.where(numbers == n, neurons, SILENCE)) for n in shown]

    def _whole(self, name: str) -> Node | None:
        """Return the node whose neurons a value shows, each once and in their order; None for any other value."""
        node = self._nodes[name]
        while isinstance(node.op, Reshape):
            node = self._nodes[node.inputs[0]]
        return None if moves(node.op) or isinstance(node.op, Concat) else node

    def _of(self, name: str) -> tuple[Ints, Ints]:
        """Return number of the source node, and its neuron, for each element of a value; SILENCE for zeros."""
        if name in self._known:
            return self._known[name]
        node = self._nodes[name]
        if isinstance(node.op, Concat):
            axis, parts = node.op.axis, [self._of(source) for source in node.inputs]
            found = (np.concatenate([n for n, _ in parts], axis=axis), np.concatenate([i for _, i in parts], axis=axis))
        elif moves(node.op):
            numbers, neurons = self._of(node.inputs[0])
            found = (moved(node.op, numbers, SILENCE), moved(node.op, neurons, SILENCE))
        else:
            own = np.arange(node.type.size, dtype=np.int64).reshape(node.type.shape)
            return np.broadcast_to(np.int64(self._numbers[name]), own.shape), own
        self._keep(name, found)
        return found

    def _keep(self, name: str, found: tuple[Ints, Ints]) -> None:
        """Remember a value that was moved, for others are made of it; forget the rest where they grow too large."""
        if sum(neurons.size for _, neurons in self._known.values()) + found[1].size > MOST_KEPT:
            self._known.clear()
        if found[1].size <= MOST_KEPT:
            self._known[name] = found

    def edges(self, charge: str) -> Iterator[Edge]:
        """Yield the edges behind a charge: one a population that its linear node reads."""
        node = self._nodes[charge]
        weight = self.graph.constants[node.inputs[1]]
        shape = self._types[node.inputs[0]].shape
        parts = self.parts(node.inputs[0])
        for part in parts:
            if isinstance(node.op, Conv):
                synapses, seen = _conv(node.op, weight, shape, part.order, len(parts) > 1)
            else:
                synapses, seen = _dense(weight, part.order)
            gather = None if seen is None else as_gather(seen, part.source.type.size)
            yield Edge(part.source, node, synapses, gather)


def level_parts(graph: Graph, name: str) -> list[Part]:
    """Return what a level value shows, one part a population; see ``Origins``."""
    return Origins(graph).parts(name)


def as_gather(neurons: Ints, size: int) -> Ints | None:
    """Return None for the neurons 0, 1, ... of a population of a size, else the neurons as they are."""
    same = len(neurons) == size and bool((neurons == np.arange(size)).all())
    return None if same else neurons


def _dense(weight: Array, gather: Ints | None) -> tuple[Synapses, Ints | None]:
    """Return the columns that read the source."""
    if gather is None or (heard := gather != SILENCE).all():
        return DenseSynapses(weight), gather
    return DenseSynapses(weight[:, heard]), gather[heard]


def _conv(
    op: Conv, weight: Array, shape: tuple[int, ...], gather: Ints | None, cut: bool
) -> tuple[Synapses, Ints | None]:
    """Return the convolution over the channels that show something of the source; grouped ones are kept whole."""
    if gather is None:
        return ConvSynapses(weight, shape, op.strides, op.pads, op.dilations, op.groups), None
    planes = gather.reshape(shape[0], -1)
    heard = (planes != SILENCE).any(axis=1)
    if cut and op.groups == 1 and not heard.all():
        weight, planes = weight[:, heard], planes[heard]
    in_shape = (len(planes), *shape[1:])
    return ConvSynapses(weight, in_shape, op.strides, op.pads, op.dilations, op.groups), planes.ravel()
