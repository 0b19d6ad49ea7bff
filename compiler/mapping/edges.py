"""Follow a charge back to the population it comes from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.ops import Reshape, Transpose
from snncc.compiler.program import ConvSynapses, DenseSynapses, Synapses


@dataclass(frozen=True)
class Edge:
    """One weighted edge of the integer network.

    Attributes:
        source: node whose levels are sent (encode, fire or max_pool).
        node: the linear node, for its name and location.
        synapses: its weights.
        gather: neuron of the source behind each input of the synapses, None where they are the same.
    """

    source: Node
    node: Node
    synapses: Synapses
    gather: Array | None


def linear_edge(graph: Graph, name: str) -> Edge:
    """Return the edge behind a charge, looking through views."""
    node = graph.node[name]
    source, gather = through_views(graph, node.inputs[0])
    weight = graph.constants[node.inputs[1]]
    return Edge(source, node, _synapses(graph, node, weight), gather)


def through_views(graph: Graph, name: str) -> tuple[Node, Array | None]:
    """Return the node whose levels a chain of views shows, and which of its elements each position shows."""
    chain = []
    node = graph.node[name]
    while node.op.view:
        chain.append(node)
        node = graph.node[node.inputs[0]]
    index = np.arange(node.type.size, dtype=np.int64).reshape(node.type.shape)
    for view in reversed(chain):
        if isinstance(view.op, Reshape):
            index = index.reshape(view.op.shape)
        elif isinstance(view.op, Transpose):
            index = index.transpose(view.op.perm)
    flat = index.ravel()
    identity = bool((flat == np.arange(flat.size)).all())
    return node, None if identity else flat


def _synapses(graph: Graph, node: Node, weight: Array) -> Synapses:
    if node.op.name == "dense":
        return DenseSynapses(weight)
    op = node.op
    shape = graph.types[node.inputs[0]].shape
    return ConvSynapses(weight, shape, op.strides, op.pads, op.dilations, op.groups)  # type: ignore[attr-defined]
