"""What can arrive at a population and what its accumulators can hold, by interval arithmetic over all source levels.

A source with levels lo..Q contributes w f(q), where f is what its train has added up to at that moment, a function of
the level that ``trains`` computes. It lies between f's least and greatest value, both of them reached, so a sum over
sources lies between

    sum over w > 0 of w f_min + sum over w < 0 of w f_max    and the same with f_min and f_max exchanged.

Weights are summed by output channel: nothing is unrolled. A border that sees less lies within, for f_min <= 0 <= f_max.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from snncc.compiler.certificate.receive import OFFSET, charge_terms, symbols
from snncc.compiler.certificate.span import Ints
from snncc.compiler.certificate.trains import Bounds, partial_bounds
from snncc.compiler.coding import CODINGS, Coding, Levels
from snncc.compiler.program import (
    Connection,
    ConvSynapses,
    DenseSynapses,
    Population,
    Program,
    SparseSynapses,
    TensorInput,
)

INJECTED = CODINGS["graded"]  # inputs are injected as levels, in the step that latches


@dataclass(frozen=True)
class Edge:
    """What one source brings to an in-port.

    Attributes:
        port: the in-port.
        coding: coding of the source.
        levels: its levels.
        up: sum of the positive weights, int64 that broadcasts to the neurons.
        down: sum of the negative weights.
    """

    port: str
    coding: Coding
    levels: Levels
    up: Ints
    down: Ints

    def reach(self, terms: Mapping[str, int], latches: bool) -> tuple[Ints, Ints]:
        """Return the bounds of a sum over registers and arrivals of its port, in or outside the step that latches."""
        own = tuple(sorted((name, factor) for name, factor in terms.items()))
        low, high = partial_bounds(self.coding, self.levels, self.port, own)[0 if latches else 1]
        return self.up * low + self.down * high, self.up * high + self.down * low


@dataclass(frozen=True)
class Hearing:
    """What a population hears.

    Attributes:
        edges: by source.
        offset: what is added to the charge, broadcasts to the neurons.
    """

    edges: tuple[Edge, ...]
    offset: Ints

    def reach(self, terms: Mapping[str, int], const: int, latches: bool) -> tuple[Ints, Ints]:
        """Return the bounds of const plus a sum over registers, arrivals and the offset, in each neuron or channel."""
        low: Ints = np.asarray(const + terms.get(OFFSET, 0) * self.offset, dtype=np.int64)
        high = low
        for edge in self.edges:
            own = {name: factor for name, factor in terms.items() if name in symbols(edge.port)}
            if own:
                least, most = edge.reach(own, latches)
                low, high = low + least, high + most
        return low, high

    def charge(self, ports: Iterable[str]) -> tuple[Ints, Ints]:
        """Return the bounds of the charge, offset included."""
        return self.reach({OFFSET: 1, **charge_terms(ports)}, 0, True)

    def arrivals(self, port: str) -> Bounds:
        """Return the bounds of what arrives at a port in one step."""
        return bounds_of(*(self.reach({f"in.{port}": 1}, 0, latches) for latches in (True, False)))


def hearing(program: Program, population: Population) -> Hearing:
    """Return what a population hears."""
    sources = program.population
    edges = []
    for connection, weight in _joined(c for c in program.connections if c.target == population.name):
        claim = sources[connection.source].claim
        assert claim is not None
        up, down = _sums(connection, weight, population)
        edges.append(Edge(connection.port, CODINGS[claim.coding], Levels(claim.lo, claim.hi), up, down))
    one = np.ones((), dtype=np.int64)
    for item in program.inputs:
        if isinstance(item, TensorInput) and item.population == population.name:
            edges.append(Edge(item.port, INJECTED, Levels(item.lo, item.hi), one, 0 * one))
    return Hearing(tuple(edges), population.params.get(OFFSET, 0 * one))


def bounds_of(*pairs: tuple[Ints, Ints]) -> Bounds:
    """Return the least and the greatest of several bounds."""
    return min(int(np.min(low)) for low, _ in pairs), max(int(np.max(high)) for _, high in pairs)


def _joined(connections: Iterable[Connection]) -> list[tuple[Connection, Ints]]:
    """Return connections with their weights; those alike in all but weights, parts of one edge, are added up."""
    found: dict[object, tuple[Connection, Ints]] = {}
    for c in connections:
        gather = None if c.gather is None else c.gather.tobytes()
        key = (c.source, c.port, c.delay, gather, _geometry(c))
        weight = c.synapses.weight
        found[key] = (c, found[key][1] + weight) if key in found else (c, weight)
    return list(found.values())


def _geometry(connection: Connection) -> object:
    synapses = connection.synapses
    if isinstance(synapses, ConvSynapses):
        rest = (synapses.in_shape, synapses.strides, synapses.pads, synapses.dilations, synapses.groups)
        return (synapses.weight.shape, rest)
    return synapses.weight.shape if isinstance(synapses, DenseSynapses) else connection.name


def _sums(connection: Connection, weight: Ints, population: Population) -> tuple[Ints, Ints]:
    """Return the sums of the positive and of the negative weights of each neuron or channel."""
    synapses = connection.synapses
    if isinstance(synapses, SparseSynapses):
        sums = [np.zeros(population.size, dtype=np.int64) for _ in range(2)]
        np.add.at(sums[0], synapses.target, np.maximum(weight, 0))
        np.add.at(sums[1], synapses.target, np.minimum(weight, 0))
        return sums[0].reshape(population.shape), sums[1].reshape(population.shape)
    flat = weight.reshape(len(weight), -1)
    total, size = flat.sum(axis=1), np.abs(flat).sum(axis=1)
    shape = (-1, *(1,) * (len(population.shape) - 1)) if isinstance(synapses, ConvSynapses) else population.shape
    return ((size + total) // 2).reshape(shape), ((total - size) // 2).reshape(shape)
