"""Which fired value feeds which weights: a weighted sum over a concatenation has one edge for each value joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.moves import moved, moves
from snncc.compiler.ir.ops import Concat, Conv, MaxPool, Pad
from snncc.compiler.ir.view_ops import Dilate
from snncc.compiler.quantize.layers import FIRES
from snncc.compiler.quantize.weights import Edge

Numbers = npt.NDArray[np.int16]
Weights = dict[str, npt.NDArray[np.int64]]  # by linear node
NOBODY = -1  # a zero that an op has put there


class MixedScalesError(ValueError):
    """One weight reads values of different scales, so no integer weight can serve them."""


@dataclass(frozen=True)
class Share:
    """The weights of a linear node that one fired value feeds.

    Attributes:
        linear: the linear node.
        source: the fired value.
        weight: float weights in the shape of the linear node's, zero where they read something else.
        heard: bool, broadcasts to the weight: which of its entries read the source.
    """

    linear: Node
    source: str
    weight: Array
    heard: npt.NDArray[np.bool_]

    def edge(self, scale: Mapping[str, float], domain: Mapping[str, Levels]) -> Edge:
        """Return the edge with the scale and the levels of its source."""
        return Edge(self.weight, scale[self.source], domain[self.source])


class Shares:
    """Knows the fired value behind each element of a level value, in a CANONICAL graph."""

    def __init__(self, graph: Graph) -> None:
        """Look up the nodes once."""
        self.graph, self._nodes = graph, graph.node
        self._types = graph.types
        self._names: list[str] = []
        self._known: dict[str, Numbers] = {}

    def of(self, linear: Node) -> list[Share]:
        """Return the shares of a linear node, in the order of its input channels.

        Raises:
            MixedScalesError: an input channel shows values of several sources.
        """
        weight = self.graph.constants[linear.inputs[1]]
        column = self._channels(linear.inputs[0])
        if isinstance(linear.op, Conv):
            outs, ins = len(weight) // linear.op.groups, weight.shape[1]
            column = np.repeat(column.reshape(linear.op.groups, ins), outs, axis=0)
        else:
            column = column[None]
        column = column.reshape(*column.shape, *(1,) * (weight.ndim - 2))
        found = [number for number in dict.fromkeys(column.ravel().tolist()) if number != NOBODY]
        if len(found) == 1:
            return [Share(linear, self._names[found[0]], weight, np.ones_like(column, dtype=bool))]
        return [Share(linear, self._names[n], np.where(column == n, weight, 0), column == n) for n in found]

    def _numbers(self, name: str) -> Numbers:
        """Return the number of the fired value behind each element of a value, NOBODY for zeros.

        An axis along which nothing changes has one entry, whatever the size of the value.
        """
        if name not in self._known:
            node = self._nodes.get(name)
            if node is None or isinstance(node.op, FIRES):
                self._names.append(name)
                found = np.full((1,) * len(self._types[name].shape), len(self._names) - 1, dtype=np.int16)
            elif isinstance(node.op, Concat):
                found = np.concatenate([self._whole(source) for source in node.inputs], axis=node.op.axis)
            elif isinstance(node.op, MaxPool):
                found = self._channels(node.inputs[0]).reshape(-1, *(1,) * (len(node.type.shape) - 1))
            elif self._numbers(node.inputs[0]).size == 1 and not isinstance(node.op, Dilate | Pad):
                found = self._numbers(node.inputs[0]).reshape((1,) * len(node.type.shape))
            else:
                assert moves(node.op)
                found = moved(node.op, self._whole(node.inputs[0]), NOBODY)
            self._known[name] = found
        return self._known[name]

    def _whole(self, name: str) -> Numbers:
        """Return the numbers in the shape of the value."""
        return np.broadcast_to(self._numbers(name), self._types[name].shape)

    def _channels(self, name: str) -> Numbers:
        """Return the one number of each channel of a value."""
        numbers = self._numbers(name)
        flat = numbers.reshape(len(numbers), -1)
        channel: Numbers = flat.max(axis=1)
        if not ((flat == channel[:, None]) | (flat == NOBODY)).all():
            raise MixedScalesError
        return np.broadcast_to(channel, self._types[name].shape[:1])


def joined(shares: list[Share], weights: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Return the integer weight of a linear node from those of its shares."""
    total = weights[0] if len(weights) == 1 else np.zeros_like(weights[0])
    for share, weight in zip(shares, weights, strict=True):
        if len(weights) > 1:
            total = np.where(share.heard, weight, total)
    return total


def by_linear(shares: list[Share], weights: Sequence[npt.NDArray[np.int64]]) -> Weights:
    """Return the integer weight of each linear node, from those of the shares of a layer."""
    found: dict[str, list[tuple[Share, npt.NDArray[np.int64]]]] = {}
    for share, weight in zip(shares, weights, strict=True):
        found.setdefault(share.linear.name, []).append((share, weight))
    return {
        name: joined([share for share, _ in pairs], tuple(weight for _, weight in pairs))
        for name, pairs in found.items()
    }
