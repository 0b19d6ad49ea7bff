"""Everything the emitter decides before it writes a line: layouts, types, rings and arrays of a program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from snncc.backends.c.arrays import BYTES, SIGNED, UNSIGNED, ConstArray, limits, narrowest, within
from snncc.backends.c.flow import Flow, flow_of
from snncc.backends.c.layout import Layout, Spread, layout_of, spread, spread_all
from snncc.backends.c.values import Loop
from snncc.backends.c.wiring import Wiring, is_heard, wiring_of
from snncc.backends.golden import escaped, layer
from snncc.compiler.bounds import WORD, Bounds, arrival_bounds, payload_bounds
from snncc.compiler.program import Connection, EventInput, Population, Program, TensorInput


@dataclass(frozen=True)
class Field:
    """A member of the struct that holds the state of the network.

    Attributes:
        name: of the member.
        type: of an element.
        sizes: of the array, outermost first; empty for a single number.
    """

    name: str
    type: str
    sizes: tuple[int, ...]

    @property
    def bytes(self) -> int:
        """Return the size of the member."""
        count = 1
        for size in self.sizes:
            count *= size
        return count * BYTES[self.type]

    def declare(self) -> str:
        """Return the declaration in C."""
        return f"{self.type} {self.name}{''.join(f'[{size}]' for size in self.sizes)};"


@dataclass(frozen=True)
class Port:
    """A ring that holds what will arrive at an in-port of a population.

    Attributes:
        field: the ring, ``depth`` slots of one element a neuron.
        depth: slots, the longest delay of a connection to it; slot s is for steps that leave s when divided by it.
        bounds: of what arrives in a step.
    """

    field: Field
    depth: int
    bounds: Bounds

    @property
    def word(self) -> str:
        """Return the type in which arrivals are added."""
        return "int64_t" if self.field.type == "int64_t" else "int32_t"

    def slot(self, delay: int = 0) -> str:
        """Return the C expression of the slot for the present step or one that many steps later."""
        ring = f"net->{self.field.name}"
        if self.depth == 1:
            return f"{ring}[0]"
        return f"{ring}[(net->now + {delay}) % {self.depth}]" if delay else f"{ring}[net->now % {self.depth}]"


@dataclass(frozen=True)
class PopulationPlan:
    """A population made ready to be written.

    Attributes:
        name: ``p<k>``.
        population: the population.
        layout: order of its neurons in memory.
        flow: what its neurons compute.
        params: by C variable, how the parameter, or a list of them, is stored and which array holds it.
        ports: by number of the in-port, for those that something reaches.
        states: registers, by number.
        payload: payloads of the last step by place, None if it never sends any.
        spikes: places of the neurons that fired, None likewise.
    """

    name: str
    population: Population
    layout: Layout
    flow: Flow
    params: dict[str, tuple[Spread, ConstArray]]
    ports: dict[int, Port]
    states: tuple[Field, ...]
    payload: Field | None
    spikes: Field | None

    @property
    def membrane(self) -> Field:
        """Return the register that traces show."""
        names = [s.name for s in self.population.neuron.states]
        return self.states[names.index(self.population.neuron.membrane)]

    @property
    def fields(self) -> Iterator[Field]:
        """Yield all members of the struct that belong to the population."""
        yield from self.states
        yield from (port.field for port in self.ports.values())
        if self.payload and self.spikes:
            yield from (self.payload, self.spikes, Field(f"{self.name}_count", "int32_t", ()))


@dataclass(frozen=True)
class ConnectionPlan:
    """A connection made ready to be written.

    Attributes:
        name: ``c<k>``.
        connection: the connection.
        source: the sending population.
        target: the receiving one.
        port: where its spikes arrive.
        wiring: its synapses by source neuron.
        multiply: whether a spike's payload can be anything but 1.
        word: type in which weight times payload is computed.
    """

    name: str
    connection: Connection
    source: PopulationPlan
    target: PopulationPlan
    port: Port
    wiring: Wiring
    multiply: bool
    word: str


@dataclass(frozen=True)
class Plan:
    """A program made ready to be written.

    Attributes:
        program: the program.
        populations: its populations.
        connections: those of its connections over which anything can arrive.
        gathers: by number of the output, the neuron of each element, where they are not those of the population.
    """

    program: Program
    populations: tuple[PopulationPlan, ...]
    connections: tuple[ConnectionPlan, ...]
    gathers: dict[int, ConstArray]

    @property
    def arrays(self) -> Iterator[ConstArray]:
        """Yield all constant arrays, in the order of the file."""
        for population in self.populations:
            yield from (array for _, array in population.params.values())
        for connection in self.connections:
            yield from connection.wiring.arrays
        yield from self.gathers.values()

    @property
    def fields(self) -> list[Field]:
        """Return the members of the struct, those with the widest elements first: so there are no gaps between them."""
        own = [Field("now", "int64_t", ()), Field("failed", "int32_t", ())]
        found = [*own, *(field for population in self.populations for field in population.fields)]
        return sorted(found, key=lambda field: -BYTES[field.type])

    @property
    def ram_bytes(self) -> int:
        """Return the size of the struct where int64_t is aligned to 8 bytes."""
        return -(-sum(field.bytes for field in self.fields) // 8) * 8

    @property
    def flash_bytes(self) -> int:
        """Return the size of all constant arrays."""
        return sum(array.bytes for array in self.arrays)

    @property
    def weights(self) -> int:
        """Return the number of stored synaptic weights."""
        return sum(array.values.size for array in self.arrays if array.weights)

    def end(self, source: TensorInput | EventInput) -> tuple[PopulationPlan, Port]:
        """Return the population and the ring an input feeds."""
        plan = next(p for p in self.populations if p.population.name == source.population)
        return plan, plan.ports[plan.population.neuron.ports.index(source.port)]


def plan_of(program: Program) -> Plan:
    """Return the plan of a program that ``check`` has found nothing wrong with."""
    bounds = arrival_bounds(program)
    populations = {p.name: _population(program, k, p, bounds) for k, p in enumerate(program.populations)}
    planned = [_connection(k, c, populations) for k, c in enumerate(program.connections)]
    gathers = {
        k: ConstArray(f"o{k}", "gather", o.gather, escaped(o.name), layer(program.population[o.population]))
        for k, o in enumerate(program.outputs)
        if o.gather is not None
    }
    return Plan(program, tuple(populations.values()), tuple(c for c in planned if c is not None), gathers)


def depths(program: Program) -> dict[tuple[str, str], int]:
    """Return the slots of the ring of every in-port, by population and port."""
    found = {(p.name, port): 1 for p in program.populations for port in p.neuron.ports}
    for connection in program.connections:
        place = connection.target, connection.port
        found[place] = max(found[place], connection.delay)
    return found


def _population(
    program: Program, number: int, population: Population, bounds: dict[tuple[str, str], Bounds]
) -> PopulationPlan:
    name, layout = f"p{number}", layout_of(program, population)
    reached = {port: bounds[population.name, port] for port in population.neuron.ports}
    flow = flow_of(program, population, reached)
    ports = {}
    for k, port in enumerate(population.neuron.ports):
        if reached[port] != (0, 0):
            depth = depths(program)[population.name, port]
            field = Field(f"{name}_x{k}", narrowest(reached[port]), (depth, layout.size))
            ports[k] = Port(field, depth, reached[port])
    states = tuple(
        Field(f"{name}_s{k}", narrowest((-(1 << (s.bits - 1)), (1 << (s.bits - 1)) - 1)), (layout.size,))
        for k, s in enumerate(population.neuron.states)
    )
    payload = spikes = None
    if flow.emitted is not None:
        sent = payload_bounds(population)
        payload = Field(f"{name}_payload", narrowest(sent, SIGNED if sent[0] < 0 else UNSIGNED), (layout.size,))
        spikes = Field(f"{name}_spikes", narrowest((0, layout.size - 1), UNSIGNED), (layout.size,))
    params = _params(name, population, layout, flow)
    return PopulationPlan(name, population, layout, flow, params, ports, states, payload, spikes)


def _params(name: str, population: Population, layout: Layout, flow: Flow) -> dict[str, tuple[Spread, ConstArray]]:
    """Return the parameters that the neurons read, those that loops read in lists."""
    found = {}
    described = escaped(population.name), layer(population)
    values = [np.asarray(population.params[param]) for param in population.neuron.params]
    for k, array in enumerate(values):
        if f"a{k}" in flow.read:
            stored = spread(array, population, layout)
            found[f"a{k}"] = stored, ConstArray(name, f"param{k}", stored.values, *described)
    for variable, numbers in (entry for line in flow.code if isinstance(line, Loop) for entry in line.lists):
        stored = spread_all([values[k] for k in numbers], population, layout)
        found[variable] = stored, ConstArray(name, f"params_{variable}", stored.values, *described)
    return found


def _connection(number: int, connection: Connection, populations: dict[str, PopulationPlan]) -> ConnectionPlan | None:
    """Return the plan of a connection, None if nothing can ever arrive over it."""
    source, target = populations[connection.source], populations[connection.target]
    port = target.ports.get(target.population.neuron.ports.index(connection.port))
    if source.payload is None or port is None or not is_heard(connection):
        return None
    wiring = wiring_of(f"c{number}", connection, target.layout, source.layout.size)
    sent = payload_bounds(source.population)
    narrow = port.word == "int32_t" and within(sent, limits("int32_t"))
    multiply = sent != (0, 1)
    word = "int32_t" if narrow else "int64_t"
    return ConnectionPlan(f"c{number}", connection, source, target, port, wiring, multiply, word)


def wraps(port: Port) -> bool:
    """Return whether sums of what arrives may wrap in 64 bits."""
    return not within(port.bounds, WORD)
