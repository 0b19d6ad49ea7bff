"""A placed program slice by slice: every slice a population of its own, every connection cut between slices.

The result is a program as any other, which runs on the same emulator and must send the same spikes. Its populations
are named as the slices, and each is one slice of its own, on the same core. Of an input or an output called x that
belongs to a population, part k, called x.k, belongs to its slice number k.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.pieces import Homes, box_of, cut, homes
from snncc.compiler.placement.slices import Slice
from snncc.compiler.program import Connection, EventInput, Output, Population, Program, TensorInput
from snncc.compiler.trace import Arrivals, Feed, Sent

Ints = npt.NDArray[np.int64]


def sliced(program: Program) -> Program:
    """Return the program of the slices of a placed one, without claims and origin.

    Connection c becomes c.0, c.1, ..., one for each pair of slices that have a synapse in common; a weight of 0 that a
    convolution or matrix stores is one.
    """
    places = homes(program)
    return replace(
        program,
        populations=tuple(_population(places[s.population].population, s) for s in program.slices),
        connections=tuple(piece for c in program.connections for piece in _connections(c, places)),
        inputs=tuple(part for source in program.inputs for part in _inputs(source, places)),
        outputs=tuple(part for output in program.outputs for part in _outputs(output, places)),
        origin=None,
        slices=tuple(Slice(s.name, s.name, (0,) * len(s.shape), s.shape, s.core) for s in program.slices),
    )


def _population(whole: Population, part: Slice) -> Population:
    params = {name: _boxed(value, part) for name, value in whole.params.items()}
    return replace(whole, name=part.name, shape=part.shape, params=params, claim=None)


def _boxed(values: Ints, part: Slice) -> Ints:
    """Return what of a parameter stands in a slice; axes along which it is the same stay of size 1."""
    box = box_of(part)[len(part.lo) - values.ndim :]
    return values[tuple(slice(None) if n == 1 else s for n, s in zip(values.shape, box, strict=True))]


def _connections(connection: Connection, places: Mapping[str, Homes]) -> Iterator[Connection]:
    source, target = places[connection.source], places[connection.target]
    for number, (sender, receiver, synapses, gather) in enumerate(cut(connection, source, target)):
        yield Connection(
            f"{connection.name}.{number}",
            sender.name,
            receiver.name,
            connection.port,
            synapses,
            connection.delay,
            gather,
            connection.loc,
        )


def _inputs(source: TensorInput | EventInput, places: Mapping[str, Homes]) -> Iterator[TensorInput | EventInput]:
    for number, part in enumerate(places[source.population].slices):
        name = f"{source.name}.{number}"
        if isinstance(source, TensorInput):
            yield replace(source, name=name, population=part.name, shape=part.shape)
        else:
            yield replace(source, name=name, population=part.name)


def _outputs(output: Output, places: Mapping[str, Homes]) -> Iterator[Output]:
    for number, part in enumerate(places[output.population].slices):
        yield Output(f"{output.name}.{number}", part.name, output.scale)


def cut_levels(program: Program, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    """Return what the inputs of the sliced program are fed, for levels [samples, streams, *shape] of a placed one."""
    places, found = homes(program), {}
    for source in program.inputs:
        if source.name in levels:
            home = places[source.population]
            whole = levels[source.name]
            whole = whole.reshape(*whole.shape[:2], *home.population.shape)
            for number, part in enumerate(home.slices):
                box = (slice(None), slice(None), *box_of(part))
                found[f"{source.name}.{number}"] = whole[box]
    return found


def cut_feed(program: Program, feed: Feed) -> Feed:
    """Return what the sliced program is fed, for the feed of a placed one."""
    places, found = homes(program), {}
    for source in program.inputs:
        if source.name in feed.arrivals:
            arriving, home = feed.arrivals[source.name], places[source.population]
            owner = home.owner[arriving.neuron]
            for number in range(len(home.slices)):
                some = owner == number
                local = home.local[arriving.neuron[some]]
                found[f"{source.name}.{number}"] = Arrivals(arriving.step[some], local, arriving.value[some])
    return Feed(feed.steps, found)


class Joining:
    """Puts together what the slices of a placed program do."""

    def __init__(self, program: Program) -> None:
        """Find where each slice's neurons stand in their population."""
        self._homes = homes(program)

    def joined(self, sent: Mapping[str, Sent]) -> dict[str, Sent]:
        """Return what every population does in a step, of what every slice does."""
        return {name: _joined(home, sent) for name, home in self._homes.items()}


def _joined(home: Homes, sent: Mapping[str, Sent]) -> Sent:
    streams = sent[home.slices[0].name].spikes.shape[1]
    spikes, membrane = (np.zeros((*home.population.shape, streams), dtype=np.int64) for _ in range(2))
    for part in home.slices:
        did, box = sent[part.name], box_of(part)
        spikes[box] = did.spikes.reshape(*part.shape, streams)
        membrane[box] = did.membrane.reshape(*part.shape, streams)
    return Sent(spikes.reshape(-1, streams), membrane.reshape(-1, streams))
