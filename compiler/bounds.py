"""How large every number in a program can get, by interval arithmetic: what code with narrower integers must know.

States are taken anywhere in their declared width, so the bounds hold in every step whatever came before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import product

import numpy as np

from snncc.compiler.ir.graph import Array
from snncc.compiler.neuron import NeuronProgram, Operand
from snncc.compiler.program import (
    SILENCE,
    Connection,
    ConvSynapses,
    DenseSynapses,
    EventInput,
    Population,
    Program,
    SparseSynapses,
    TensorInput,
)

Bounds = tuple[int, int]  # least and greatest value, both reached or not
WORD: Bounds = (-(1 << 63), (1 << 63) - 1)  # a result that may leave this wraps, so it can be anything in it
EVENT: Bounds = (-(1 << 31), (1 << 31) - 1)  # what events may add up to at a neuron in one step
LAST_PHASE = 1 << 40  # of a free-running program; as good as never


def payload_bounds(population: Population) -> Bounds:
    """Return the least and the greatest payload a population may send, 0 (no spike) included."""
    bits = population.payload_bits - population.signed
    return (-(1 << bits) if population.signed else 0, (1 << bits) - 1)


def arrival_bounds(program: Program) -> dict[tuple[str, str], Bounds]:
    """Return the bounds of what arrives in one step, by population and in-port; ports nobody feeds get (0, 0)."""
    populations = program.population
    sums = {(p.name, port): [0, 0] for p in program.populations for port in p.neuron.ports}
    for connection in program.connections:
        low, high = _connection(connection, payload_bounds(populations[connection.source]))
        sums[connection.target, connection.port][0] += low
        sums[connection.target, connection.port][1] += high
    for source in program.inputs:
        low, high = (source.lo, source.hi) if isinstance(source, TensorInput) else EVENT
        assert isinstance(source, (TensorInput, EventInput))
        sums[source.population, source.port][0] += low
        sums[source.population, source.port][1] += high
    return {place: (low, high) for place, (low, high) in sums.items()}


def connection_bounds(program: Program, connection: Connection) -> Bounds:
    """Return the bounds of what one connection delivers to a neuron in one step."""
    return _connection(connection, payload_bounds(program.population[connection.source]))


def instruction_bounds(program: Program, population: Population) -> list[Bounds]:
    """Return the bounds of the result of each instruction of a population's neuron program, in order.

    A result that may leave 64 bits has the bounds WORD, and so on from there.
    """
    arrivals = arrival_bounds(_around(program, population))
    last = program.interval - 1 if program.interval else LAST_PHASE
    values: dict[str, Bounds] = {"phase": (-population.start, last)}
    values |= {name: (int(a.min()), int(a.max())) for name, a in population.params.items()}
    values |= {s.name: (-(1 << (s.bits - 1)), (1 << (s.bits - 1)) - 1) for s in population.neuron.states}
    values |= {f"in.{port}": _word(arrivals[population.name, port]) for port in population.neuron.ports}
    return _walk(population.neuron, values)


def _around(program: Program, population: Population) -> Program:
    """Return the program with only what one population hears."""
    connections = tuple(c for c in program.connections if c.target == population.name)
    inputs = tuple(i for i in program.inputs if i.population == population.name)
    return replace(program, connections=connections, inputs=inputs)


def _walk(neuron: NeuronProgram, values: dict[str, Bounds]) -> list[Bounds]:
    found = []
    for line in neuron.code:
        result = _BOUNDS[line.op](*(_operand(arg, values) for arg in line.args))
        found.append(_word(result))
        values[line.target] = found[-1]
    return found


def _word(bounds: Bounds) -> Bounds:
    """Return the bounds of what is left of a value in 64 bits: all of them where it may wrap."""
    return bounds if WORD[0] <= bounds[0] and bounds[1] <= WORD[1] else WORD


def _operand(arg: Operand, values: Mapping[str, Bounds]) -> Bounds:
    return values[arg] if isinstance(arg, str) else (arg, arg)


def _corners(op: Callable[[int, int], int]) -> Callable[[Bounds, Bounds], Bounds]:
    """Return the bounds of an operation that is monotone in each argument: its extremes are at the corners."""

    def bounds(a: Bounds, b: Bounds) -> Bounds:
        found = [op(x, y) for x, y in product(a, b)]
        return min(found), max(found)

    return bounds


def _shift(op: Callable[[int, int], int]) -> Callable[[Bounds, Bounds], Bounds]:
    corners = _corners(op)
    return lambda a, b: corners(a, b) if b[0] >= 0 and b[1] < 64 else WORD


def _clip(x: Bounds, lo: Bounds, hi: Bounds) -> Bounds:
    low = (max(x[0], lo[0]), max(x[1], lo[1]))
    return min(low[0], hi[0]), min(low[1], hi[1])


def _truth(a: Bounds, b: Bounds) -> Bounds:
    return 0, 1


_BOUNDS: dict[str, Callable[..., Bounds]] = {
    "copy": lambda a: a,
    "add": lambda a, b: (a[0] + b[0], a[1] + b[1]),
    "sub": lambda a, b: (a[0] - b[1], a[1] - b[0]),
    "mul": _corners(lambda a, b: a * b),
    "shl": _shift(lambda a, b: a << b),
    "shr": _shift(lambda a, b: a >> b),
    "min": lambda a, b: (min(a[0], b[0]), min(a[1], b[1])),
    "max": lambda a, b: (max(a[0], b[0]), max(a[1], b[1])),
    "clip": _clip,
    "ge": _truth,
    "gt": _truth,
    "eq": _truth,
    "lt": _truth,
    "select": lambda c, a, b: (min(a[0], b[0]), max(a[1], b[1])),
    "emit": lambda a: a,
}


def _heard(connection: Connection) -> Array:
    """Return the weights of a connection, 0 where the input of the synapses is silence."""
    synapses, gather = connection.synapses, connection.gather
    weight = np.asarray(synapses.weight)
    if gather is None or not (gather == SILENCE).any():
        return weight
    heard = gather != SILENCE
    if isinstance(synapses, DenseSynapses):
        return weight * heard
    if isinstance(synapses, SparseSynapses):
        return weight * heard[synapses.source]
    channels = heard.reshape(synapses.groups, weight.shape[1], -1).any(axis=2)
    by_output = np.repeat(channels, len(weight) // synapses.groups, axis=0)
    return weight * by_output.reshape(*by_output.shape, *(1,) * (weight.ndim - 2))


def _connection(connection: Connection, payload: Bounds) -> Bounds:
    """Return the least and greatest sum of weight times payload over the synapses of any target neuron."""
    weight = _heard(connection)
    largest = max(-int(weight.min(initial=0)), int(weight.max(initial=0))) * max(-payload[0], payload[1])
    if largest * weight.size >> 62:  # sums that may not fit int64 are made of Python's integers
        weight = weight.astype(object)
    low, high = (
        np.minimum(weight * payload[0], weight * payload[1]),
        np.maximum(weight * payload[0], weight * payload[1]),
    )
    if isinstance(connection.synapses, (DenseSynapses, ConvSynapses)):
        rows = tuple(range(1, weight.ndim))
        sums = low.sum(axis=rows), high.sum(axis=rows)
    else:
        target, count = connection.synapses.target, int(connection.synapses.target.max(initial=0)) + 1
        sums = tuple(np.zeros(count, dtype=weight.dtype) for _ in range(2))  # type: ignore[assignment]
        np.add.at(sums[0], target, low)
        np.add.at(sums[1], target, high)
    return int(sums[0].min(initial=0)), int(sums[1].max(initial=0))
