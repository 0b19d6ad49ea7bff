"""Lower a quantized graph to a spiking program: nodes become populations, weights connections, time a schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from snncc.compiler.coding import Coding, Levels
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, EncodeEven, Fire, Ladder, Readout
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.ir.views import behind_views, shown_by
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.edges import Edge, Origins, as_gather
from snncc.compiler.mapping.mantissas import mantissas
from snncc.compiler.mapping.pool import pool_connections, pool_population, pool_problems
from snncc.compiler.mapping.populations import (
    firing_population,
    fixed_neurons,
    input_population,
    ladder_population,
    reading_population,
)
from snncc.compiler.mapping.relay import Relays
from snncc.compiler.mapping.schedule import Slot, edge_delay, interval_of, start_after
from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, Output, Population, Program, TensorInput
from snncc.compiler.targets import Target

Widths = Callable[[str], int]  # bits of a weight, sign included, by the node that hears it
EDGES_END = {Fire: -2, Ladder: -3, Readout: -1}  # inputs after the charges are constants


class Lowering:
    """Collects the program while the graph is walked once, in order."""

    def __init__(self, graph: Graph, choice: Choice, target: Target, widths: Widths) -> None:
        self.graph, self.choice, self.target, self.widths = graph, choice, target, widths
        self.origins, self.relays = Origins(graph), Relays(target)
        self.populations: dict[str, Population] = {}
        self.connections: list[Connection] = []
        self.inputs: list[TensorInput] = []
        self.slots: dict[str, Slot] = {}
        self.codings: dict[str, Coding] = {}
        self.problems: list[Diagnostic] = []

    def add(self, node: Node) -> None:
        """Lower one node; linear nodes and views are part of the edges that read them."""
        if isinstance(node.op, Encode):
            self._encode(node, node.op)
        elif isinstance(node.op, MaxPool):
            self._pool(node)
        elif isinstance(node.op, Fire | Ladder | Readout):
            self._neurons(node)

    def _encode(self, node: Node, op: Encode) -> None:
        slot = self._slot(node, 0)
        self._enter(input_population(node, op, self.codings[node.name], slot, self.target.state_bits))
        shape = node.type.shape
        scale, rounding = Fraction(op.scale), "half_even" if isinstance(op, EncodeEven) else ""
        self.inputs.append(TensorInput(node.inputs[0], node.name, "add", shape, op.lo, op.hi, scale, rounding))

    def _neurons(self, node: Node) -> None:
        """Add the neurons that read charges, and the connections that bring them."""
        graph, op, bits = self.graph, node.op, self.target.state_bits
        charges = node.inputs[: EDGES_END[type(op)]]
        edges = [edge for charge in charges for edge in self.origins.edges(charge)]
        start = start_after(self.slots[e.source.name] for e in edges)
        kernels = [self.codings[e.source.name].kernel for e in edges]
        self._connect(node, edges, start)
        if isinstance(op, Readout):
            self.slots[node.name] = Slot(start, 1)
            self._enter(reading_population(graph, node, kernels, self.slots[node.name], bits))
            return
        slot, coding = self._slot(node, start), self.codings[node.name]
        if isinstance(op, Ladder):
            if not self.target.programmable:
                self.problems.append(fixed_neurons(node, self.target))
            self._enter(ladder_population(graph, node, op, kernels, coding, slot, bits))
        else:
            self._enter(firing_population(graph, node, kernels, coding, slot, bits))

    def _slot(self, node: Node, start: int) -> Slot:
        """Choose the coding of a node that sends levels; return when it fires."""
        coding, levels = self.choice.of(node), Levels(node.type.lo, node.type.hi)
        if levels.signed and not (coding.signed and self.target.signed):
            who, other = (self.target.name, "target") if coding.signed else (f"coding '{coding.name}'", "coding")
            message = f"'{node.name}' has levels {levels.lo}..{levels.hi}, and {who} sends none below 0"
            hint = f"use another {other}, or inputs that are not negative"
            self.problems.append(Diagnostic("SNN332", message, node.loc, hint))
        self.codings[node.name], self.slots[node.name] = coding, Slot(start, coding.window(levels))
        return self.slots[node.name]

    def _enter(self, population: Population) -> None:
        self.populations[population.name] = population

    def _connect(self, node: Node, edges: list[Edge], start: int) -> None:
        wires = [(edge, synapses) for edge in edges for synapses in self._stored(edge, node)]
        for number, (edge, synapses) in enumerate(wires):
            source = edge.source.name
            name = f"{node.name}.{number}" if len(wires) > 1 else f"{node.name}.in"
            coding, delay = self.codings[source], edge_delay(self.slots[source], start)
            wire = Connection(name, source, node.name, coding.kernel, synapses, delay, edge.gather, edge.node.loc)
            try:
                relays, bridged = self.relays.bridge(wire, self.populations[source], coding)
            except SnnccError as error:
                self.problems.extend(error.diagnostics)
                continue
            self.populations |= {relay.name: relay for relay in relays}
            self.connections.extend(bridged)

    def _stored(self, edge: Edge, hearer: Node) -> list[DenseSynapses | ConvSynapses]:
        """Return the synapses as the chip stores them: as many as their mantissas need."""
        synapses = edge.synapses
        assert isinstance(synapses, DenseSynapses | ConvSynapses)
        parts = mantissas(synapses.weight, self.widths(hearer.name))
        return [synapses] if len(parts) == 1 else [replace(synapses, weight=part) for part in parts]

    def _pool(self, node: Node) -> None:
        parts = self.origins.parts(node.inputs[0])
        source = parts[0].source
        coding, slot = self.codings[source.name], self.slots[source.name]
        pooled = Slot(slot.start + 1, slot.window)
        shape = self.graph.types[node.inputs[0]].shape
        population, taps = pool_population(node, shape, coding, pooled, self.target.state_bits)
        self.slots[node.name], self.codings[node.name] = pooled, coding
        self.problems.extend(pool_problems(node, population, parts, self.target))
        self._enter(population)
        gather = parts[0].shortest
        self.connections.extend(pool_connections(node, shape, source.name, taps, gather))

    def outputs(self) -> tuple[Output, ...]:
        """Return what the host reads, each in the shape and order that the views behind its readout give it."""
        return tuple(self._output(label, value) for label, value in self.graph.named_outputs.items())

    def _output(self, label: str, value: str) -> Output:
        read = shown_by(self.graph, value)
        assert isinstance(read.op, Readout)
        if read.name == value:
            return Output(label, read.name, Fraction(read.op.scale))
        gather = as_gather(behind_views(self.graph, value)[1], read.type.size)
        return Output(label, read.name, Fraction(read.op.scale), self.graph.types[value].shape, gather)


def lower(
    graph: Graph, choice: Choice, target: Target, schedule: str | None = None, widths: Widths | None = None
) -> Program:
    """Return the spiking program that reproduces a quantized graph.

    Args:
        graph: a QUANTIZED graph whose ranges have been proved to fit the target.
        choice: the coding of every population.
        target: gives the width of states, the longest delay and the in-ports of a neuron.
        schedule: ``pipelined`` or ``sequential``; None for the target's own.
        widths: width of a mantissa, sign included, by the node that hears it; None for the target's own.

    Raises:
        SnnccError: SNN330 to SNN334, all of them at once: a wait, a max-pool, levels or an activation that the target
            has no means for.
    """
    lowering = Lowering(graph, choice, target, widths or (lambda name: target.weight_bits))
    for node in graph.nodes:
        lowering.add(node)
    if lowering.problems:
        raise SnnccError(lowering.problems)
    interval = interval_of(lowering.slots, schedule or target.schedule)
    return Program(
        graph.name,
        target.name,
        interval,
        tuple(lowering.populations.values()),
        tuple(lowering.connections),
        tuple(lowering.inputs),
        lowering.outputs(),
    )
