"""The layers of a canonical graph: what becomes one population of the integer network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.ops import Add, AveragePool, Relu


@dataclass(frozen=True)
class Layer:
    """One population to be.

    Attributes:
        node: the node whose value the levels (or the readout) stand for: a relu, an average_pool, or an output.
        kind: ``fire``, ``average`` or ``readout``.
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
    for node in graph.nodes:
        if isinstance(node.op, Relu):
            yield Layer(node, "fire", node.inputs[0], _linears(graph, node.inputs[0]))
        elif isinstance(node.op, AveragePool):
            yield Layer(node, "average", node.name, ())
        if node.name in graph.outputs:
            yield Layer(node, "readout", node.name, _linears(graph, node.name))


def fired_sources(graph: Graph, name: str) -> tuple[str, ...]:
    """Return the values behind a level value, through views, max-pools and concats: inputs, relus, average pools."""
    node = graph.node.get(name)
    if node is None or isinstance(node.op, Relu | AveragePool):
        return (name,)
    return tuple(dict.fromkeys(s for i in node.inputs if i not in graph.constants for s in fired_sources(graph, i)))


def path(graph: Graph, target: str) -> tuple[Node, ...]:
    """Return the nodes from the nearest fired sources up to and including a target, in order."""
    wanted, stack = set(), [target]
    nodes = graph.node
    while stack:
        name = stack.pop()
        if name in wanted or name not in nodes:
            continue
        if name != target and isinstance(nodes[name].op, Relu | AveragePool):
            continue
        wanted.add(name)
        stack.extend(nodes[name].inputs)
    return tuple(node for node in graph.nodes if node.name in wanted)


def _linears(graph: Graph, charge: str) -> tuple[Node, ...]:
    node = graph.node[charge]
    if isinstance(node.op, Add):
        return tuple(graph.node[name] for name in node.inputs)
    return (node,)
