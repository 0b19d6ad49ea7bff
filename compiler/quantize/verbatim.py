"""Networks quantized elsewhere, taken verbatim: their integers become the integer network, nothing is chosen anew.

Between the charge of a layer and its quantizer stand functions of one number: a bias, a batch norm, activations. The
level is a step function of the integer charge, so it becomes a ladder of integer thresholds a channel. They are found
by evaluating these functions as the runtime does, in float32 and in its order (see ``verbatim_ladder``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import ClassVar

import numpy as np

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.graph import Array, Graph, Node, Stage
from snncc.compiler.ir.moves import moves
from snncc.compiler.ir.ops import Add, AveragePool, Concat, Conv, MaxPool
from snncc.compiler.ir.quantizer import IntegerWeight, Quantizer
from snncc.compiler.passes.base import Pass
from snncc.compiler.quantize.ranges import bounds
from snncc.compiler.quantize.verbatim_inputs import calibrated, encode
from snncc.compiler.quantize.verbatim_ladder import TooManyError
from snncc.compiler.quantize.verbatim_pairs import NoPairError
from snncc.compiler.quantize.verbatim_problems import Found, no_quantizer, refused
from snncc.compiler.quantize.verbatim_settling import read, settle
from snncc.compiler.quantize.verbatim_steps import POINTWISE, division, scaling, step_of
from snncc.compiler.quantize.verbatim_values import Chain, Charge, Edge, Fed, Grid, Pair, Value, then
from snncc.compiler.quantize.verbatim_weights import integer_weights
from snncc.compiler.quantize.verbatim_writing import Network
from snncc.compiler.targets import Target


def is_verbatim(graph: Graph) -> bool:
    """Return whether a float graph holds quantizers or integer weights, so that it is to be taken as it is."""
    return any(isinstance(node.op, Quantizer | IntegerWeight) for node in graph.nodes)


@dataclass(frozen=True)
class Verbatim(Pass):
    """IMPORTED -> QUANTIZED: levels, scales and integer weights are the model's own; thresholds follow from them.

    Attributes:
        target: the chip whose widths must hold.
        weight_bits: width of weights that the model does not hold as integers, by the name of their layer's node.
        calibration: float inputs [samples, *shape] by input name, for inputs without quantizer; may be empty.
        report: called with what a user should know.
        carried: whether the spikes of a node, by name and levels, must carry its levels as payloads.
    """

    name: ClassVar[str] = "verbatim"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.QUANTIZED
    target: Target
    weight_bits: Callable[[str], int] = field(default=lambda name: 8, repr=False)
    calibration: Mapping[str, Array] = field(default_factory=dict, repr=False)
    report: Callable[[Diagnostic], None] = field(default=lambda d: None, repr=False)
    carried: Callable[[str, Levels], bool] = field(default=lambda n, q: True, repr=False)

    def run(self, graph: Graph) -> Graph:
        """Return the integer network.

        Raises:
            SnnccError: SNN201, SNN202 what does not fit the target; SNN220 to SNN226 what has no integer form.
        """
        walk = _Walk(self, graph)
        network = walk.result()
        if walk.found.problems:
            raise SnnccError(walk.found.problems)
        return network


class _Walk:
    """Walks the graph once, in order, and knows what each value is in integers."""

    def __init__(self, options: Verbatim, graph: Graph) -> None:
        self.options, self.graph = options, graph
        self.found = Found(options.report)
        self.network = Network(graph, options.target, self.found, options.carried)
        self.values: dict[str, Value | None] = {i.name: Fed(i.name) for i in graph.inputs}
        self.users = graph.users()
        self.nodes = graph.node
        self.read = set[str]()

    def result(self) -> Graph:
        """Return the integer network, or whatever of it can be made."""
        for node in self.graph.nodes:
            if not isinstance(node.op, IntegerWeight):
                self.values[node.name] = self._value(node)
                self._settle(node)
        for name in self.graph.outputs:
            self._read(name)
        return self.network.finish() if not self.found.problems else self.graph

    def _value(self, node: Node) -> Value | None:
        """Return what a node is in integers; None where a problem with it or before it has been noted."""
        data = node.inputs if isinstance(node.op, Add | Concat) else node.inputs[:1]
        if any(self.values.get(name) is None for name in data):
            return None
        if isinstance(node.op, POINTWISE):
            return self._pointwise(node)
        if node.op.linear:
            return self._linear(node)
        if isinstance(node.op, Add):
            return self._add(node)
        if isinstance(node.op, AveragePool):
            return self._average(node)
        return self._carried(node)

    def _settle(self, node: Node) -> None:
        """Let a quantizer's levels be a population, unless all that reads them computes element by element."""
        value, users = self.values[node.name], self.users[node.name]
        quantized = isinstance(value, Chain | Pair) and isinstance(node.op, Quantizer)
        composed = len(users) == 1 and isinstance(users[0].op, POINTWISE) and node.name not in self.graph.outputs
        if quantized and not composed:
            self.values[node.name] = self._grid(node.name)

    def _pointwise(self, node: Node) -> Value | None:
        value = self.values[node.inputs[0]]
        if isinstance(value, Fed):
            return encode(value, node, self.network, self.found)
        step = step_of(self.graph, node)
        if step is None or value is None:
            return self.found.add(refused(node, "has parameters that differ between the positions of a channel"))
        return then(value, step, node.op.scale if isinstance(node.op, Quantizer) else None)

    def _linear(self, node: Node) -> Value | None:
        grid = self._grid(node.inputs[0], node)
        if grid is None:
            return None
        weight, scale = integer_weights(self.graph, node, self.options.weight_bits, self.found, self._is_last(node))
        reach = bounds([(weight, grid.levels)])
        edge = Edge(f"{node.name}.charge", node.op, grid.node, weight, node.loc)
        charge = Charge((edge,), scale.astype(np.float64) * grid.scale, (reach.low, reach.high))
        bias = self.graph.constants[node.inputs[2]] if len(node.inputs) > 2 else np.zeros(1, np.float32)
        if bias.ndim > 1:
            return self.found.add(refused(node, "has a bias that differs between positions"))
        return Chain(charge, (scaling(1.0, bias),) if bias.any() else ())

    def _add(self, node: Node) -> Value | None:
        values = [self.values[name] for name in node.inputs]
        if len(values) == 1:
            return values[0]
        chains = [Chain(v, scale=v.scale) if isinstance(v, Grid) else v for v in values]
        if len(chains) != 2 or not all(isinstance(chain, Chain) for chain in chains):
            return self.found.add(refused(node, "adds more than two values before they meet a quantizer", "SNN223"))
        return Pair(*chains)  # type: ignore[arg-type]

    def _average(self, node: Node) -> Value | None:
        op = node.op
        assert isinstance(op, AveragePool)
        grid = self._grid(node.inputs[0], node)
        if grid is None:
            return None
        if any(op.pads) and not op.count_include_pad:
            return self.found.add(refused(node, "averages over fewer positions where it is padded"))
        area, channels = prod(op.kernel), node.type.shape[0]
        ones = np.ones((channels, 1, *op.kernel), dtype=np.int64)
        reach = bounds([(ones, grid.levels)])
        conv = Conv(op.strides, op.pads, (1,) * len(op.kernel), channels)
        edge = Edge(f"{node.name}.sum", conv, grid.node, ones, node.loc)
        charge = Charge((edge,), np.full(channels, grid.scale), (reach.low, reach.high))
        return Chain(charge, (division(area),), grid.scale / area)

    def _carried(self, node: Node) -> Value | None:
        """Return a pool, view, selection or concatenation of levels; a view of a sum is for outputs alone."""
        value = self.values[node.inputs[0]]
        if node.op.view and isinstance(value, Chain | Pair) and self._is_last(node):
            return value
        if node.op.view and isinstance(value, Grid) and node.name in self.graph.outputs:
            return value  # the view that ReadLevels put there: it is the readout
        return self._carry(node)

    def _carry(self, node: Node) -> Grid | None:
        if not (moves(node.op) or isinstance(node.op, MaxPool | Concat)):
            return self.found.add(refused(node, "is no operation that integers have"))
        grids = [self._grid(name, node) for name in node.inputs]
        known = [grid for grid in grids if grid is not None]
        if len(known) < len(grids):
            return None
        if len({grid.scale for grid in known}) > 1:
            reason = "joins levels of different scales, and no quantizer follows it"
            return self.found.add(refused(node, reason, "SNN223"))
        levels = Levels(min(g.levels.lo for g in known), max(g.levels.hi for g in known))
        self.network.carry(node, [grid.node for grid in known], levels)
        return Grid(node.name, known[0].scale, levels)

    def _is_last(self, node: Node) -> bool:
        """Return whether only views and outputs read a node."""
        return all(user.op.view and self._is_last(user) for user in self.users[node.name])

    def _grid(self, name: str, reader: Node | None = None) -> Grid | None:
        """Return a value as levels of a population, which is made if there is none yet."""
        value = self.values[name]
        if value is None or isinstance(value, Grid):
            return value
        made = (
            self._encoded(value, reader) if isinstance(value, Fed) else self._settled(self.nodes[name], value, reader)
        )
        self.values[name] = made
        return made

    def _encoded(self, value: Fed, reader: Node | None) -> Grid | None:
        if value != Fed(value.name):
            return self.found.add(no_quantizer(value.name, reader))
        options = self.options
        data = options.calibration.get(value.name)
        return calibrated(self.graph, value, data, self.network, options.target)

    def _settled(self, node: Node, value: Chain | Pair, reader: Node | None) -> Grid | None:
        try:
            made = settle(self.network, node, value)
        except NoPairError as error:
            return self.found.add(refused(node, str(error), "SNN223"))
        except TooManyError:
            return self.found.add(refused(node, "rises and falls over more charges than can be tried"))
        return self.found.add(no_quantizer(node.name, reader)) if made is None else made

    def _read(self, name: str) -> None:
        """Add the readout of an output, and the views that show it."""
        value, node, views = self.values[name], self.nodes[name], list[Node]()
        while isinstance(value, Chain | Pair) and node.op.view:
            views.append(node)
            node = self.nodes[node.inputs[0]]
        if isinstance(value, Fed):
            self.found.add(refused(node, "is computed of an input alone", "SNN224"))
        if value is None or isinstance(value, Fed):
            return
        if node.name not in self.read:
            self.read.add(node.name)
            try:
                read(self.network, node, value)
            except NoPairError as error:
                self.found.add(refused(node, str(error), "SNN224"))
        for view in reversed(views):
            if view.name not in self.read:
                self.read.add(view.name)
                self.network.carry(view, view.inputs)
