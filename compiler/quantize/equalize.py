"""Equalize channels: rescale them so that one scale of a level suits all channels of a layer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.curve import HOMOGENEOUS, Curve
from snncc.compiler.ir.graph import Array, Graph, Node, Stage, rebuild
from snncc.compiler.ir.moves import moved, moves
from snncc.compiler.ir.ops import AveragePool, Concat, Conv, MaxPool, Relu
from snncc.compiler.ir.types import TensorType
from snncc.compiler.passes.base import Pass
from snncc.compiler.quantize.calibrate import MOST_VALUES, limited, run
from snncc.compiler.quantize.layers import Layer, layers
from snncc.compiler.quantize.recipe import Recipes
from snncc.compiler.quantize.scales import activation_scale, channel_scales

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Readers = list[tuple[Node, Ints]]
ENOUGH = 500  # values of a channel that tell its best scale as well as its root mean square
PRIOR = 4.0  # weight, in samples, of the layer's mean square in a channel's
ELSEWHERE = -1  # a channel that shows something else
SPREAD = 1e4  # largest ratio by which a channel is moved against the others


@dataclass(frozen=True)
class Equalize(Pass):
    """f(W x + b) = r f(W/r x + b/r), r > 0: a channel is divided by r, its readers' weights multiplied by r.

    r is the channel's own scale of a level over that of its layer, so that every channel makes use of all levels
    (after Nagel et al., 2019, "Data-free quantization through weight equalization and bias correction", section 4.1,
    with activations measured on calibration data in place of weights). f is ReLU, leaky or not, or nothing. A layer
    stays as it is where its activation is another, where its charge is read by others too, or where a reader is no
    weighted sum that can take the factor in.

    Attributes:
        calibration: float inputs [samples, *shape] by input name.
        recipes: give each layer its levels.
    """

    name: ClassVar[str] = "equalize"
    takes: ClassVar[Stage] = Stage.CANONICAL
    gives: ClassVar[Stage] = Stage.CANONICAL
    calibration: Mapping[str, Array] = field(repr=False)
    recipes: Recipes = field(default_factory=Recipes)

    def run(self, graph: Graph) -> Graph:
        """Return the graph with channels rescaled; it computes the same function."""
        owned = _own_constants(graph)
        constants = {name: np.array(array) for name, array in owned.constants.items()}
        data = limited(owned, self.calibration)
        for layer, readers, active in _measured(owned, data):
            factor = _factors(np.abs(active), self.recipes.of(layer.node.name).levels)
            _divide(layer.linears, factor, constants)
            for reader, channel in readers:
                _multiply(reader, np.where(channel == ELSEWHERE, 1.0, factor[channel]), constants)
        return rebuild(owned, owned.nodes, constants)


def _measured(graph: Graph, data: Mapping[str, Array]) -> Iterator[tuple[Layer, Readers, npt.NDArray[np.float32]]]:
    """Yield each layer that can be rescaled with its readers and its activations [samples, channels, ...].

    Layers are run together, as many as MOST_VALUES allows.
    """
    samples = len(next(iter(data.values())))
    found = [(layer, readers) for layer in layers(graph) if (readers := _readers(graph, layer))]
    while found:
        sizes = np.cumsum([layer.node.type.size * samples for layer, _ in found])
        count = max(1, int(np.searchsorted(sizes, MOST_VALUES)))
        values = run(graph, data, [layer.node.name for layer, _ in found[:count]])
        yield from ((layer, readers, values.pop(layer.node.name)) for layer, readers in found[:count])
        found = found[count:]


def _own_constants(graph: Graph) -> Graph:
    """Return the graph with no constant read by two nodes."""
    constants: dict[str, Array] = {}
    nodes = []
    for node in graph.nodes:
        names = {name: name for name in node.inputs if name in graph.constants}
        names |= {name: f"{node.name}.{name}" for name in names if name in constants}
        constants |= {new: graph.constants[old] for old, new in names.items()}
        nodes.append(replace(node, inputs=tuple(names.get(name, name) for name in node.inputs)))
    return rebuild(graph, nodes, constants)


def _readers(graph: Graph, layer: Layer) -> Readers | None:
    """Return the linear nodes that read a layer, each with the layer's channel behind each of its input channels.

    None where the layer cannot be rescaled.
    """
    node, users = layer.node, graph.users()
    if not _is_homogeneous(node):
        return None
    if any(len(users[linear.name]) != 1 or linear.name in graph.outputs for linear in layer.linears):
        return None
    shape = node.type.shape
    column = np.arange(shape[0]).reshape(-1, *(1,) * (len(shape) - 1))
    found: Readers = []
    return found if _collect(graph.types, users, node, np.broadcast_to(column, shape), found) else None


def _is_homogeneous(node: Node) -> bool:
    """Return whether a node is an activation with f(r x) = r f(x) for every r > 0."""
    if isinstance(node.op, Relu):
        return node.op.cap is None
    return isinstance(node.op, Curve) and node.op.kind in HOMOGENEOUS


def _collect(
    types: Mapping[str, TensorType], users: Mapping[str, list[Node]], node: Node, channel: Ints, found: Readers
) -> bool:
    """Follow a value to the linear nodes that read it; return whether all its readers are such."""
    for user in users[node.name]:
        if isinstance(user.op, MaxPool | AveragePool):
            flat = channel.reshape(len(channel), -1)
            first = flat.max(axis=1, keepdims=True)
            if not ((flat == first) | (flat == ELSEWHERE)).all():
                return False
            pooled = first.reshape(-1, *(1,) * (len(user.type.shape) - 1))
            good = _collect(types, users, user, np.broadcast_to(pooled, user.type.shape), found)
        elif moves(user.op):
            good = _collect(types, users, user, moved(user.op, channel, ELSEWHERE), found)
        elif isinstance(user.op, Concat):
            good = _collect(types, users, user, _placed(types, user, node, channel), found)
        elif user.op.linear:
            flat = channel.reshape(len(channel), -1)
            row = flat.max(axis=1)
            good = bool(((flat == row[:, None]) | (flat == ELSEWHERE)).all())
            found.append((user, row))
        else:
            good = False
        if not good:
            return False
    return bool(users[node.name])


def _placed(types: Mapping[str, TensorType], concat: Node, node: Node, channel: Ints) -> Ints:
    """Return the channels of one operand of a concatenation, wherever it stands in it."""
    assert isinstance(concat.op, Concat)
    others = (np.full(types[name].shape, ELSEWHERE, dtype=np.int64) for name in concat.inputs)
    pairs = zip(concat.inputs, others, strict=True)
    return np.concatenate([channel if name == node.name else other for name, other in pairs], axis=concat.op.axis)


def _factors(active: npt.NDArray[np.floating], levels: int) -> Floats:
    """Return r of each channel, float64 [channels], from activations [samples, channels, ...].

    The best scale of a level hangs on the largest values seen, and few values tell those badly; the root mean square
    they tell well. So r is the geometric mean of the two ratios, the more of the first the more values there are.
    """
    channels = np.moveaxis(active, 1, 0).reshape(active.shape[1], -1).astype(np.float64)
    whole = float((channels**2).mean())
    if whole == 0:
        return np.ones(len(channels))
    seen = channels.shape[1]
    power = (seen * (channels**2).mean(axis=1) + PRIOR * whole) / (seen + PRIOR)
    scales = channel_scales(channels, levels, unseen=1)
    best = np.nan_to_num(scales / activation_scale(active, levels, unseen=1), nan=1.0)
    trust = seen / (seen + ENOUGH)
    factor: Floats = np.clip(best**trust * (power / whole) ** ((1 - trust) / 2), 1 / SPREAD, SPREAD)
    return factor


def _divide(linears: tuple[Node, ...], factor: Floats, constants: dict[str, Array]) -> None:
    """Divide the rows of weights and biases."""
    for linear in linears:
        for name in linear.inputs[1:]:
            array = constants[name]
            column = factor.reshape(-1, *(1,) * (array.ndim - 1))
            constants[name] = (array / column).astype(np.float32)


def _multiply(reader: Node, factor: Floats, constants: dict[str, Array]) -> None:
    """Multiply the columns of a weight, one factor an input channel."""
    weight = constants[reader.inputs[1]]
    groups = reader.op.groups if isinstance(reader.op, Conv) else 1
    rows = weight.reshape(groups, -1, *weight.shape[1:])
    columns = factor.reshape(groups, 1, -1, *(1,) * (weight.ndim - 2))
    constants[reader.inputs[1]] = (rows * columns).reshape(weight.shape).astype(np.float32)
