"""Deliver spikes through synapses, event by event: the cost follows the spikes.

A convolution over one or two axes is not unrolled; one over more, which no model that is imported has, is.

For every spike and every synapse it meets, weight x payload is added, in int64. numba compiles the loops; no library
has them. ``runtime.matrix`` enumerates the same synapses one by one, for checking.
"""

from __future__ import annotations

from typing import Protocol

import numba
import numpy as np
import numpy.typing as npt

from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, SparseSynapses
from snncc.runtime.matrix import unrolled

Ints = npt.NDArray[np.int64]


class _Synapses(Protocol):
    fan_out: Ints

    def deliver(self, spikes: Ints) -> Ints: ...


class Wire:
    """A connection made ready to deliver.

    Attributes:
        connection: the connection.
        fan_out: int64 [sources], nonzero weights on in-bounds targets that a spike of each source neuron meets.
    """

    def __init__(self, connection: Connection, sources: int, targets: int) -> None:
        """Arrange the weights by source neuron."""
        self.connection = connection
        self._synapses = _arranged(connection, sources, targets)
        self.fan_out = self._synapses.fan_out

    def deliver(self, spikes: Ints) -> Ints:
        """Return what arrives, int64 [targets, streams], for payloads [sources, streams]."""
        return self._synapses.deliver(np.ascontiguousarray(spikes))


def _arranged(connection: Connection, sources: int, targets: int) -> _Synapses:
    synapses, gather = connection.synapses, connection.gather
    if isinstance(synapses, SparseSynapses):
        return _Sparse(synapses, gather, sources, targets)
    if isinstance(synapses, DenseSynapses):
        pixel = (1, 1)
        weight = synapses.weight[:, :, None, None]
        return _Conv(ConvSynapses(weight, (weight.shape[1], *pixel), pixel, (0, 0, 0, 0), pixel), gather, sources)
    if len(synapses.in_shape) > 3:
        return _Sparse(unrolled(synapses), gather, sources, targets)
    return _Conv(_planar(synapses), gather, sources)


def _planar(conv: ConvSynapses) -> ConvSynapses:
    """Return the same convolution with two spatial axes."""
    missing = 3 - len(conv.in_shape)
    ones, zeros = (1,) * missing, (0,) * missing
    rank = len(conv.in_shape) - 1
    weight = conv.weight.reshape(*conv.weight.shape[:2], *ones, *conv.weight.shape[2:])
    pads = (*zeros, *conv.pads[:rank], *zeros, *conv.pads[rank:])
    in_shape = (conv.in_shape[0], *ones, *conv.in_shape[1:])
    return ConvSynapses(weight, in_shape, (*ones, *conv.strides), pads, (*ones, *conv.dilations), conv.groups)


