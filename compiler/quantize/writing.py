"""The integer network under construction: nodes and constants, and which node shows each float value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.graph import Array, Graph, Node, Stage, rebuild
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder, Readout
from snncc.compiler.ir.moves import moves
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, MaxPool
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.quantize.ladders import Steps
from snncc.compiler.quantize.layers import Layer, layers
from snncc.compiler.quantize.weights import IntegerLayer

_UNTYPED = TensorType(FLOAT, ())  # types are inferred when the graph is finished


class IntegerNetwork:
    """Collects the nodes of the integer network in order."""

    def __init__(self, graph: Graph) -> None:
        """Start empty."""
        self.graph = graph
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.shown: dict[str, str] = {}  # float value -> node of the integer network that shows it

    def finish(self) -> Graph:
        """Return the integer network, types inferred."""
        return rebuild(self.graph, self.nodes, self.constants, stage=Stage.QUANTIZED)

    def encode(self, name: str, scale: float, levels: Levels, loc: Loc) -> None:
        """Add the levels of an input."""
        self._add(f"{name}.levels", Encode(scale, levels.lo, levels.hi), (name,), loc)
        self.shown[name] = f"{name}.levels"

    def carry(self, node: Node) -> None:
        """Add an op that works on levels, or on a readout, as it does on floats."""
        self._add(node.name, node.op, tuple(self.shown.get(name, name) for name in node.inputs), node.loc)
        self.shown[node.name] = node.name

    def linear(self, name: str, op: Op, source: str, weight: Array, loc: Loc) -> str:
        """Add a weighted sum of a value's levels; return its name."""
        constant = self._constant(f"{name}.weight", weight)
        return self._add(name, op, (self.shown[source], constant), loc)

    def fire(self, node: Node, charges: list[str], integer: IntegerLayer, levels: Levels, scale: float) -> None:
        """Add integer neurons with a threshold a channel."""
        bias = self._constant(f"{node.name}.bias", integer.bias)
        theta = self._constant(f"{node.name}.theta", integer.theta)
        self._add(node.name, Fire(levels.lo, levels.hi, scale), (*charges, bias, theta), node.loc)
        self.shown[node.name] = node.name

    def ladder(self, node: Node, charges: list[str], bias: Array, steps: Steps, levels: Levels, scale: float) -> None:
        """Add integer neurons with a list of thresholds a channel."""
        constants = {"bias": bias, "thresholds": steps.thresholds, "steps": steps.steps}
        names = [self._constant(f"{node.name}.{role}", value) for role, value in constants.items()]
        op = Ladder(levels.lo, levels.hi, steps.first, scale)
        self._add(node.name, op, (*charges, *names), node.loc)
        self.shown[node.name] = node.name

    def read(self, node: Node, charges: list[str], integer: IntegerLayer) -> None:
        """Add a readout, under the name of the float value, which may be shown as levels too."""
        bias = self._constant(f"{node.name}.read.bias", integer.bias)
        self._add(node.name, Readout(float(integer.unit[0])), (*charges, bias), node.loc)

    def _add(self, name: str, op: Op, inputs: tuple[str, ...], loc: Loc) -> str:
        self.nodes.append(Node(name, op, inputs, _UNTYPED, loc))
        return name

    def _constant(self, name: str, value: Array) -> str:
        self.constants[name] = np.asarray(value, dtype=np.int64)
        return name


def walk(graph: Graph, made: IntegerNetwork, encode: Callable[[str], None], settle: Callable[[Layer], None]) -> None:
    """Walk a CANONICAL graph once, in order: what only moves levels is carried over, inputs and layers are handed out.

    Args:
        graph: the graph.
        made: takes what is carried over.
        encode: called with the name of each input.
        settle: called with each layer; an output charge that also fires is two.
    """
    by_node: dict[str, list[Layer]] = {}
    for layer in layers(graph):
        by_node.setdefault(layer.node.name, []).append(layer)
    for value in graph.inputs:
        encode(value.name)
    for node in graph.nodes:
        if moves(node.op) or isinstance(node.op, MaxPool | Concat):
            made.carry(node)
        for layer in by_node.get(node.name, []):
            settle(layer)
