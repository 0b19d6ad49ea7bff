"""What a program may need beyond C's means: every problem, without planning or writing anything."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from snncc.backends.c.emit_header import host_buffers
from snncc.backends.c.plan import depths
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.program import Connection, ConvSynapses, Program, TensorInput

MOST_BYTES = 1 << 30  # of the state; also of the host's buffers
MOST_ELEMENTS = 1 << 30  # of an array: indices have 32 bits
WIDEST = 8  # bytes of the widest element, which an estimate takes for all
FARTHEST = 1 << 62  # first step of a window
NO_ROOM = "use fewer neurons or shorter delays"


def check(program: Program) -> list[Diagnostic]:
    """Return everything in a program that cannot be written in C."""
    if not program.populations:
        message = f"program {program.name} has no population, so there is nothing to run"
        return [Diagnostic("SNN613", message, Loc(program.name, ""), "give it one")]
    return [*_populations(program), *_connections(program), *_ends(program)]


def _populations(program: Program) -> Iterator[Diagnostic]:
    total = 0
    for population in program.populations:
        total += population.size * WIDEST * (len(population.neuron.states) + 2)
        if population.start >= FARTHEST:
            message = f"population {population.name} starts in step {population.start}, beyond 62 bits"
            yield Diagnostic("SNN610", message, population.loc, "use an earlier start")
    sizes = {p.name: p.size for p in program.populations}
    rings = {place: depth * sizes[place[0]] * WIDEST for place, depth in depths(program).items()}
    for connection in program.connections:
        place = connection.target, connection.port
        if connection.delay * sizes[connection.target] * WIDEST > MOST_BYTES:
            rings[place] = 0
            message = f"connection {connection.name} has the delay {connection.delay}, which takes gigabytes of memory"
            yield Diagnostic("SNN612", message, connection.loc, "use a shorter delay")
    if total + sum(rings.values()) > MOST_BYTES:
        message = f"program {program.name} has a state of more than {MOST_BYTES} bytes"
        yield Diagnostic("SNN612", message, Loc(program.name, ""), NO_ROOM)


def _connections(program: Program) -> Iterator[Diagnostic]:
    for connection in program.connections:
        if connection.synapses.weight.size > MOST_ELEMENTS:
            message = f"connection {connection.name} has more than {MOST_ELEMENTS} weights"
            yield Diagnostic("SNN612", message, connection.loc, "split the layer")
        elif not _geometry_fits(connection):
            message = f"connection {connection.name} has strides, pads or dilations beyond 62 bits"
            yield Diagnostic("SNN612", message, connection.loc, "use smaller ones")


def _geometry_fits(connection: Connection) -> bool:
    conv = connection.synapses
    if not isinstance(conv, ConvSynapses):
        return True
    spans = [d * k for d, k in zip(conv.dilations, conv.weight.shape[2:], strict=True)]
    return max([0, *conv.pads, *conv.strides, *spans]) < FARTHEST


def _ends(program: Program) -> Iterator[Diagnostic]:
    for source in program.inputs:
        if isinstance(source, TensorInput) and max(-source.lo, source.hi) >= FARTHEST:
            loc = program.population[source.population].loc
            message = f"input {source.name} has levels {source.lo}..{source.hi}, beyond 62 bits"
            yield Diagnostic("SNN610", message, loc, "use fewer levels")
    levels, ahead, values, behind = host_buffers(program)
    if prod((levels, ahead)) + prod((values, behind)) > MOST_BYTES // WIDEST:
        message = f"program {program.name} has inputs or outputs whose starts are too many samples apart"
        yield Diagnostic("SNN613", message, Loc(program.name, ""), "use starts that are nearer to each other")
