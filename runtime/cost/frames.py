"""The same network run frame by frame: an 8-bit integer ANN on the same cores, under the same table.

Every layer works on one frame in a step, as a pipeline, and skips nothing:

    synaptic event   a multiply-accumulate: every weight at every position, zeros of weights and activations included;
                     none where a tap lies on the padding of a convolution
    update           one a neuron: activations, pools, readouts, inputs
    word read        the 8 bits of a weight for each multiply-accumulate, words full to the last bit
    spike, message   every activation once, the input's values included, zero or not, to every slice that reads it

Max-pools compare and accumulate nothing. A level that is held back by a relay, and a weight that a program stores in
two parts, are here one neuron and one weight. Where the program was compiled from a network, that is what is counted,
see ``network``: multiply-accumulates, updates and spikes of a layer are the network's, and lie on the layer's slices in
the proportions of the program's own. Messages and their hops are those of the program's ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.slices import HOST
from snncc.compiler.program import Connection, ConvSynapses, Program, SparseSynapses
from snncc.compiler.targets.target import Board, Packing
from snncc.runtime.cost.counting import Counting
from snncc.runtime.cost.events import Events
from snncc.runtime.cost.network import frame_of

Ints = npt.NDArray[np.int64]
WEIGHT_BITS = 8


def frame_events(program: Program, board: Board, packing: Packing | None) -> Events:
    """Return the events of a frame, in one step.

    Args:
        program: placed.
        board: what it is placed on.
        packing: how its synapses are stored; None where that is not known, and words of memory are not counted.
    """
    relays, pools = relay_layers(program), layers_of(program, "pool")
    kept = tuple(with_ones(c) for c in _distinct(program) if c.target not in relays)
    counting = Counting(replace(program, connections=kept), board, packing, 1)
    sends = {connection.source for connection in program.connections}
    counting.add(0, {p.name: np.ones(p.size, dtype=np.int64) for p in program.populations if p.name in sends})
    events = counting.events(_inputs(program), 1)
    counts = dict(events.counts)
    counts["synaptic_event"] = counts["synaptic_event"] * _but(program, pools)
    counts["update"] = counts["update"] * _but(program, relays)
    counts["spike"] = counts["spike"] * _but(program, relays)
    if (frame := frame_of(program)) is not None:
        for kind, totals in (("synaptic_event", frame.macs), ("update", frame.neurons), ("spike", frame.sent)):
            counts[kind] = _shared(program, counts[kind][0], totals)[None]
    if packing is not None:
        counts["word_read"] = -(-counts["synaptic_event"] * WEIGHT_BITS // packing.word_bits)
    return replace(events, counts=counts)


def depth(program: Program) -> int:
    """Return the layers between inputs and the last output: steps in which a frame comes through."""
    if (frame := frame_of(program)) is not None:
        return frame.depth
    relays, found = relay_layers(program), {p.name: 0 for p in program.populations}
    for _ in program.populations:  # a round or two where data flow forward; recurrent programs end, too
        before = dict(found)
        for connection in program.connections:
            beyond = found[connection.source] + (connection.target not in relays)
            found[connection.target] = max(found[connection.target], beyond)
        if found == before:
            break
    return max((found[output.population] for output in program.outputs), default=0)


def relay_layers(program: Program) -> frozenset[str]:
    """Return the populations that hold levels back: copies that are no inputs."""
    return layers_of(program, "copy") - {i.population for i in program.inputs}


def layers_of(program: Program, kind: str) -> frozenset[str]:
    """Return the populations whose claim is of a kind, see ``Claim``."""
    return frozenset(p.name for p in program.populations if p.claim is not None and p.claim.kind == kind)


def with_ones(connection: Connection) -> Connection:
    """Return a connection whose weights are all 1: none of its synapses is 0."""
    synapses = connection.synapses
    return replace(connection, synapses=replace(synapses, weight=np.ones_like(synapses.weight)))


def _but(program: Program, layers: frozenset[str]) -> Ints:
    """Return 0 for slices of some layers, else 1, int64 [slices]."""
    return np.array([part.population not in layers for part in program.slices], dtype=np.int64)


def _shared(program: Program, counts: Ints, totals: Mapping[str, int]) -> Ints:
    """Return totals by population as counts of their slices, int64 [slices], in the proportions of other counts.

    Slices of a population where the others are all 0 share its total by their neurons.
    """
    found = np.zeros_like(counts)
    layers = np.array([part.population for part in program.slices])
    sizes = np.array([part.size for part in program.slices], dtype=np.int64)
    for name, total in totals.items():
        member = np.flatnonzero(layers == name)
        weights = counts[member] if counts[member].any() else sizes[member]
        ends = [total * upto // int(weights.sum()) for upto in np.cumsum(weights).tolist()]
        found[member] = np.diff(np.array(ends, dtype=np.int64), prepend=0)
    return found


def _inputs(program: Program) -> Ints:
    """Return how many values the host puts into input populations on cores, int64 [1]."""
    inputs, on_core = {i.population for i in program.inputs}, {s.population for s in program.slices if s.core != HOST}
    return np.array([sum(p.size for p in program.populations if p.name in inputs & on_core)], dtype=np.int64)


def _distinct(program: Program) -> Iterator[Connection]:
    """Yield the connections, but of those that hold parts of the same weights only the first."""
    seen = set()
    for connection in program.connections:
        key = _shape(connection)
        if key not in seen:
            seen.add(key)
            yield connection


def _shape(connection: Connection) -> tuple[object, ...]:
    """Return what connections that hold parts of the same weights have in common: all but their numbers."""
    synapses, gather = connection.synapses, connection.gather
    kind: tuple[object, ...] = (type(synapses).__name__, synapses.weight.shape)
    if isinstance(synapses, ConvSynapses):
        kind += (synapses.in_shape, synapses.strides, synapses.pads, synapses.dilations, synapses.groups)
    elif isinstance(synapses, SparseSynapses):
        kind += (synapses.source.tobytes(), synapses.target.tobytes())
    order = None if gather is None else gather.tobytes()
    return connection.source, connection.target, connection.port, connection.delay, connection.loc, kind, order
