"""Lower a quantized graph to a spiking program: nodes become populations, weights connections, time a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from snncc.compiler.coding import CODINGS, Coding, Levels, firing_neuron, reading_neuron
from snncc.compiler.coding.base import Ints, parameters
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Readout
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.mapping.edges import Edge, linear_edge, through_views
from snncc.compiler.mapping.pool import pool_connections, pool_population, port_problems
from snncc.compiler.mapping.relay import bridge
from snncc.compiler.mapping.schedule import Slot, edge_delay, interval_of, start_after
from snncc.compiler.program import Claim, Connection, Output, Population, Program, TensorInput
from snncc.compiler.targets import Target


@dataclass(frozen=True)
class Choice:
    """How levels are sent: one coding for the program, others for single nodes, one for the inputs."""

    default: Coding
    inputs: Coding
    by_node: Mapping[str, Coding] = field(default_factory=dict)

    def of(self, node: Node) -> Coding:
        """Return the coding of a node's population: that of the inputs too where the default has no negative levels."""
        fallback = self.inputs if isinstance(node.op, Encode) else self.default
        chosen = self.by_node.get(node.name, fallback)
        return chosen if chosen.signed or node.type.lo >= 0 else self.inputs


def choose(coding: str, target: Target) -> Choice:
    """Return the choice for a coding: inputs are injected graded where the target has payloads."""
    chosen = CODINGS[coding]
    return Choice(chosen, CODINGS["graded"] if target.graded else chosen)


class Lowering:
    """Collects the program while the graph is walked once, in order."""

    def __init__(self, graph: Graph, choice: Choice, target: Target) -> None:
        self.graph, self.choice, self.target = graph, choice, target
        self.populations: list[Population] = []
        self.connections: list[Connection] = []
        self.inputs: list[TensorInput] = []
        self.scales: dict[str, Fraction] = {}
        self.slots: dict[str, Slot] = {}
        self.codings: dict[str, Coding] = {}
        self.problems: list[Diagnostic] = []

    def add(self, node: Node) -> None:
        """Lower one node; linear nodes and views are part of the edges that read them."""
        if isinstance(node.op, Encode):
            self._encode(node, node.op)
        elif isinstance(node.op, Fire):
            self._fire(node, node.op)
        elif isinstance(node.op, MaxPool):
            self._pool(node)
        elif isinstance(node.op, Readout):
            self._readout(node, node.op)

    def _encode(self, node: Node, op: Encode) -> None:
        levels = Levels(op.lo, op.hi)
        one = np.ones((), dtype=np.int64)
        self._place(node, self.choice.of(node), levels, ["add"], 0 * one, one, 0)
        shape = node.type.shape
        self.inputs.append(TensorInput(node.inputs[0], node.name, "add", shape, op.lo, op.hi, Fraction(op.scale)))

    def _fire(self, node: Node, op: Fire) -> None:
        edges = [linear_edge(self.graph, name) for name in node.inputs[:-2]]
        bias, theta = (_spread(self.graph.constants[name], node) for name in node.inputs[-2:])
        start = start_after(self.slots[e.source.name] for e in edges)
        kernels = [self.codings[e.source.name].kernel for e in edges]
        self._connect(node, edges, start)
        self._place(node, self.choice.of(node), Levels(op.lo, op.hi), kernels, bias, theta, start)

    def _place(
        self, node: Node, coding: Coding, levels: Levels, kernels: list[str], bias: Ints, theta: Ints, start: int
    ) -> None:
        if levels.signed and not coding.signed:
            message = (
                f"'{node.name}' has levels {levels.lo}..{levels.hi}, and coding '{coding.name}' sends none below 0"
            )
            hint = "use another coding, or inputs that are not negative"
            self.problems.append(Diagnostic("SNN332", message, node.loc, hint))
        shifts = bool(((theta & (theta - 1)) == 0).all())
        neuron = firing_neuron(coding, levels, kernels, self.target.state_bits, shifts)
        values = parameters(bias, theta, levels)
        params = {name: values[name] for name in neuron.params}
        slot = Slot(start, coding.window(levels))
        self.slots[node.name], self.codings[node.name] = slot, coding
        kind = "copy" if isinstance(node.op, Encode) else "fire"
        claim = Claim(node.name, kind, coding.name, levels.lo, levels.hi)
        bits = coding.payload_bits(levels)
        self.populations.append(
            Population(
                node.name, node.type.shape, neuron, params, start, slot.window, bits, levels.signed, claim, node.loc
            )
        )

    def _connect(self, node: Node, edges: list[Edge], start: int) -> None:
        for number, edge in enumerate(edges):
            source = edge.source.name
            name = f"{node.name}.{number}" if len(edges) > 1 else f"{node.name}.in"
            connection = Connection(
                name,
                source,
                node.name,
                self.codings[source].kernel,
                edge.synapses,
                edge_delay(self.slots[source], start),
                edge.gather,
                edge.node.loc,
            )
            sender = next(p for p in self.populations if p.name == source)
            try:
                relays, bridged = bridge(connection, sender, self.codings[source], self.target)
            except SnnccError as error:
                self.problems.extend(error.diagnostics)
                continue
            self.populations.extend(relays)
            self.connections.extend(bridged)

    def _pool(self, node: Node) -> None:
        source, gather = through_views(self.graph, node.inputs[0])
        coding, slot = self.codings[source.name], self.slots[source.name]
        pooled = Slot(slot.start + 1, slot.window)
        shape = self.graph.types[node.inputs[0]].shape
        population, taps = pool_population(node, shape, coding, pooled, self.target.state_bits)
        self.slots[node.name], self.codings[node.name] = pooled, coding
        self.problems.extend(port_problems(node, population, self.target))
        self.populations.append(population)
        self.connections.extend(pool_connections(node, shape, source.name, taps, gather))

    def _readout(self, node: Node, op: Readout) -> None:
        edges = [linear_edge(self.graph, name) for name in node.inputs[:-1]]
        start = start_after(self.slots[e.source.name] for e in edges)
        kernels = [self.codings[e.source.name].kernel for e in edges]
        neuron = reading_neuron(kernels, self.target.state_bits)
        self.slots[node.name] = Slot(start, 1)
        params = {"offset": _spread(self.graph.constants[node.inputs[-1]], node)}
        claim = Claim(node.name, "read")
        self._connect(node, edges, start)
        self.populations.append(
            Population(node.name, node.type.shape, neuron, params, start, 1, 1, False, claim, node.loc)
        )
        self.scales[node.name] = Fraction(op.scale)