class _Conv:
    """Shared kernels: a spike at (c, y, x) meets one output pixel a tap, and there every channel of its group."""

    def __init__(self, conv: ConvSynapses, gather: Ints | None, sources: int) -> None:
        outs, ins, rows, columns = conv.weight.shape
        grouped = np.asarray(conv.weight).reshape(conv.groups, outs // conv.groups, ins, rows, columns)
        by_source = grouped.transpose(0, 2, 3, 4, 1).reshape(conv.groups * ins, rows, columns, -1)
        self.weight = np.ascontiguousarray(by_source, dtype=np.int64)
        self.out_shape, self.ins = conv.out_shape, ins
        self.down, self.right = _meets(conv, 0), _meets(conv, 1)
        seen = np.arange(sources) if gather is None else gather
        heard = np.flatnonzero(seen != SILENCE)
        self.neurons = np.ascontiguousarray(seen[heard])  # the neuron behind each input that hears one
        self.places = np.stack(np.unravel_index(heard, conv.in_shape), axis=1)  # and its channel, row, column
        counts = self._count().ravel()[heard]
        self.fan_out = np.bincount(self.neurons, weights=counts, minlength=sources).astype(np.int64)

    def _count(self) -> Ints:
        """Return the fan-out of each input [channels, rows, columns]: at each tap, the weights that are not zero."""
        taps = np.count_nonzero(self.weight, axis=3).astype(np.int64)
        down, right = (self.down >= 0).astype(np.int64), (self.right >= 0).astype(np.int64)
        fan: Ints = np.einsum("crk,yr,xk->cyx", taps, down, right)
        return fan

    def deliver(self, spikes: Ints) -> Ints:
        """Return what arrives, int64 [targets, streams], for payloads [sources, streams]."""
        streams, (channels, height, width) = spikes.shape[1], self.out_shape
        if self.weight.shape[3] == 1:  # taps of one channel lie beside each other
            arriving = np.zeros((streams, channels, height * width), dtype=np.int64).transpose(0, 2, 1)
        else:
            arriving = np.zeros((streams, height * width, channels), dtype=np.int64)
        taps = self.weight, self.down, self.right
        _conv_events(spikes, self.neurons, self.places, *taps, self.ins, width, arriving)
        arrived: Ints = np.ascontiguousarray(arriving.transpose(2, 1, 0).reshape(-1, streams))
        return arrived


def _meets(conv: ConvSynapses, axis: int) -> Ints:
    """Return the output position that each tap meets from each input position along an axis, -1 for none."""
    taps = np.arange(conv.weight.shape[2 + axis]) * conv.dilations[axis]
    at = np.arange(conv.in_shape[1 + axis])[:, None] + conv.pads[axis] - taps
    to = at // conv.strides[axis]
    inside = (at % conv.strides[axis] == 0) & (to >= 0) & (to < conv.out_shape[1 + axis])
    meets: Ints = np.where(inside, to, -1)
    return meets


class _Sparse:
    """Single synapses, listed by source."""

    def __init__(self, synapses: SparseSynapses, gather: Ints | None, sources: int, targets: int) -> None:
        source = synapses.source if gather is None else gather[synapses.source]
        order = np.argsort(source, kind="stable")
        order = order[source[order] != SILENCE]
        self.begin = np.searchsorted(source[order], np.arange(sources + 1))
        self.target = np.ascontiguousarray(synapses.target[order], dtype=np.int64)
        self.weight = np.ascontiguousarray(synapses.weight[order], dtype=np.int64)
        self.targets = targets
        self.fan_out = np.bincount(source[order][self.weight != 0], minlength=sources).astype(np.int64)

    def deliver(self, spikes: Ints) -> Ints:
        """Return what arrives, int64 [targets, streams], for payloads [sources, streams]."""
        return _sparse_events(spikes, self.begin, self.target, self.weight, self.targets)


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _conv_events(spikes, neurons, places, weight, down, right, ins, width, arriving):  # type: ignore[no-untyped-def]
    """Add to arriving [streams, pixels, channels]. The input at (channel, row, column) places[i] hears neurons[i]."""
    outs = weight.shape[3]
    for i in range(len(neurons)):
        for stream in range(spikes.shape[1]):
            payload = spikes[neurons[i], stream]
            if payload == 0:
                continue
            channel, y, x = places[i, 0], places[i, 1], places[i, 2]
            first = channel // ins * outs
            for row in range(weight.shape[1]):
                up = down[y, row]
                if up < 0:
                    continue
                for column in range(weight.shape[2]):
                    left = right[x, column]
                    if left < 0:
                        continue
                    to = arriving[stream, up * width + left, first : first + outs]
                    by = weight[channel, row, column]
                    for out in range(outs):
                        to[out] += by[out] * payload


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _sparse_events(spikes, begin, target, weight, targets):  # type: ignore[no-untyped-def]
    """Return arrivals [targets, streams]."""
    arriving = np.zeros((targets, spikes.shape[1]), dtype=np.int64)
    for source in range(spikes.shape[0]):
        for stream in range(spikes.shape[1]):
            payload = spikes[source, stream]
            if payload != 0:
                for i in range(begin[source], begin[source + 1]):
                    arriving[target[i], stream] += weight[i] * payload
    return arriving
