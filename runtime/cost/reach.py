"""Connections by the neurons that they hear: weights that are stored, and those that are not 0."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.wiring import positions
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, Population, Program, Synapses
from snncc.runtime.deliver import Wire

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reach:
    """A connection, by the neurons that it hears.

    Attributes:
        connection: the connection.
        neuron: int64 [n], neurons of the source population that have a synapse, one of weight 0 included.
        nonzero: int64 [n], weights of each that are not 0.
        dense: weights times the places of its input that they meet, zeros included, whoever feeds the places; padding
            is no place.
    """

    connection: Connection
    neuron: Ints
    nonzero: Ints
    dense: int


def reaches(program: Program) -> tuple[Reach, ...]:
    """Return what every connection reaches."""
    populations = program.population
    return tuple(reach_of(c, populations[c.source], populations[c.target]) for c in program.connections)


def reach_of(connection: Connection, source: Population, target: Population) -> Reach:
    """Return what a connection between two populations reaches."""
    by_place = weights_met(connection.synapses)
    place = np.flatnonzero(by_place)
    neuron = place if connection.gather is None else connection.gather[place]
    heard = np.unique(neuron[neuron != SILENCE])
    nonzero = Wire(connection, source.size, target.size).fan_out
    return Reach(connection, heard, nonzero[heard], int(by_place.sum()))


def weights_met(synapses: Synapses) -> Ints:
    """Return the weights that each place of the synapses' input meets, zeros included, int64 [places]."""
    if isinstance(synapses, DenseSynapses):
        outs, ins = synapses.weight.shape
        return np.full(ins, outs, dtype=np.int64)
    if isinstance(synapses, ConvSynapses):
        outs = synapses.weight.shape[0] // synapses.groups
        channels = np.full(synapses.in_shape[0], outs, dtype=np.int64)
        axes = [_joined(synapses, axis) for axis in range(len(synapses.in_shape) - 1)]
        return reduce(np.multiply.outer, axes, channels).ravel()
    return np.bincount(synapses.source).astype(np.int64)


def _joined(synapses: ConvSynapses, axis: int) -> Ints:
    """Return how many pairs of a tap and an output position meet each input position of a spatial axis."""
    at = positions(synapses, axis)
    return np.bincount(at[at >= 0], minlength=synapses.in_shape[1 + axis]).astype(np.int64)
