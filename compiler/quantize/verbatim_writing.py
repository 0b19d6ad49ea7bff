"""The integer network of a network quantized elsewhere, under construction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.graph import Array, Graph, Node, Stage, rebuild
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder, Readout
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Conv, Dense
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.quantize.findings import too_wide, wide_payload
from snncc.compiler.quantize.ladders import Steps
from snncc.compiler.quantize.ranges import bounds, copies_fit, fits, payload_fits
from snncc.compiler.quantize.verbatim_fire import as_fire
from snncc.compiler.quantize.verbatim_ladder import extremes
from snncc.compiler.quantize.verbatim_problems import Found
from snncc.compiler.quantize.verbatim_values import Charge, Edge, Grid, Ints
from snncc.compiler.targets import Target

_UNTYPED = TensorType(FLOAT, ())  # types are inferred when the graph is finished


class Network:
    """Collects the nodes of the integer network in order."""

    def __init__(
        self, graph: Graph, target: Target, found: Found, carried: Callable[[str, Levels], bool] = lambda n, q: True
    ) -> None:
        """Start empty."""
        self.graph, self.target, self.found, self.carried = graph, target, found, carried
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self._domain: dict[str, Levels] = {}
        self._encoded: dict[tuple[str, Encode], Grid] = {}

    def finish(self) -> Graph:
        """Return the integer network, types inferred."""
        return rebuild(self.graph, self.nodes, self.constants, stage=Stage.QUANTIZED)

    def encode(self, name: str, quantizer: str, op: Encode, loc: Loc) -> Grid:
        """Return the levels of an input; equal quantizers of one input share them."""
        if (name, op) not in self._encoded:
            first = all(known != name for known, _ in self._encoded)
            node = f"{name}.levels" if first else quantizer
            self._add(node, op, (name,), loc)
            self._encoded[name, op] = self._sent(node, op.scale, Levels(op.lo, op.hi))
            if not copies_fit(Levels(op.lo, op.hi), self.target):
                self.found.add(too_wide(name, self.target, loc))
        return self._encoded[name, op]

    def carry(self, node: Node, sources: Sequence[str], levels: Levels | None = None) -> None:
        """Add an op that works on integers as it does on floats."""
        self._add(node.name, node.op, tuple(sources), node.loc)
        if levels is not None:
            self._domain[node.name] = levels

    def sums(self, node: Node, base: Charge | Grid, by: Ints, suffix: str = "") -> tuple[Edge, ...]:
        """Return the edges of a charge, or one that hears levels as they are, times integers [channels or 1]."""
        if isinstance(base, Charge):
            return tuple(replace(edge, weight=edge.weight * _column(by, edge.weight.ndim)) for edge in base.edges)
        shape = self.graph.types[node.name].shape
        copies = np.broadcast_to(by, shape[:1]).astype(np.int64)
        if len(shape) == 1:
            return (Edge(f"{node.name}.copy{suffix}", Dense(), base.node, np.diag(copies), node.loc),)
        rank = len(shape) - 1
        op = Conv((1,) * rank, (0,) * (2 * rank), (1,) * rank, shape[0])
        weight = copies.reshape(-1, *(1,) * (rank + 1))
        return (Edge(f"{node.name}.copy{suffix}", op, base.node, weight, node.loc),)

    def reach(self, edges: Sequence[Edge]) -> tuple[Ints, Ints]:
        """Return the least and the greatest sum of edges, int64 [channels] each."""
        found = bounds((edge.weight, self._domain[edge.source]) for edge in edges)
        return found.low, found.high

    def climb(self, node: Node, edges: Sequence[Edge], steps: Steps, scale: float) -> Grid:
        """Add neurons that climb a ladder; those of one threshold where it is as regular as that."""
        low, high = self.reach(edges)
        least, most = extremes(steps, high[:, None])
        levels = Levels(min(0, least), max(1, most))
        plain = as_fire(steps, levels, low, high)
        if plain is not None:
            return self.fire(node, edges, plain, levels, scale)
        zero = np.zeros(len(low), dtype=np.int64)
        self._check(node, edges, zero, zero + 1, levels)
        constants = {"bias": zero, "thresholds": steps.thresholds, "steps": steps.steps}
        names = [self._constant(f"{node.name}.{role}", value) for role, value in constants.items()]
        op = Ladder(levels.lo, levels.hi, steps.first, scale)
        self._add(node.name, op, (*self._heard(edges), *names), node.loc)
        return self._sent(node.name, scale, levels)

    def fire(
        self, node: Node, edges: Sequence[Edge], constants: tuple[Ints, Ints], levels: Levels, scale: float
    ) -> Grid:
        """Add neurons with one threshold a channel."""
        bias, theta = constants
        self._check(node, edges, bias, theta, levels)
        names = [self._constant(f"{node.name}.{role}", array) for role, array in (("bias", bias), ("theta", theta))]
        self._add(node.name, Fire(levels.lo, levels.hi, scale), (*self._heard(edges), *names), node.loc)
        return self._sent(node.name, scale, levels)

    def readout(self, node: Node, edges: Sequence[Edge], bias: Ints, unit: float) -> None:
        """Add a readout."""
        low, _ = self.reach(edges)
        self._check(node, edges, bias, np.ones(len(low), dtype=np.int64), None)
        name = self._constant(f"{node.name}.bias", bias)
        self._add(node.name, Readout(unit), (*self._heard(edges), name), node.loc)

    def _heard(self, edges: Sequence[Edge]) -> list[str]:
        taken = {node.name for node in self.nodes}
        names = []
        for edge in edges:
            name, number = edge.name, 0
            while name in taken:  # two populations may hear one sum
                number += 1
                name = f"{edge.name}_{number}"
            taken.add(name)
            self._add(name, edge.op, (edge.source, self._constant(f"{name}.weight", edge.weight)), edge.loc)
            names.append(name)
        return names

    def _check(self, node: Node, edges: Sequence[Edge], bias: Ints, theta: Ints, levels: Levels | None) -> None:
        """Note what does not fit the target."""
        found = bounds((edge.weight, self._domain[edge.source]) for edge in edges)
        if not fits(found, bias, theta, levels or Levels(0, 1), self.target).all():
            self.found.add(too_wide(node.name, self.target, node.loc))
        if levels is None or not self.target.graded or not self.carried(node.name, levels):
            return
        if not payload_fits(levels, self.target):
            self.found.add(wide_payload(node, levels, self.target))

    def _sent(self, node: str, scale: float, levels: Levels) -> Grid:
        self._domain[node] = levels
        return Grid(node, scale, levels)

    def _add(self, name: str, op: Op, inputs: tuple[str, ...], loc: Loc) -> None:
        self.nodes.append(Node(name, op, inputs, _UNTYPED, loc))

    def _constant(self, name: str, value: npt.ArrayLike) -> str:
        self.constants[name] = np.asarray(value, dtype=np.int64)
        return name


def _column(values: Ints, rank: int) -> Ints:
    return values.reshape(-1, *(1,) * (rank - 1))
