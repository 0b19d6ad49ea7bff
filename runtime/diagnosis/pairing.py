"""Which part of the integer network stands for which values of the float model, and in what units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import InternalError, Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder, Readout
from snncc.compiler.ir.moves import moved, moves
from snncc.compiler.ir.ops import Concat, Conv, MaxPool
from snncc.runtime.diagnosis.float_model import FloatModel

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
NOBODY = -1  # the source of a zero that an op has put there
SUFFIXES = (".charge", ".read")  # what the quantize pass adds to the name of a float weighted sum


@dataclass(frozen=True, eq=False)
class Sum:
    """A weighted sum in both networks.

    Attributes:
        name: of the float value.
        loc: where it stands in the user's model.
        weight: float weights [outputs, ...].
        bias: float bias, [outputs] or of the value's shape; None without one.
        integer: integer weights of the same shape.
        sources: int64, broadcasts to the weights: number of the layer that each of them reads, NOBODY for none.
    """

    name: str
    loc: Loc
    weight: Floats
    bias: Floats | None
    integer: Ints
    sources: Ints


@dataclass(frozen=True, eq=False)
class Layer:
    """What sends levels, or is read, in both networks.

    Attributes:
        name: node of the integer network.
        kind: ``input``, ``fire``, ``ladder``, ``average`` or ``readout``.
        value: the float value that it stands for.
        loc: where it stands in the user's model.
        levels: of what it sends; None for a readout.
        scale: real value of one level, for a readout of one unit.
        sums: its weighted sums; none for an input or an average pool.
        bias: integer bias; None where there are no sums.
        unit: real value of one unit of charge, float64 [channels]; empty where there are no sums.
        theta: largest threshold, 1 where there is none.
        shape: of what it sends or gives.
        reads: names of the layers that it reads.
        area: positions that an average pool adds up, 1 for any other layer.
    """

    name: str
    kind: str
    value: str
    loc: Loc
    levels: Levels | None
    scale: float
    sums: tuple[Sum, ...] = ()
    bias: Ints | None = None
    unit: Floats = field(default_factory=lambda: np.zeros(0))
    theta: int = 1
    shape: tuple[int, ...] = ()
    reads: tuple[str, ...] = ()
    area: int = 1

    @property
    def place(self) -> Loc:
        """Return where the weights of the layer stand in the user's model, or the layer where it has none."""
        return self.sums[0].loc if self.sums else self.loc


def paired_layers(network: Graph, model: FloatModel) -> tuple[Layer, ...]:
    """Return the layers of an integer network in data-flow order, each with its float values.

    Args:
        network: a QUANTIZED graph.
        model: the canonical float model it was quantized from.
    """
    return tuple(_Pairing(network, model).layers())


