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

from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, SparseSynapses
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
        self._gather = connection.gather
        seen = sources if self._gather is None else self._gather.size
        self._synapses = _arranged(connection, seen, targets)
        self.fan_out = self._synapses.fan_out
        if self._gather is not None:
            self.fan_out = np.bincount(self._gather, weights=self.fan_out, minlength=sources).astype(np.int64)

    def deliver(self, spikes: Ints) -> Ints:
        """Return what arrives, int64 [targets, streams], for payloads [sources, streams]."""
        seen = spikes if self._gather is None else spikes[self._gather]
        return self._synapses.deliver(np.ascontiguousarray(seen))


def _arranged(connection: Connection, sources: int, targets: int) -> _Synapses:
    synapses = connection.synapses
    if isinstance(synapses, SparseSynapses):
        return _Sparse(synapses, sources, targets)
    if isinstance(synapses, DenseSynapses):
        pixel = (1, 1)
        weight = synapses.weight[:, :, None, None]
        return _Conv(ConvSynapses(weight, (weight.shape[1], *pixel), pixel, (0, 0, 0, 0), pixel))
    if len(synapses.in_shape) > 3:
        return _Sparse(unrolled(synapses), sources, targets)
    return _Conv(_planar(synapses))


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

    def __init__(self, conv: ConvSynapses) -> None:
        outs, ins, rows, columns = conv.weight.shape
        grouped = np.asarray(conv.weight).reshape(conv.groups, outs // conv.groups, ins, rows, columns)
        by_source = grouped.transpose(0, 2, 3, 4, 1).reshape(conv.groups * ins, rows, columns, -1)
        self.weight = np.ascontiguousarray(by_source, dtype=np.int64)
        self.in_shape = np.array(conv.in_shape, dtype=np.int64)
        self.out_shape = np.array(conv.out_shape, dtype=np.int64)
        self.steps = np.array([*conv.strides, *conv.pads[:2], *conv.dilations, ins], dtype=np.int64)
        self.fan_out = self._count()

    def _count(self) -> Ints:
        """Return the fan-out of each source neuron: deliver its spike through ones where weights are not zero."""
        taps = np.count_nonzero(self.weight, axis=3).astype(np.int64)
        channels, height, width = self.in_shape
        fan = np.zeros((channels, height, width), dtype=np.int64)
        for row, column in np.ndindex(*taps.shape[1:]):
            hit = np.outer(self._meets(0, row), self._meets(1, column))
            fan += taps[:, row, column, None, None] * hit
        return fan.ravel()

    def _meets(self, axis: int, tap: int) -> Ints:
        """Return for each position along an axis whether the tap there meets an output, 1 or 0."""
        stride, pad, dilation = self.steps[axis], self.steps[2 + axis], self.steps[4 + axis]
        at = np.arange(self.in_shape[1 + axis]) + pad - tap * dilation
        meets: Ints = ((at >= 0) & (at % stride == 0) & (at // stride < self.out_shape[1 + axis])).astype(np.int64)
        return meets

    def deliver(self, spikes: Ints) -> Ints:
        """Return what arrives, int64 [targets, streams], for payloads [sources, streams]."""
        arriving = _conv_events(spikes, self.weight, self.in_shape, self.out_shape, self.steps)
        streams = spikes.shape[1]
        arrived: Ints = np.ascontiguousarray(arriving.transpose(2, 1, 0).reshape(-1, streams))
        return arrived


class _Sparse:
    """Single synapses, listed by source."""

    def __init__(self, synapses: SparseSynapses, sources: int, targets: int) -> None:
        order = np.argsort(synapses.source, kind="stable")
        self.begin = np.searchsorted(synapses.source[order], np.arange(sources + 1))
        self.target = np.ascontiguousarray(synapses.target[order], dtype=np.int64)
        self.weight = np.ascontiguousarray(synapses.weight[order], dtype=np.int64)
        self.targets = targets
        self.fan_out = np.bincount(synapses.source[synapses.weight != 0], minlength=sources).astype(np.int64)

    def deliver(self, spikes: Ints) -> Ints:
        """Return what arrives, int64 [targets, streams], for payloads [sources, streams]."""
        return _sparse_events(spikes, self.begin, self.target, self.weight, self.targets)


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _conv_events(spikes, weight, in_shape, out_shape, steps):  # type: ignore[no-untyped-def]
    """Return arrivals [streams, pixels, channels]; steps holds strides, begin pads, dilations, channels of a group."""
    sources, streams = spikes.shape
    height, width = out_shape[1], out_shape[2]
    outs = weight.shape[3]
    arriving = np.zeros((streams, height * width, out_shape[0]), dtype=np.int64)
    area = in_shape[1] * in_shape[2]
    for source in range(sources):
        channel, pixel = source // area, source % area
        y, x = pixel // in_shape[2], pixel % in_shape[2]
        first = channel // steps[6] * outs
        for stream in range(streams):
            payload = spikes[source, stream]
            if payload == 0:
                continue
            for row in range(weight.shape[1]):
                up = y + steps[2] - row * steps[4]
                if up < 0 or up % steps[0] or up // steps[0] >= height:
                    continue
                for column in range(weight.shape[2]):
                    left = x + steps[3] - column * steps[5]
                    if left < 0 or left % steps[1] or left // steps[1] >= width:
                        continue
                    at = up // steps[0] * width + left // steps[1]
                    for out in range(outs):
                        arriving[stream, at, first + out] += weight[channel, row, column, out] * payload
    return arriving


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
