"""What collects the nodes of an ONNX model while a graph is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.types import TensorType

BATCH = "N"


class Writer:
    """Collects the nodes and initializers of the ONNX graph.

    Attributes:
        types: of every value of the graph.
        constants: of the graph, by name.
        nodes: written so far.
        initializers: of those nodes.
    """

    def __init__(self, graph: Graph) -> None:
        self.types = graph.types
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: dict[str, Array] = {}
        self.constants = graph.constants

    def constant(self, name: str) -> str:
        """Return the name of a constant of the graph, entering its values once."""
        if name in self.constants:
            self.initializers[name] = self.constants[name]
        return name

    def helper(self, node: Node, role: str, values: Array) -> str:
        """Return the name of an extra constant that belongs to a node."""
        name = self.extra(node, role)
        self.initializers[name] = values
        return name

    def extra(self, node: Node, role: str) -> str:
        """Return a name for an intermediate value; IR names never end like it."""
        name = f"{node.name}__{role}"
        while name in self.types:
            name += "_"
        return name

    def emit(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> None:
        """Append an ONNX node that is named after its result."""
        names = [self.constant(name) for name in inputs]
        self.nodes.append(helper.make_node(kind, names, [output], name=output, **attributes))

    def finish(self, graph: Graph, outputs: Iterable[str]) -> onnx.GraphProto:
        """Return the ONNX graph."""
        values = self.initializers.items()
        return helper.make_graph(
            self.nodes,
            graph.name,
            [_value(i.name, i.type) for i in graph.inputs],
            [_value(name, self.types[name]) for name in outputs],
            [numpy_helper.from_array(np.asarray(array), name) for name, array in values],
        )


def _value(name: str, kind: TensorType) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [BATCH, *kind.shape])
