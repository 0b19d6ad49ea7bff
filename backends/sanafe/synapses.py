"""Connections as lists of synapses."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Listed:
    """One synapse an entry: from source[i] to target[i] with weight[i], none 0, by source and then by target."""

    source: Ints
    target: Ints
    weight: Ints


def most_synapses(connection: Connection) -> int:
    """Return the synapses of a connection, stored zeros and padding included, without listing them."""
    synapses = connection.synapses
    if isinstance(synapses, ConvSynapses):
        return int(synapses.weight.size) * prod(synapses.out_shape[1:])
    return int(synapses.weight.size)


def listed(connection: Connection) -> Listed:
    """Return the synapses of a connection whose weight is not 0 and whose source is a neuron."""
    synapses = connection.synapses
    if isinstance(synapses, ConvSynapses):
        source, target, weight = _of_convolution(synapses)
    elif isinstance(synapses, DenseSynapses):
        target, source = np.nonzero(synapses.weight)
        weight = synapses.weight[target, source]
    else:
        source, target, weight = synapses.source, synapses.target, synapses.weight
    if connection.gather is not None:
        source = connection.gather[source]
    kept = (weight != 0) & (source != SILENCE)
    order = np.lexsort((target[kept], source[kept]))
    return Listed(source[kept][order], target[kept][order], weight[kept][order])


def _of_convolution(conv: ConvSynapses) -> tuple[Ints, Ints, Ints]:
    """Return source, target and weight of each tap of the kernel at each position where it meets the input."""
    outs, deep, *kernel = conv.weight.shape
    axes = len(kernel)
    inside, outside = conv.in_shape[1:], conv.out_shape[1:]
    out, channel, *rest = np.ix_(*(range(n) for n in (outs, deep, *kernel, *outside)))
    taps, places = rest[:axes], rest[axes:]
    at = [places[a] * conv.strides[a] + taps[a] * conv.dilations[a] - conv.pads[a] for a in range(axes)]
    met = np.ones((), dtype=bool)
    for position, size in zip(at, inside, strict=True):
        met = met & (position >= 0) & (position < size)
    source = out // (outs // conv.groups) * deep + channel
    target = out
    for a in range(axes):
        source, target = source * inside[a] + at[a], target * outside[a] + places[a]
    weight = conv.weight.reshape(conv.weight.shape + (1,) * axes)
    whole = np.broadcast_shapes(source.shape, target.shape, weight.shape)
    kept = np.broadcast_to(met & (weight != 0), whole)
    found = (np.broadcast_to(array, whole)[kept].astype(np.int64) for array in (source, target, weight))
    return next(found), next(found), next(found)
