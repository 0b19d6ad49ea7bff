"""Follow a charge back to the populations it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.moves import moved, moves
from snncc.compiler.ir.ops import Concat, Conv
from snncc.compiler.ir.types import TensorType
from snncc.compiler.program import SILENCE, ConvSynapses, DenseSynapses, Synapses

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """What a level value shows of one population.

    Attributes:
        source: node whose levels are sent (encode, fire, ladder or max_pool).
        gather: int64 [elements of the value]: the source's neuron behind each, -1 where it shows none of them.
    """

    source: Node
    gather: Ints


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
    """Knows which population's neuron stands behind each element of a level value, in a QUANTIZED graph."""

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
        numbers, neurons = (array.ravel() for array in self._of(name))
        found = dict.fromkeys(numbers[np.sort(np.unique(numbers, return_index=True)[1])].tolist())
        shown = [number for number in found if number != SILENCE]
        return [Part(self.graph.nodes[n], np.where(numbers == n, neurons, SILENCE)) for n in shown]

    def _of(self, name: str) -> tuple[Ints, Ints]:
        """Return number of the source node, and its neuron, for each element of a value; SILENCE for zeros."""
        if name not in self._known:
            node = self._nodes[name]
            if isinstance(node.op, Concat):
                pairs = [self._of(source) for source in node.inputs]
                found = tuple(np.concatenate(side, axis=node.op.axis) for side in zip(*pairs, strict=True))
            elif moves(node.op):
                found = tuple(moved(node.op, array, SILENCE) for array in self._of(node.inputs[0]))
            else:
                neurons = np.arange(node.type.size, dtype=np.int64).reshape(node.type.shape)
                found = (np.full_like(neurons, self._numbers[name]), neurons)
            self._known[name] = found  # type: ignore[assignment]
        return self._known[name]

    def edges(self, charge: str) -> Iterator[Edge]:
        """Yield the edges behind a charge: one a population that its linear node reads."""
        node = self._nodes[charge]
        weight = self.graph.constants[node.inputs[1]]
        shape = self._types[node.inputs[0]].shape
        parts = self.parts(node.inputs[0])
        for part in parts:
            seen = part.gather
            if isinstance(node.op, Conv):
                synapses, seen = _conv(node.op, weight, shape, seen, len(parts) > 1)
            else:
                synapses, seen = _dense(weight, seen)
            yield Edge(part.source, node, synapses, as_gather(seen, part.source.type.size))


def level_parts(graph: Graph, name: str) -> list[Part]:
    """Return what a level value shows, one part a population; see ``Origins``."""
    return Origins(graph).parts(name)


def as_gather(neurons: Ints, size: int) -> Ints | None:
    """Return None for the neurons 0, 1, ... of a population of a size, else the neurons as they are."""
    same = len(neurons) == size and bool((neurons == np.arange(size)).all())
    return None if same else neurons


def _dense(weight: Array, gather: Ints) -> tuple[Synapses, Ints]:
    """Return the columns that read the source."""
    heard = gather != SILENCE
    return (DenseSynapses(weight), gather) if heard.all() else (DenseSynapses(weight[:, heard]), gather[heard])


def _conv(op: Conv, weight: Array, shape: tuple[int, ...], gather: Ints, cut: bool) -> tuple[Synapses, Ints]:
    """Return the convolution over the channels that show something of the source; grouped ones are kept whole."""
    planes = gather.reshape(shape[0], -1)
    heard = (planes != SILENCE).any(axis=1)
    if cut and op.groups == 1 and not heard.all():
        weight, planes = weight[:, heard], planes[heard]
    in_shape = (len(planes), *shape[1:])
    return ConvSynapses(weight, in_shape, op.strides, op.pads, op.dilations, op.groups), planes.ravel()
