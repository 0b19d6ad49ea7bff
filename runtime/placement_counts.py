"""Count what the synapses of a connection take in a slice, by marking its inputs: for the checker of placements.

Imports numpy alone. A connection and a slice are records as ``placement_reading`` and ``placement_check`` make them.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod
from types import SimpleNamespace as Record
from typing import Any

import numpy as np

Array = Any


@lru_cache(maxsize=1 << 16)
def along(size: int, kernel: int, stride: int, before: int, dilation: int, low: int, high: int) -> Array:
    """Return how many synapses lead from each position along an axis to the outputs low..high - 1."""
    counts, outputs = np.zeros(size, dtype=np.int64), np.arange(low, high)
    for tap in range(kernel):
        at = outputs * stride - before + tap * dilation
        counts[at[(at >= 0) & (at < size)]] += 1
    return counts


def listeners(c: Record, low: int, high: int) -> Array:
    """Return for each input channel of a convolution how many of the output channels low..high - 1 hear it."""
    groups = np.arange(low, high) // (c.outs // c.groups)
    return np.repeat(np.bincount(groups, minlength=c.groups), c.ins)


def reach(c: Record, s: Record) -> tuple[Array, Array, Array]:
    """Return the neurons that reach a slice, the synapses of each there, and the inputs they are heard through."""
    if c.type == "sparse":
        inside = np.zeros(c.shape, dtype=bool)
        inside[s.box] = True
        inputs = c.ends[0][inside.ravel()[c.ends[1]]]
        number = np.ones(len(inputs), dtype=np.int64)
    else:
        inputs, number = crossed(c, s)
    if c.gather is None and c.type != "sparse":
        return inputs, number, inputs  # each input is a neuron of its own
    neurons = inputs if c.gather is None else c.gather[inputs]
    heard = neurons >= 0  # the rest is silence
    each, place = np.unique(neurons[heard], return_inverse=True)
    return each, np.bincount(place, number[heard]).astype(np.int64), inputs[heard]


def crossed(c: Record, s: Record) -> tuple[Array, Array]:
    """Return the inputs of a dense layer's or convolution's synapses that reach a slice, and the synapses of each."""
    if c.type == "dense":
        return np.arange(c.inputs), np.full(c.inputs, s.size)
    geometry = zip(c.sizes, c.kernel, c.strides, c.before, c.dilations, s.lo[1:], s.hi[1:], strict=True)
    axes = [listeners(c, s.lo[0], s.hi[0]), *(along(*axis) for axis in geometry)]
    inputs, number = np.zeros(1, dtype=np.int64), np.ones(1, dtype=np.int64)
    for counts in axes:  # synapses along each axis; they multiply
        at = np.flatnonzero(counts)
        inputs = (inputs[:, None] * len(counts) + at).ravel()
        number = (number[:, None] * counts[at]).ravel()
    return inputs, number


def fan_in(p: Record, connections: list[Record]) -> Array:
    """Return how many synapses lead to each neuron of a population."""
    total = np.zeros(prod(p.shape), dtype=np.int64)
    for c in (c for c in connections if c.target == p.name):
        total += hears(c)
    return total


def fan_out(p: Record, connections: list[Record]) -> Array:
    """Return how many synapses lead from each neuron of a population."""
    total = np.zeros(prod(p.shape), dtype=np.int64)
    for c in (c for c in connections if c.source == p.name):
        whole = Record(lo=[0] * len(c.shape), hi=c.shape, box=..., size=prod(c.shape))
        neurons, number, _ = reach(c, whole)
        total[neurons] += number
    return total


def hears(c: Record) -> Array:
    """Return how many synapses of a connection lead to each neuron of its target."""
    heard = np.ones(c.inputs, dtype=np.int64) if c.gather is None else (c.gather >= 0) * 1
    if c.type == "dense":
        return np.full(prod(c.shape), heard.sum())
    if c.type == "sparse":
        return np.bincount(c.ends[1], heard[c.ends[0]], prod(c.shape)).astype(np.int64)
    planes = heard.reshape(c.groups, c.ins, *c.sizes).sum(axis=1)
    planes = np.pad(planes, [(0, 0), *zip(c.before, c.after, strict=True)])
    total = np.zeros((c.groups, *c.shape[1:]), dtype=np.int64)
    for tap in np.ndindex(*c.kernel):
        axes = zip(tap, c.dilations, c.shape[1:], c.strides, strict=True)
        met = [slice(t * d, t * d + (n - 1) * s + 1, s) for t, d, n, s in axes]
        total += planes[tuple([slice(None), *met])]
    return np.repeat(total, c.outs // c.groups, axis=0).ravel()


def stored_width(c: Record, packing: Record) -> int:
    """Return the width that weights are stored in; their own where none is wide enough, which is told elsewhere."""
    return min((width for width in packing.widths if width >= c.width), default=c.width)


def list_words(c: Record, s: Record, number: Array, inputs: Array, packing: Record) -> int:
    """Return the words that a connection takes in a slice, ``number`` and ``inputs`` as ``reach`` has them."""
    bits = stored_width(c, packing) + packing.delay_bits * (c.delay > 1)
    shared = c.type == "conv" and packing.shared_kernels
    if shared and len(inputs):
        number = listeners(c, s.lo[0], s.hi[0])
        if c.gather is not None:  # some channels may be silent
            number[np.bincount(inputs // prod(c.sizes), minlength=len(number)) == 0] = 0
        number = number[number > 0]
    blocks = -(-number // packing.block_synapses) if packing.block_synapses else 1
    whole = number * (bits + (packing.kernel_bits if shared else packing.list_bits)) + packing.header_bits * blocks
    return int((-(-whole // packing.word_bits)).sum()) * (prod(c.kernel) if shared else 1)


def parameters(p: Record, s: Record) -> Iterator[Any]:
    """Return the parameters beside the bias that the neurons of a slice have: a tuple for each where they differ."""
    rank, views = len(p.shape), []
    for array in (np.zeros(1, dtype=np.int64), *p.params):
        whole = array.reshape((1,) * (rank - array.ndim) + array.shape) if rank else array.reshape(())
        views.append(whole[tuple(cut if n > 1 else slice(None) for cut, n in zip(s.box, whole.shape, strict=True))])
    return zip(*(view.ravel().tolist() for view in np.broadcast_arrays(*views)), strict=True)


def crossbar_words(s: Record, packing: Record) -> int:
    """Return the words that the columns of a slice take, of its widest weight and its in-axons."""
    banks = -(-s.axons // packing.rows)
    return s.size << (max(1, s.width) - 1).bit_length() << (max(1, banks) - 1).bit_length()
