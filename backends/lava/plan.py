"""Which of Lava's processes stand for a program: how each connection is made, and which in-ports that takes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from snncc.backends.lava.synapses import (
    Ints,
    Plane,
    channel_pairs,
    fits_conv,
    folded,
    merged,
    planar,
    planes,
    sums,
    synapse_count,
    unrolled,
    view_of,
)
from snncc.compiler.bounds import Bounds, payload_bounds
from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, Population, Program, SparseSynapses

CONV_RANGE: Bounds = (-(1 << 23), (1 << 23) - 1)  # Conv wraps what it sends to 24 bits
LONGEST_DELAY = 64  # DelayDense and DelaySparse take 0..63 steps beyond the one that every connection takes
# Lava's Conv takes 20 to 25 us for each pair of channels (scipy's convolve2d, one by one), Sparse 1 to 2 ns a synapse.
# Conv is what a chip that shares kernels has, so it is used until a step of it would take more than about 0.1 s; and
# then as well where a Sparse would hold more than UNROLLED synapses (128 MB).
CONV_PAIRS = 4096
UNROLLED = 1 << 24
# DelayDense and DelaySparse rebuild their weights for every delay in every step: above this many synapses times steps
# of delay, a delay line (one synapse a neuron) in front is the cheaper way to the same delay.
DIRECT_DELAYS = 1 << 18
MOST_SYNAPSES = 1 << 28  # of one Sparse: its indices are int32, and the matrix must fit into memory


@dataclass(frozen=True, eq=False)
class Wiring:
    """A connection as Lava's processes make it.

    Attributes:
        number: the connection is ``c<number>``.
        connection: what is made.
        kind: Conv, Dense, Sparse, DelayDense or DelaySparse: the process class of every plane.
        planes: digits of the weights: Conv [out, in, height, width], Dense [targets, sources], Sparse [synapses].
        line: steps of the delay line in front, 0 where there is none.
        gather: what the line, or the weights, read of the source, -1 for nothing; None for all neurons in order.
        message_bits: width of the payload, 0 where all that counts is whether there is a spike.
        conv: geometry of a Conv, over two axes.
        view: permutation of the source's axes in front of a Conv.
        ends: sources and targets of a Sparse.
    """

    number: int
    connection: Connection
    kind: str
    planes: tuple[Plane, ...]
    line: int
    gather: Ints | None
    message_bits: int
    conv: ConvSynapses | None = None
    view: tuple[int, ...] = ()
    ends: SparseSynapses | None = None

    @property
    def name(self) -> str:
        """Return ``c<number>``."""
        return f"c{self.number}"

    @property
    def delay(self) -> int:
        """Return the synaptic delay of the planes, in steps beyond the one that every connection takes."""
        return 0 if self.line else self.connection.delay - 1


def plan(program: Program) -> list[Wiring]:
    """Return how every connection of a program is made."""
    return [_wiring(program, number) for number in range(len(program.connections))]


def plane_bounds(wiring: Wiring, plane: Plane, payload: Bounds) -> Bounds:
    """Return the least and greatest sum a plane delivers to a neuron in one step, for payloads within bounds."""
    if wiring.ends is not None:
        target = wiring.ends.target
        return sums(target, plane.weight, int(target.max(initial=-1)) + 1, payload)
    return _row_bounds(plane, payload)


def _row_bounds(plane: Plane, payload: Bounds) -> Bounds:
    rows = plane.weight.reshape(len(plane.weight), -1)
    low = np.minimum(rows * payload[0], rows * payload[1]).sum(axis=1)
    high = np.maximum(rows * payload[0], rows * payload[1]).sum(axis=1)
    return int(low.min(initial=0)), int(high.max(initial=0))


def _wiring(program: Program, number: int) -> Wiring:
    connection = program.connections[number]
    source = program.population[connection.source]
    synapses = connection.synapses
    bits = 0 if payload_bounds(source) == (0, 1) else source.payload_bits
    if isinstance(synapses, ConvSynapses):
        made = _conv(number, connection, source, bits)
        return made or _single(number, connection, unrolled(synapses), bits)
    if isinstance(synapses, SparseSynapses):
        return _single(number, connection, synapses, bits)
    return _dense(number, connection, synapses, source, bits)


def _conv(number: int, connection: Connection, source: Population, bits: int) -> Wiring | None:
    """Return the connection as a Conv, None where Lava's cannot express it or takes too long."""
    assert isinstance(connection.synapses, ConvSynapses)
    conv, line = planar(connection.synapses), connection.delay - 1
    if conv is None or not fits_conv(conv):
        return None
    if channel_pairs(conv) > CONV_PAIRS and synapse_count(conv) <= UNROLLED:
        return None
    view = tuple(range(len(source.shape))) if line else view_of(source.shape, connection.gather)
    digits = tuple(planes(conv.weight))
    payload = payload_bounds(source)
    if view is None or not all(_within(_row_bounds(plane, payload), CONV_RANGE) for plane in digits):
        return None
    return Wiring(number, connection, "Conv", digits, line, connection.gather, bits, conv, view)


def _single(number: int, connection: Connection, synapses: SparseSynapses, bits: int) -> Wiring:
    """Return the connection as a Sparse; what a delay line in front gathers, the weights need not."""
    line = _line(connection.delay, len(synapses.weight))
    ends = merged(synapses, None if line else connection.gather)
    kind = "DelaySparse" if connection.delay > 1 and not line else "Sparse"
    # The model of Sparse takes columns out of its matrix where message_bits is 0, far slower than multiplying.
    return Wiring(
        number, connection, kind, tuple(planes(ends.weight)), line, connection.gather, max(bits, 1), ends=ends
    )


def _dense(number: int, connection: Connection, dense: DenseSynapses, source: Population, bits: int) -> Wiring:
    line = _line(connection.delay, dense.weight.size)
    weight = dense.weight if line else folded(dense, connection.gather, source.size)
    kind = "DelayDense" if connection.delay > 1 and not line else "Dense"
    return Wiring(number, connection, kind, tuple(planes(weight)), line, connection.gather, bits)


def _line(delay: int, synapses: int) -> int:
    """Return the steps that a delay line takes, 0 where the synapses themselves delay."""
    return delay - 1 if delay > 1 and delay * synapses > DIRECT_DELAYS else 0


def _within(bounds: Bounds, limits: Bounds) -> bool:
    return limits[0] <= bounds[0] and bounds[1] <= limits[1]


def single_synapses(program: Program, number: int) -> int:
    """Return how many single synapses a connection takes, 0 where it is no Sparse; counted before they are made."""
    connection = program.connections[number]
    if isinstance(connection.synapses, ConvSynapses):
        source = program.population[connection.source]
        return 0 if _conv(number, connection, source, 0) else synapse_count(connection.synapses)
    return int(connection.synapses.weight.size) if isinstance(connection.synapses, SparseSynapses) else 0
