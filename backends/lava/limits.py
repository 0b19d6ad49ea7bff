"""What Lava's fixed-point models cannot hold, found before anything is written, all of it at once."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.backends.lava.plan import LONGEST_DELAY, MOST_SYNAPSES, Wiring, plan, plane_bounds, single_synapses
from snncc.compiler.bounds import WORD, Bounds, instruction_bounds, payload_bounds
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.program import Population, Program, TensorInput

STATE_BITS = 32  # of the arrays that hold states: int32, as in Lava's own fixed-point models
PAYLOAD: Bounds = (-(1 << 23), (1 << 23) - 1)  # 24 bits with the sign, which Lava's graded wrappers send
INT32: Bounds = (-(1 << 31), (1 << 31) - 1)
FEWER = "compile with fewer levels or weight bits"


def problems(program: Program) -> list[Diagnostic]:
    """Return everything in a program that Lava's processes and models cannot hold."""
    found = [d for population in program.populations for d in _population(program, population)]
    wires = [d for number in range(len(program.connections)) for d in _connection(program, number)]
    if not wires:  # else there may be too many synapses to look at
        wires = [*_sums(program)]
    return [*found, *wires, *_inputs(program)]


def _population(program: Program, population: Population) -> Iterator[Diagnostic]:
    name, loc = population.name, population.loc
    for state in population.neuron.states:
        if state.bits > STATE_BITS:
            message = f"population '{name}' has the state {state.name} of {state.bits} bits; Lava's states are int32"
            yield Diagnostic("SNN610", message, loc, FEWER)
    if not _fits(payload_bounds(population), PAYLOAD):
        message = f"population '{name}' sends payloads of {population.payload_bits} bits; a message holds 24, signed"
        yield Diagnostic("SNN610", message, loc, FEWER)
    for line, bounds in zip(population.neuron.code, instruction_bounds(program, population), strict=True):
        if bounds == WORD:
            message = f"population '{name}' computes '{line}', which may leave 64 bits"
            yield Diagnostic("SNN610", message, loc, "clip what the instruction reads")


def _connection(program: Program, number: int) -> Iterator[Diagnostic]:
    connection = program.connections[number]
    name, loc = connection.name, connection.loc
    if connection.delay > LONGEST_DELAY:
        message = f"connection '{name}' has a delay of {connection.delay} steps; Lava's reach {LONGEST_DELAY}"
        yield Diagnostic("SNN612", message, loc, "bridge the wait with a population that relays the spikes")
    if (count := single_synapses(program, number)) > MOST_SYNAPSES:
        message = f"connection '{name}' has {count} synapses; this backend makes at most {MOST_SYNAPSES} of one"
        yield Diagnostic("SNN612", message, loc, "split the layer")


def _sums(program: Program) -> Iterator[Diagnostic]:
    """Yield where a sum leaves int32: within a connection, whose weights Lava holds doubled, or at an in-port."""
    populations, ports = program.population, dict[tuple[str, str, int], list[int]]()
    for wiring in plan(program):
        connection = wiring.connection
        payload = payload_bounds(populations[connection.source])
        for plane in wiring.planes:
            bounds = plane_bounds(wiring, plane, payload)
            yield from _delivered(wiring, bounds)
            total = ports.setdefault((connection.target, connection.port, plane.number), [0, 0])
            total[0], total[1] = total[0] + bounds[0], total[1] + bounds[1]
    for (target, port, _), (low, high) in ports.items():
        if not _fits((low, high), INT32):
            message = f"what arrives at in-port {port} of population '{target}' in one step reaches {low}..{high}; "
            yield Diagnostic("SNN611", f"{message}Lava sums in int32", populations[target].loc, FEWER)


def _delivered(wiring: Wiring, bounds: Bounds) -> Iterator[Diagnostic]:
    held = 1 if wiring.kind == "Conv" else 2
    if not _fits((held * bounds[0], held * bounds[1]), INT32):
        connection = wiring.connection
        message = f"connection '{connection.name}' delivers {bounds[0]}..{bounds[1]} to a neuron in one step; "
        yield Diagnostic("SNN611", f"{message}Lava's {wiring.kind} holds 31 bits", connection.loc, FEWER)


def _inputs(program: Program) -> Iterator[Diagnostic]:
    for source in program.inputs:
        if isinstance(source, TensorInput) and not _fits((source.lo, source.hi), INT32):
            message = f"input '{source.name}' has the levels {source.lo}..{source.hi}; Lava's ports are int32"
            yield Diagnostic("SNN611", message, program.population[source.population].loc, "use fewer levels")


def _fits(bounds: Bounds, limits: Bounds) -> bool:
    return limits[0] <= bounds[0] and bounds[1] <= limits[1]
