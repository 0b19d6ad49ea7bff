"""What the neurons of a box hear, and what their synapses take: closed forms where the geometry has them.

A convolution that reads a population as it stands hears a product of index sets, one an axis, so everything that
is counted here is a product of vectors; nothing of the size of a population is made. A gather, and synapses listed one
by one, are looked at neuron by neuron, box by box.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise, starmap
from math import prod
from typing import Protocol

import numpy as np

from snncc.compiler.placement.cuts import Bounds, Box, Cuts, Ints, boxes, grid, outer, sizes, summed
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, Population, SparseSynapses

Reach = Sequence[Ints]  # how many boxes hear a source neuron: a vector an axis of the source, whose product it is


class Wiring(Protocol):
    """A connection seen from boxes of its target."""

    def heard(self, cuts: Cuts) -> Ints:
        """Return the source neurons that each box hears, int64 [*grid]."""

    def lists(self, box: Box) -> Ints:
        """Return for every source neuron that a box hears its synapses there, int64 [in-axons]."""

    def reach(self, cuts: Cuts) -> Reach:
        """Return how many boxes hear each source neuron."""

    def shared(self, cuts: Cuts, source: Cuts) -> Ints:
        """Return the neurons of each box of the source that each box hears, int64 [boxes, boxes of the source]."""


def wiring(connection: Connection, source: Population, target: Population) -> Wiring:
    """Return the wiring of a connection between two populations."""
    synapses, plain = connection.synapses, connection.gather is None
    if isinstance(synapses, ConvSynapses) and plain and synapses.in_shape == source.shape:
        return ConvWiring(synapses)
    if isinstance(synapses, DenseSynapses) and plain:
        return DenseWiring(source.shape)
    return ListedWiring(connection, source.shape, target.shape)


@dataclass(frozen=True)
class DenseWiring:
    """Every box hears every neuron."""

    source: tuple[int, ...]

    def heard(self, cuts: Cuts) -> Ints:
        """Return the size of the source for each box."""
        return np.full(grid(cuts), prod(self.source), dtype=np.int64)

    def lists(self, box: Box) -> Ints:
        """Return the neurons of the box, for each source neuron."""
        return np.full(prod(self.source), prod(b - a for a, b in box), dtype=np.int64)

    def reach(self, cuts: Cuts) -> Reach:
        """Return the number of boxes for each neuron."""
        ones = [np.ones(size, dtype=np.int64) for size in self.source] or [np.ones(1, dtype=np.int64)]
        return [ones[0] * prod(grid(cuts)), *ones[1:]]

    def shared(self, cuts: Cuts, source: Cuts) -> Ints:
        """Return the sizes of the source's boxes for each box."""
        held = outer([sizes(bounds) for bounds in source]).ravel()
        return np.tile(held, (prod(grid(cuts)), 1))


@dataclass(frozen=True)
class ConvWiring:
    """A convolution over a population as it stands."""

    synapses: ConvSynapses

    @cached_property
    def _positions(self) -> list[Ints]:
        """Return for each spatial axis the input position of every tap and output position, see ``positions``."""
        return [positions(self.synapses, axis) for axis in range(len(self.synapses.in_shape) - 1)]

    def heard(self, cuts: Cuts) -> Ints:
        """Return channels heard times positions heard."""
        channels = [b - a for a, b in starmap(self._channels, pairwise(cuts[0]))]
        spans = [[len(part) for part in axis] for axis in self._heard(cuts)]
        return outer([np.array(lengths, dtype=np.int64) for lengths in (channels, *spans)])

    def lists(self, box: Box) -> Ints:
        """Return for each input channel the outputs of the box that hear it, times the taps that join each position."""
        (low, high), *spans = box
        outs, ins = group_sizes(self.synapses)
        fans = np.repeat(shares(low, high, outs, self.synapses.groups), ins)
        joined = [np.bincount(inside(at[:, a:b])) for at, (a, b) in zip(self._positions, spans, strict=True)]
        counts = outer([fans, *joined]).ravel()
        return counts[counts > 0]

    def reach(self, cuts: Cuts) -> Reach:
        """Return for each channel and each position how many parts of that axis hear it."""
        channels, *spans = (np.zeros(size, dtype=np.int64) for size in self.synapses.in_shape)
        for first, last in starmap(self._channels, pairwise(cuts[0])):
            channels[first:last] += 1
        for span, axis in zip(spans, self._heard(cuts), strict=True):
            for part in axis:
                span[part] += 1
        return [channels, *spans]

    def shared(self, cuts: Cuts, source: Cuts) -> Ints:
        """Return the product of what parts share along each axis."""
        channels = [np.arange(*self._channels(a, b)) for a, b in pairwise(cuts[0])]
        axes = zip([channels, *self._heard(cuts)], source, strict=True)
        tables = [np.stack([np.histogram(part, bounds_of(b))[0] for part in parts]) for parts, b in axes]
        return reduce(np.kron, tables).astype(np.int64)

    def _heard(self, cuts: Cuts) -> list[list[Ints]]:
        """Return for each spatial axis the input positions that each part hears."""
        pairs = zip(self._positions, cuts[1:], strict=True)
        return [[np.unique(inside(at[:, a:b])) for a, b in pairwise(c)] for at, c in pairs]

    def _channels(self, low: int, high: int) -> tuple[int, int]:
        """Return the range of input channels that output channels from low up to high hear."""
        outs, ins = group_sizes(self.synapses)
        return low // outs * ins, ((high - 1) // outs + 1) * ins