def lower(graph: Graph, choice: Choice, target: Target, schedule: str | None = None) -> Program:
    """Return the spiking program that reproduces a quantized graph.

    Args:
        graph: a QUANTIZED graph whose ranges have been proved to fit the target.
        choice: the coding of every population.
        target: gives the width of states, the longest delay and the in-ports of a neuron.
        schedule: ``pipelined`` or ``sequential``; None for the target's own.

    Raises:
        SnnccError: SNN330 and SNN331, all of them at once: a wait or a max-pool that the target has no means for.
    """
    lowering = Lowering(graph, choice, target)
    for node in graph.nodes:
        lowering.add(node)
    if lowering.problems:
        raise SnnccError(lowering.problems)
    interval = interval_of(lowering.slots, schedule or target.schedule)
    scales = lowering.scales
    outputs = tuple(Output(label, value, scales[value]) for label, value in graph.named_outputs.items())
    return Program(
        graph.name,
        target.name,
        interval,
        tuple(lowering.populations),
        tuple(lowering.connections),
        tuple(lowering.inputs),
        outputs,
    )


def _spread(constant: Array, node: Node) -> Ints:
    """Return a constant of shape [C] or of the node so that it broadcasts to the node, as small as it can be."""
    array: Ints = np.asarray(constant, dtype=np.int64)
    if array.size and (array == array.flat[0]).all():
        return np.array(array.flat[0])
    if array.shape == node.type.shape:
        return array
    return array.reshape(-1, *(1,) * (len(node.type.shape) - 1))
