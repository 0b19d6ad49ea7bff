"""What boxes need of a core, counted for a whole grid of them at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.cuts import Cuts, Ints, outer, sizes, summed
from snncc.compiler.placement.kinds import Kinds
from snncc.compiler.placement.memory import crossbar, width, words
from snncc.compiler.placement.wiring import Reach, Wiring, positions, wiring
from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, Population, Program
from snncc.compiler.targets.target import Target

SUMS = ("neurons", "in_axons", "out_axons", "synapse_words")  # what adds up over the slices of a core
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Hearing:
    """A connection, seen from boxes of its target, and the bits of its weights as they are stored."""

    connection: Connection
    wires: Wiring
    bits: int


@dataclass
class Layer:
    """A population with what it hears and who hears it.

    Attributes:
        population: the population.
        hears: connections into it, by name.
        heard_by: for each connection out of it to a population that is cut already, how many boxes hear each neuron.
        kinds: kind of each neuron, see ``kinds.Kinds.of``.
        sends: whether others hear it.
        events: mean synaptic events that one of its neurons receives in an inference.
    """

    population: Population
    kinds: Ints
    sends: bool
    hears: dict[str, Hearing] = field(default_factory=dict)
    heard_by: list[Reach] = field(default_factory=list)
    events: float = 0.0


def layers(program: Program, target: Target, spikes: Mapping[str, float], kinds: Kinds) -> dict[str, Layer]:
    """Return the populations of a program by name, none cut yet.

    Args:
        program: what is placed.
        target: whose packing holds.
        spikes: mean spikes of a neuron in an inference by population; 1 where not known.
        kinds: numbers the kinds of neurons.
    """
    populations, sending = program.population, {connection.source for connection in program.connections}
    found = {p.name: Layer(p, kinds.of(p), p.name in sending) for p in program.populations}
    for connection in program.connections:
        source, receiver = populations[connection.source], populations[connection.target]
        bits = width(connection, is_pool(receiver), target.packing) or max(target.packing.widths)
        layer = found[receiver.name]
        layer.hears[connection.name] = Hearing(connection, wiring(connection, source, receiver), bits)
        layer.events += fan_in(connection, receiver) * spikes.get(source.name, 1.0)
    return found


def is_pool(population: Population) -> bool:
    """Return whether a population is a max-pool."""
    return population.claim is not None and population.claim.kind == "pool"


def fan_in(connection: Connection, target: Population) -> int:
    """Return the most stored synapses that one neuron has of a connection."""
    synapses = connection.synapses
    if isinstance(synapses, DenseSynapses):
        return int(synapses.weight.shape[1])
    if isinstance(synapses, ConvSynapses):
        axes = range(len(synapses.in_shape) - 1)
        joined = [int((positions(synapses, axis) >= 0).sum(axis=0).max(initial=0)) for axis in axes]
        return int(synapses.weight.shape[1]) * prod(joined)
    return int(np.bincount(synapses.target, minlength=target.size).max(initial=0))


def loads(layer: Layer, cuts: Cuts, target: Target, wanted: Sequence[str] = SUMS) -> dict[str, Ints]:
    """Return what each box of a grid needs, int64 [*grid] by entry of SUMS."""
    count = {"neurons": _neurons, "in_axons": _in_axons, "out_axons": _out_axons, "synapse_words": _words}
    return {name: count[name](layer, cuts, target) for name in wanted}


def _neurons(layer: Layer, cuts: Cuts, target: Target) -> Ints:
    return outer([sizes(bounds) for bounds in cuts])


def _loops(layer: Layer, cuts: Cuts, target: Target) -> Ints:
    """Return the synapses that neurons keep to themselves."""
    return _neurons(layer, cuts, target) * (target.packing.loops if layer.sends else 0)


def _in_axons(layer: Layer, cuts: Cuts, target: Target) -> Ints:
    return sum((one.wires.heard(cuts) for one in layer.hears.values()), start=_loops(layer, cuts, target))


def _out_axons(layer: Layer, cuts: Cuts, target: Target) -> Ints:
    found = _loops(layer, cuts, target)
    for reach in layer.heard_by:
        if len(reach) == len(cuts):
            found += outer([np.add.reduceat(v, list(b[:-1])) for v, b in zip(reach, cuts, strict=True)])
        else:
            found += summed(reach[0].reshape(layer.population.shape), cuts)
    return found


def _words(layer: Layer, cuts: Cuts, target: Target) -> Ints:
    packing = target.packing
    if packing.kind == "crossbar":
        widest = max((one.bits for one in layer.hears.values()), default=1)
        return crossbar(_neurons(layer, cuts, target), _in_axons(layer, cuts, target), packing, widest)
    taken = (words(one.connection, one.wires, cuts, packing, one.bits) for one in layer.hears.values())
    return sum(taken, start=_loops(layer, cuts, target))


def work(layer: Layer, cuts: Cuts, interval: int, target: Target) -> Floats:
    """Return the modelled time that each box keeps its core busy in an inference, float64 [*grid].

    By the target's first cost table; where it prices no time, updates and synaptic events take the same.
    """
    priced = next((table.time for table in target.tables.values()), {})
    update, event = (priced.get(key, 1.0) for key in ("update", "synaptic_event"))
    busy = _neurons(layer, cuts, target) * (interval * update + layer.events * event)
    return busy.astype(np.float64)