@dataclass(frozen=True)
class ListedWiring:
    """A gather, or synapses listed one by one: looked at neuron by neuron."""

    connection: Connection
    source: tuple[int, ...]
    target: tuple[int, ...]

    def heard(self, cuts: Cuts) -> Ints:
        """Return the distinct neurons heard."""
        return np.array([len(self.lists(box)) for box in boxes(cuts)], dtype=np.int64).reshape(grid(cuts))

    def lists(self, box: Box) -> Ints:
        """Return the synapses in the box of each neuron that has any."""
        counts = self._synapses(box)
        return counts[counts > 0]

    def reach(self, cuts: Cuts) -> Reach:
        """Return how many boxes hear each neuron, as one vector over all of them."""
        found = np.zeros(prod(self.source), dtype=np.int64)
        for box in boxes(cuts):
            found += self._synapses(box) > 0
        return [found]

    def shared(self, cuts: Cuts, source: Cuts) -> Ints:
        """Return counts of single neurons."""
        heard = ((self._synapses(box) > 0).astype(np.int64).reshape(self.source) for box in boxes(cuts))
        return np.stack([summed(one, source).ravel() for one in heard])

    def _synapses(self, box: Box) -> Ints:
        """Return the synapses that every source neuron has in a box, int64 [source]."""
        synapses, gather, size = self.connection.synapses, self.connection.gather, prod(self.source)
        if isinstance(synapses, SparseSynapses):
            inside_box = np.zeros(self.target, dtype=bool)
            inside_box[tuple(slice(a, b) for a, b in box)] = True
            read = synapses.source[inside_box.ravel()[synapses.target]]
            neurons = read if gather is None else gather[read]
            return np.bincount(neurons[neurons != SILENCE], minlength=size)
        if isinstance(synapses, DenseSynapses):
            fans, inputs = prod(b - a for a, b in box), synapses.weight.shape[1]
            neurons = np.arange(inputs) if gather is None else gather
            return fans * np.bincount(neurons[neurons != SILENCE], minlength=size)
        return self._convolved(synapses, box)

    def _convolved(self, synapses: ConvSynapses, box: Box) -> Ints:
        (low, high), *spans = box
        outs, ins = group_sizes(synapses)
        fans = np.repeat(shares(low, high, outs, synapses.groups), ins)
        at = [positions(synapses, axis)[:, a:b] for axis, (a, b) in enumerate(spans)]
        joined = [np.bincount(inside(p), minlength=size) for p, size in zip(at, synapses.in_shape[1:], strict=True)]
        nonzero = [np.flatnonzero(vector) for vector in (fans, *joined)]
        counts = outer([v[n] for v, n in zip((fans, *joined), nonzero, strict=True)]).ravel()
        gather = self.connection.gather
        numbers = np.ravel_multi_index(np.ix_(*nonzero), synapses.in_shape).ravel()
        neurons = numbers if gather is None else gather[numbers]
        heard = neurons != SILENCE
        found = np.zeros(prod(self.source), dtype=np.int64)
        np.add.at(found, neurons[heard], counts[heard])
        return found


def group_sizes(synapses: ConvSynapses) -> tuple[int, int]:
    """Return the output and the input channels of a group."""
    return synapses.weight.shape[0] // synapses.groups, synapses.weight.shape[1]


def shares(low: int, high: int, outs: int, groups: int) -> Ints:
    """Return how many of the output channels from low up to high each group has, int64 [groups]."""
    first = np.arange(groups, dtype=np.int64) * outs
    return np.maximum(0, np.minimum(high, first + outs) - np.maximum(low, first))


def positions(synapses: ConvSynapses, axis: int) -> Ints:
    """Return the input position of every tap and output position of a spatial axis, int64 [taps, out]; -1 outside."""
    out, size = synapses.out_shape[1 + axis], synapses.in_shape[1 + axis]
    steps = np.arange(synapses.weight.shape[2 + axis], dtype=np.int64) * synapses.dilations[axis]
    at = np.arange(out, dtype=np.int64) * synapses.strides[axis] + steps[:, None] - synapses.pads[axis]
    return np.where((at >= 0) & (at < size), at, -1)


def bounds_of(bounds: Bounds) -> Ints:
    """Return bounds as edges of a histogram, whose last bin would hold its upper edge too."""
    return np.array([*bounds[:-1], bounds[-1] + 1])


def inside(at: Ints) -> Ints:
    """Return the positions that are not outside."""
    return at[at >= 0]
