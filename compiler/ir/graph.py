"""The graph: frozen nodes in an order where every value is defined before it is used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.types import TensorType

Array = npt.NDArray[Any]


class Stage(Enum):
    """How far a graph has come; each has its own legality table."""

    IMPORTED = "imported"
    CANONICAL = "canonical"
    QUANTIZED = "quantized"


@dataclass(frozen=True)
class Node:
    """One value: an op applied to named inputs (graph inputs, constants or earlier nodes)."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    type: TensorType
    loc: Loc = field(default=Loc(), compare=False)


@dataclass(frozen=True)
class Input:
    """A tensor the user feeds, without batch dimension."""

    name: str
    type: TensorType
    loc: Loc = field(default=Loc(), compare=False)


@dataclass(frozen=True, eq=False)
class Graph:
    """A network.

    Attributes:
        name: identifier of the network.
        stage: IMPORTED and CANONICAL are float, QUANTIZED is integer.
        inputs: what the user feeds.
        nodes: in def-before-use order.
        outputs: names of the values the user reads.
        constants: read-only arrays by name; one namespace with inputs and nodes.
        labels: what the user calls each output; empty where the values' own names do.
        sha256: of the model it was imported from; empty if it was not. Neither compared nor printed.
    """

    name: str
    stage: Stage
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    constants: Mapping[str, Array] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    sha256: str = ""

    def __post_init__(self) -> None:
        """Make the constants read-only."""
        frozen = {}
        for name, array in self.constants.items():
            view = np.asarray(array).view()
            view.flags.writeable = False
            frozen[name] = view
        object.__setattr__(self, "constants", MappingProxyType(frozen))

    def __eq__(self, other: object) -> bool:
        """Compare everything but locations and origin; constants by dtype, shape and value."""
        if not isinstance(other, Graph):
            return NotImplemented
        mine = (self.name, self.stage, self.inputs, self.nodes, self.outputs, self.labels)
        theirs = (other.name, other.stage, other.inputs, other.nodes, other.outputs, other.labels)
        return mine == theirs and _same(self.constants, other.constants)

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        """Return the canonical text form."""
        from snncc.compiler.ir.text import print_graph

        return print_graph(self)

    @property
    def node(self) -> dict[str, Node]:
        """Return the nodes by name."""
        return {node.name: node for node in self.nodes}

    @property
    def types(self) -> dict[str, TensorType]:
        """Return the type of every input, constant and node by name."""
        types = {i.name: i.type for i in self.inputs}
        types |= {name: constant_type(array) for name, array in self.constants.items()}
        return types | {node.name: node.type for node in self.nodes}

    @property
    def named_outputs(self) -> dict[str, str]:
        """Return the value behind each output, by the name the user gives it."""
        return dict(zip(self.labels or self.outputs, self.outputs, strict=True))

    def users(self) -> dict[str, list[Node]]:
        """Return the nodes that read each value, in order; values nobody reads map to an empty list."""
        users: dict[str, list[Node]] = {name: [] for name in self.types}
        for node in self.nodes:
            for name in dict.fromkeys(node.inputs):
                users[name].append(node)
        return users


def constant_type(array: Array) -> TensorType:
    """Return the type of a constant: its own dtype and shape."""
    return TensorType(str(array.dtype), array.shape)


def _same(a: Mapping[str, Array], b: Mapping[str, Array]) -> bool:
    return a.keys() == b.keys() and all(
        a[k].dtype == b[k].dtype and a[k].shape == b[k].shape and a[k].tobytes() == b[k].tobytes() for k in a
    )


def rebuild(graph: Graph, nodes: Iterable[Node], constants: Mapping[str, Array], **changes: object) -> Graph:
    """Return the graph with other nodes and constants: types inferred anew, what no output needs dropped.

    Args:
        graph: the graph to start from.
        nodes: new nodes in def-before-use order; their types are recomputed.
        constants: all constants the nodes may read.
        changes: other fields of Graph to replace, such as outputs or stage.
    """
    types = {i.name: i.type for i in graph.inputs} | {k: constant_type(v) for k, v in constants.items()}
    typed = []
    for node in nodes:
        node = replace(node, type=node.op.infer(tuple(types[i] for i in node.inputs)))
        types[node.name] = node.type
        typed.append(node)
    outputs = changes.get("outputs", graph.outputs)
    needed = set(outputs)  # type: ignore[call-overload]
    kept = []
    for node in reversed(typed):
        if node.name in needed:
            kept.append(node)
            needed.update(node.inputs)
    used = {name: array for name, array in constants.items() if name in needed}
    return replace(graph, nodes=tuple(reversed(kept)), constants=used, **changes)  # type: ignore[arg-type]
