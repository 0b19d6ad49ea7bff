"""Bijective views: every element of what they show is an element of the value behind them, and each shows once."""

from __future__ import annotations

import numpy as np

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.moves import moved
from snncc.compiler.ir.op import Op


def shown_by(graph: Graph, name: str) -> Node:
    """Return the node behind a chain of reshapes and transposes; a node that is no such view is its own."""
    return _behind(graph, name)[0]


def behind_views(graph: Graph, name: str) -> tuple[Node, Array]:
    """Return the node behind a chain of reshapes and transposes, and where its elements stand.

    Args:
        graph: any graph.
        name: a node of it; if it is no such view, it is the node itself.

    Returns:
        The node, and int64 [elements]: element i of the named value is element index[i] of the node's value.
    """
    node, chain = _behind(graph, name)
    index = np.arange(node.type.size, dtype=np.int64).reshape(node.type.shape)
    for op in chain:
        index = moved(op, index)
    return node, index.ravel()


def _behind(graph: Graph, name: str) -> tuple[Node, list[Op]]:
    """Return the node behind a chain of views, and the views, the first first."""
    nodes, chain = graph.node, list[Op]()
    node = nodes[name]
    while node.op.view and node.inputs[0] in nodes:
        chain.append(node.op)
        node = nodes[node.inputs[0]]
    return node, chain[::-1]
