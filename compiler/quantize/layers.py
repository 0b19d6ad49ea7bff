"""The layers of a canonical graph: what becomes one population of the integer network."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.ops import Add, AveragePool, Relu
from snncc.compiler.ir.views import shown_by

FIRES = Relu | Curve | AveragePool  # ops whose values become levels of a scale of their own


@dataclass(frozen=True)
class Layer:
    """One population to be.

    Attributes:
        node: the node whose value the levels (or the readout) stand for: a relu, a curve, an average_pool, an output.
        kind: ``fire``, ``curve``, ``average`` or ``readout``.
        charge: name of the float pre-activation.
        linears: the linear nodes that add up to it, empty for an average pool.
    """

    node: Node
    kind: str
    charge: str
    linears: tuple[Node, ...]

    @property
    def cap(self) -> float | None:
        """Return the upper bound of the activation, None where there is none."""
        return self.node.op.cap if isinstance(self.node.op, Relu) else None


def layers(graph: Graph) -> Iterator[Layer]:
    """Yield the layers of a CANONICAL graph in data-flow order; an output charge that also fires is two layers."""
    read = {shown_by(graph, name).name for name in graph.outputs}
    for node in graph.nodes:
        if isinstance(node.op, Relu):
            yield Layer(node, "fire", node.inputs[0], _linears(graph, node.inputs[0]))
        elif isinstance(node.op, Curve):
            yield Layer(node, "curve", node.inputs[0], _linears(graph, node.inputs[0]))
        elif isinstance(node.op, AveragePool):
            yield Layer(node, "average", node.name, ())
        if node.name in read:
            yield Layer(node, "readout", node.name, _linears(graph, node.name))


def fired_sources(graph: Graph, name: str) -> tuple[str, ...]:
    """Return the values behind a level value, through all that moves levels: inputs, activations, averages."""
    return _fired(graph.node, graph.constants, name)


def _fired(nodes: Mapping[str, Node], constants: Container[str], name: str) -> tuple[str, ...]:
    node = nodes.get(name)
    if node is None or isinstance(node.op, FIRES):
        return (name,)
    return tuple(dict.fromkeys(s for i in node.inputs if i not in constants for s in _fired(nodes, constants, i)))


def path(graph: Graph, target: str) -> tuple[Node, ...]:
    """Return the nodes from the nearest fired sources up to and including a target, in order."""
    wanted, stack = set(), [target]
    nodes = graph.node
    while stack:
        name = stack.pop()
        if name in wanted or name not in nodes:
            continue
        if name != target and isinstance(nodes[name].op, FIRES):
            continue
        wanted.add(name)
        stack.extend(nodes[name].inputs)
    return tuple(node for node in graph.nodes if node.name in wanted)


def layer_bias(graph: Graph, layer: Layer) -> npt.NDArray[np.float64]:
    """Return the sum of the biases of a layer's linear nodes, [channels] unless one of them is per position."""
    shape = layer.node.type.shape
    total = np.zeros(shape[0], dtype=np.float64)
    for linear in layer.linears:
        if len(linear.inputs) < 3:
            continue
        bias = graph.constants[linear.inputs[2]].astype(np.float64)
        if bias.ndim != total.ndim:
            wide = (-1, *(1,) * (len(shape) - 1))
            bias, total = (a.reshape(wide) if a.ndim == 1 else a for a in (bias, total))
        total = total + bias
    return total


def _linears(graph: Graph, charge: str) -> tuple[Node, ...]:
    node = graph.node[charge]
    if isinstance(node.op, Add):
        return tuple(graph.node[name] for name in node.inputs)
    return (node,)