class _Pairing:
    """Walks the integer network once; knows which layer each element of a value comes from."""

    def __init__(self, network: Graph, model: FloatModel) -> None:
        self.network, self.model = network, model
        self.found: list[Layer] = []
        self.numbers: dict[str, Ints] = {}  # layer behind each element of a value

    def layers(self) -> Iterator[Layer]:
        for node in self.network.nodes:
            layer = self._layer(node)
            if layer is not None:
                reads = layer.reads or tuple(dict.fromkeys(n for one in layer.sums for n in self._names(one.sources)))
                layer = replace(layer, shape=node.type.shape, reads=reads)
                self.found.append(layer)
                self.numbers[node.name] = np.full(node.type.shape, len(self.found) - 1, dtype=np.int64)
                yield layer
            elif isinstance(node.op, MaxPool):
                channel = _channels(self.numbers[node.inputs[0]])
                wide = channel.reshape(-1, *(1,) * (len(node.type.shape) - 1))
                self.numbers[node.name] = np.broadcast_to(wide, node.type.shape)
            elif isinstance(node.op, Concat):
                parts = [self.numbers[name] for name in node.inputs]
                self.numbers[node.name] = np.concatenate(parts, axis=node.op.axis)
            elif moves(node.op) and node.inputs[0] in self.numbers:  # a view of an output has no levels
                self.numbers[node.name] = moved(node.op, self.numbers[node.inputs[0]], NOBODY)

    def _layer(self, node: Node) -> Layer | None:
        op = node.op
        if isinstance(op, Encode):
            return Layer(node.name, "input", node.inputs[0], node.loc, Levels(op.lo, op.hi), op.scale)
        if isinstance(op, Fire):
            return self._fire(node, op)
        if isinstance(op, Ladder):
            return self._firing(node, "ladder", node.inputs[:-3], node.inputs[-3], op)
        if isinstance(op, Readout):
            sums = self._sums(node.inputs[:-1])
            bias = self.network.constants[node.inputs[-1]]
            unit = np.full(node.type.shape[0], op.scale)
            return Layer(node.name, "readout", node.name, node.loc, None, op.scale, sums, bias, unit)
        return None

    def _fire(self, node: Node, op: Fire) -> Layer:
        theta = self.network.constants[node.inputs[-1]]
        if "AveragePool" in self.model.kind(node.name):
            levels = Levels(op.lo, op.hi)
            added = self.network.node[node.inputs[0]]
            area = int(np.prod(self.network.constants[added.inputs[1]].shape[2:]))
            reads = self._names(self.numbers[added.inputs[0]])
            theta_max = int(theta.max())
            return Layer(
                node.name, "average", node.name, node.loc, levels, op.scale, theta=theta_max, reads=reads, area=area
            )
        return self._firing(node, "fire", node.inputs[:-2], node.inputs[-2], op)

    def _firing(self, node: Node, kind: str, charges: tuple[str, ...], bias: str, op: Fire | Ladder) -> Layer:
        sums = self._sums(charges)
        unit: Floats
        if isinstance(op, Fire):
            theta = self.network.constants[node.inputs[-1]].astype(np.float64)
            unit = op.scale / theta.reshape(len(theta), -1)[:, 0]
        else:
            unit = self._fitted_unit(sums, op.scale)
        theta_max = int(np.rint(op.scale / unit).max())
        integer_bias = self.network.constants[bias]
        levels = Levels(op.lo, op.hi)
        return Layer(node.name, kind, node.name, node.loc, levels, op.scale, sums, integer_bias, unit, theta_max)

    def _sums(self, charges: tuple[str, ...]) -> tuple[Sum, ...]:
        nodes = self.network.node
        return tuple(self._sum(nodes[name]) for name in charges)

    def _sum(self, node: Node) -> Sum:
        name = next((node.name.removesuffix(end) for end in SUFFIXES if node.name.endswith(end)), node.name)
        if name not in self.model:
            raise InternalError(f"the float model has no weighted sum '{name}'")
        integer = self.network.constants[node.inputs[1]]
        column = _channels(self.numbers[node.inputs[0]])
        if isinstance(node.op, Conv):
            outs, ins = len(integer) // node.op.groups, integer.shape[1]
            column = np.repeat(column.reshape(node.op.groups, ins), outs, axis=0)
        else:
            column = column[None]
        sources = column.reshape(*column.shape, *(1,) * (integer.ndim - 2))
        return Sum(name, node.loc, self.model.weight(name), self.model.bias(name), integer, sources)

    def _names(self, numbers: Ints) -> tuple[str, ...]:
        return tuple(self.found[int(number)].name for number in np.unique(numbers) if number != NOBODY)

    def _fitted_unit(self, sums: tuple[Sum, ...], scale: float) -> Floats:
        """Return the unit of each channel of a ladder, which does not state it: theta is a power of two."""
        top: Floats = np.zeros(len(sums[0].weight))
        bottom: Floats = np.zeros(len(sums[0].weight))
        for one in sums:
            real: Floats = one.weight * source_scales(one, self.found)
            integer = one.integer.astype(np.float64)
            top = top + (real * integer).reshape(len(top), -1).sum(axis=1)
            bottom = bottom + (integer**2).reshape(len(top), -1).sum(axis=1)
        fitted = np.where((bottom > 0) & (top > 0), top / np.maximum(bottom, 1), scale)
        exponents = np.clip(np.rint(np.log2(scale / fitted)), 0, 62)
        unit: Floats = scale / np.exp2(exponents)
        return unit


def source_scales(one: Sum, layers: Sequence[Layer]) -> Floats:
    """Return the real value of a level that each weight reads, float64, broadcasts to the weights."""
    scales: Floats = np.array([*(layer.scale for layer in layers), 1.0])  # NOBODY is the last
    return scales[one.sources]


def by_source(one: Sum) -> Mapping[int, Floats]:
    """Return the float weights that read each layer, zeros elsewhere, by the layer's number."""
    found = [int(number) for number in np.unique(one.sources) if number != NOBODY]
    return {number: np.where(one.sources == number, one.weight, 0.0) for number in found}


def _channels(numbers: Ints) -> Ints:
    """Return the one layer that each channel shows."""
    flat = numbers.reshape(len(numbers), -1)
    return flat.max(axis=1)
