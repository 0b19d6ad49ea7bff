"""Windows end-aligned and disjoint, delays within the target's, values representable.

arrival of the last spike of an edge:  start_j + P_j - 1 + delay = start_i       (a max-pool: start_j + delay)
windows disjoint:                      P <= interval
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snncc.compiler.certificate.span import Ints
from snncc.compiler.coding import CODINGS, Levels
from snncc.compiler.program import Connection, Population, Program
from snncc.compiler.targets import Target


def schedule_problems(program: Program, target: Target) -> Iterator[str]:
    """Yield a sentence for everything about time that does not hold; all of it would be a mistake of the compiler."""
    populations = program.population
    for population in program.populations:
        claim = population.claim
        assert claim is not None
        if claim.kind != "read" and population.window != _window(population):
            yield f"population {population.name} has a window of {population.window} steps, not {_window(population)}"
        if not 1 <= population.window <= program.interval:
            yield f"the windows of {population.name}, {population.window} steps, overlap: interval {program.interval}"
    for connection in program.connections:
        source, reader = populations[connection.source], populations[connection.target]
        yield from _edge_problems(connection, source, reader, target)


def _edge_problems(connection: Connection, source: Population, reader: Population, target: Target) -> Iterator[str]:
    streams = reader.claim is not None and reader.claim.kind == "pool"
    last = source.start + connection.delay + (0 if streams else source.window - 1)
    if last != reader.start:
        yield f"connection {connection.name} is {last - reader.start} steps late for the window of {reader.name}"
    if not 1 <= connection.delay <= 1 + target.max_delay:
        yield f"connection {connection.name} takes {connection.delay} steps, not 1 to {1 + target.max_delay}"
    if source.claim is not None and not streams and connection.port != CODINGS[source.claim.coding].kernel:
        yield f"connection {connection.name} goes to port {connection.port}, which is not the kernel of its source"


def _window(population: Population) -> int:
    claim = population.claim
    assert claim is not None
    return CODINGS[claim.coding].window(Levels(claim.lo, claim.hi))


def weight_problems(program: Program, target: Target) -> Iterator[str]:
    """Yield a sentence for every connection with weights that are no mantissas with one exponent a channel.

    A max-pool's weights are powers of two that pack its taps; each tap is a mantissa 1 with an exponent of its own.
    """
    populations = program.population
    for connection in program.connections:
        claim = populations[connection.target].claim
        if claim is not None and claim.kind != "pool" and widest(connection.synapses.weight) >= target.weight_bits:
            yield f"weights of connection {connection.name} do not fit {target.weight_bits} bits"


def widest(weight: Ints) -> int:
    """Return the bits of the largest mantissa, sign excluded, with one exponent for each output channel."""
    flat = np.abs(weight.reshape(len(weight), -1)) if weight.ndim > 1 else np.abs(weight)[:, None]
    if not flat.size:
        return 0
    joined = np.bitwise_or.reduce(flat, axis=1)
    lowest = np.maximum(joined & -joined, 1)
    return int((flat.max(axis=1) // lowest).max()).bit_length()
