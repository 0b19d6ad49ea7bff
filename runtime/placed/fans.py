"""What a spike does in a slice that hears it, found once from the slice's box.

Neurons that do the same in a slice are of one kind: of a convolution, those of a channel whose positions are met by the
same taps. So what is stored grows with channels and borders of boxes, not with neurons times slices.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Protocol

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.loads import is_pool
from snncc.compiler.placement.memory import packed, width
from snncc.compiler.placement.pieces import boxed, flat_of
from snncc.compiler.placement.slices import Slice
from snncc.compiler.placement.wiring import group_sizes, positions, shares
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, Population, Program, SparseSynapses
from snncc.compiler.targets.target import Packing

Ints = npt.NDArray[np.int64]
Kinds = tuple[Ints, Ints]  # neurons that a slice hears, each once; the kind of each, 0, 1, ...
Effects = tuple[Ints, Ints]  # of a spike by kind: weights other than 0 that it meets, words of memory that are read
_Axis = tuple[Ints, Ints, Ints]  # places, pattern, patterns; see _Met
Counted = tuple[Ints, Ints, Ints, Ints]  # input or neuron, stored synapses, those not 0, words of shared kernels


class Fan(Protocol):
    """A connection, as spikes that pass it see the slices of its target."""

    def key(self, part: Slice) -> Hashable:
        """Return what is the same for slices that hear the same neurons, in the same kinds."""

    def kinds(self, part: Slice) -> Kinds:
        """Return which neurons have a stored synapse in a slice, and the kind of each."""

    def effects(self, part: Slice) -> Effects:
        """Return what a spike of each kind does in a slice."""


@dataclass(frozen=True)
class Memory:
    """How the synapses of a connection are stored.

    Attributes:
        packing: of the target.
        bits: of a stored weight.
        widest: bits of the widest weight into the same population.
        waits: whether synapses delay.
    """

    packing: Packing
    bits: int
    widest: int
    waits: bool

    def words(self, part: Slice, stored: Ints, kernels: Ints | None) -> Ints:
        """Return the words read for spikes.

        A list is read from end to end; of a shared kernel, the lists of the taps that join the neuron to a position of
        the slice; of a crossbar, one row through every column of the slice.

        Args:
            part: where they are received.
            stored: synapses of the neuron there.
            kernels: words of the shared kernels that it meets; None where there are none.
        """
        if self.packing.kind == "crossbar":
            return np.full(len(stored), part.size * (1 << (self.widest - 1).bit_length()), dtype=np.int64)
        if kernels is not None and self.packing.shared_kernels:
            return kernels
        return self.lists(stored, self.packing.list_bits)

    def lists(self, synapses: Ints, beside: int) -> Ints:
        """Return the words of lists of synapses with so many bits beside the weight; none for an empty list."""
        entry = self.bits + beside + (self.packing.delay_bits if self.waits else 0)
        return packed(synapses, self.packing, entry)


def fans(program: Program, packing: Packing) -> list[tuple[Connection, Fan]]:
    """Return every connection of a program with its fan."""
    populations, own, into = program.population, dict[str, int](), dict[str, int]()
    for connection in program.connections:
        bits = width(connection, is_pool(populations[connection.target]), packing) or max(packing.widths)
        own[connection.name] = bits
        into[connection.target] = max(bits, into.get(connection.target, 0))
    found = []
    for connection in program.connections:
        memory = Memory(packing, own[connection.name], into[connection.target], connection.delay > 1)
        found.append((connection, _fan(boxed(connection, populations[connection.target]), populations, memory)))
    return found


def _fan(connection: Connection, populations: dict[str, Population], memory: Memory) -> Fan:
    synapses, target = connection.synapses, populations[connection.target]
    if connection.gather is None and isinstance(synapses, ConvSynapses):
        return ConvFan(synapses, memory)
    if connection.gather is None and isinstance(synapses, DenseSynapses):
        return DenseFan(synapses, target.shape, memory)
    return ListedFan(synapses, connection.gather, target, memory)


@dataclass(frozen=True, eq=False)
class _Met:
    """What a slice hears of a convolution, as a product.

    Attributes:
        channels: int64 [n], input channels.
        fans: int64 [n], output channels of the slice that hear each.
        weights: int64 [n, *kernel], weights other than 0 to them.
        places: for each axis the positions that a tap joins to the slice, int64.
        pattern: for each axis the number of the taps' pattern at each of them.
        taps: for each axis the patterns, 1 where a tap meets the slice, int64 [patterns, taps].
    """

    channels: Ints
    fans: Ints
    weights: Ints
    places: Sequence[Ints]
    pattern: Sequence[Ints]
    taps: Sequence[Ints]

    def counted(self, memory: Memory) -> tuple[Ints, Ints, Ints]:
        """Return stored synapses, those not 0, and words of kernels, int64 [channels, *patterns] each."""
        events = self.weights
        for patterns in self.taps:  # the first tap axis goes, its patterns come last
            events = np.tensordot(events, patterns, axes=([1], [1]))
        joined = [patterns.sum(axis=1) for patterns in self.taps]
        kernels = memory.lists(self.fans, memory.packing.kernel_bits)
        return reduce(np.multiply.outer, joined, self.fans), events, reduce(np.multiply.outer, joined, kernels)


def _met(conv: ConvSynapses, part: Slice, known: dict[tuple[int, int, int], _Axis]) -> _Met:
    """Return what a slice hears; ``known`` keeps axes by number, first output and the one past the last."""
    outs, ins = group_sizes(conv)
    low, high = part.lo[0], part.hi[0]
    some = shares(low, high, outs, conv.groups)
    groups = np.flatnonzero(some)
    channels = (groups[:, None] * ins + np.arange(ins)).ravel()
    begins = np.cumsum(some[groups]) - some[groups]
    nonzero = np.add.reduceat((conv.weight[low:high] != 0).astype(np.int64), begins, axis=0)
    weights = nonzero.reshape(len(channels), *conv.weight.shape[2:])
    axes = []
    for key in zip(range(len(conv.in_shape) - 1), part.lo[1:], part.hi[1:], strict=True):
        if key not in known:
            known[key] = _axis(conv, *key)
        axes.append(known[key])
    return _Met(channels, np.repeat(some[groups], ins), weights, *([a[i] for a in axes] for i in range(3)))


def _axis(conv: ConvSynapses, axis: int, low: int, high: int) -> _Axis:
    """Return (places, pattern, patterns) of an axis, for outputs low..high-1."""
    at = positions(conv, axis)[:, low:high]
    tap = np.broadcast_to(np.arange(len(at))[:, None], at.shape)
    meets = np.zeros((conv.in_shape[1 + axis], len(at)), dtype=np.int64)
    meets[at[at >= 0], tap[at >= 0]] = 1
    places = np.flatnonzero(meets.any(axis=1))
    patterns, pattern = np.unique(meets[places], axis=0, return_inverse=True)
    return places, pattern.ravel(), patterns


@dataclass(frozen=True)
class ConvFan:
    """A convolution over its source as it stands."""

    synapses: ConvSynapses
    memory: Memory
    _axes: dict[tuple[int, int, int], _Axis] = field(default_factory=dict, repr=False)

    def key(self, part: Slice) -> Hashable:
        """Return the box, apart from the channels, and the groups it touches."""
        outs, _ = group_sizes(self.synapses)
        return part.lo[1:], part.hi[1:], part.lo[0] // outs, (part.hi[0] - 1) // outs

    def kinds(self, part: Slice) -> Kinds:
        """Return all that is heard; a kind is a channel with a pattern of taps along each axis."""
        met = _met(self.synapses, part, self._axes)
        numbers = np.ravel_multi_index(np.ix_(met.channels, *met.places), self.synapses.in_shape)
        sizes = (len(met.channels), *(len(patterns) for patterns in met.taps))
        kinds = np.ravel_multi_index(np.ix_(np.arange(sizes[0]), *met.pattern), sizes) if numbers.size else numbers
        return numbers.ravel(), kinds.ravel()

    def effects(self, part: Slice) -> Effects:
        """Return weights met and words read, by kind."""
        stored, events, kernels = _met(self.synapses, part, self._axes).counted(self.memory)
        return events.ravel(), self.memory.words(part, stored.ravel(), kernels.ravel())


@dataclass(frozen=True)
class DenseFan:
    """A matrix over its source as it stands: every slice hears every neuron, each a kind of its own."""

    synapses: DenseSynapses
    target: tuple[int, ...]
    memory: Memory

    def key(self, part: Slice) -> Hashable:
        """Return the same for all slices."""
        return "all"

    def kinds(self, part: Slice) -> Kinds:
        """Return every neuron."""
        every = np.arange(self.synapses.weight.shape[1])
        return every, every

    def effects(self, part: Slice) -> Effects:
        """Return weights met and words read, by neuron."""
        _, stored, events, _ = _dense(self.synapses, flat_of(part, self.target))
        return events, self.memory.words(part, stored, None)


@dataclass(frozen=True)
class ListedFan:
    """A gather, or synapses listed one by one: looked at neuron by neuron, each a kind of its own."""

    synapses: ConvSynapses | DenseSynapses | SparseSynapses
    gather: Ints | None
    target: Population
    memory: Memory

    def key(self, part: Slice) -> Hashable:
        """Return another key for every slice."""
        return part.name

    def kinds(self, part: Slice) -> Kinds:
        """Return the neurons that have a synapse in a slice."""
        neurons = self._counted(part)[0]
        return neurons, np.arange(len(neurons))

    def effects(self, part: Slice) -> Effects:
        """Return weights met and words read, by neuron."""
        _, stored, events, kernels = self._counted(part)
        shared = kernels if isinstance(self.synapses, ConvSynapses) else None
        return events, self.memory.words(part, stored, shared)

    def _counted(self, part: Slice) -> Counted:
        """Return what inputs meet, summed over those that one neuron stands behind."""
        if isinstance(self.synapses, ConvSynapses):
            counted = _conv(self.synapses, part, self.memory)
        elif isinstance(self.synapses, DenseSynapses):
            counted = _dense(self.synapses, flat_of(part, self.target.shape))
        else:
            counted = _sparse(self.synapses, flat_of(part, self.target.shape), self.target.size)
        if self.gather is None:
            return counted
        behind = self.gather[counted[0]]
        heard = behind != SILENCE
        neuron, place = np.unique(behind[heard], return_inverse=True)
        sums = np.zeros((3, len(neuron)), dtype=np.int64)
        for total, count in zip(sums, counted[1:], strict=True):
            np.add.at(total, place.ravel(), count[heard])
        return neuron, sums[0], sums[1], sums[2]


def _conv(conv: ConvSynapses, part: Slice, memory: Memory) -> Counted:
    met = _met(conv, part, {})
    number = np.ravel_multi_index(np.ix_(met.channels, *met.places), conv.in_shape).ravel()
    spread = np.ix_(np.arange(len(met.channels)), *met.pattern)
    stored, events, kernels = (count[spread].ravel() for count in met.counted(memory))
    return number, stored, events, kernels


def _dense(dense: DenseSynapses, rows: Ints) -> Counted:
    inputs = dense.weight.shape[1]
    events = np.count_nonzero(dense.weight[rows], axis=0)
    return np.arange(inputs), np.full(inputs, len(rows)), events, np.zeros(inputs, dtype=np.int64)


def _sparse(sparse: SparseSynapses, rows: Ints, targets: int) -> Counted:
    inside = np.zeros(targets, dtype=bool)
    inside[rows] = True
    some = inside[sparse.target]
    number, place, stored = np.unique(sparse.source[some], return_inverse=True, return_counts=True)
    events = np.bincount(place.ravel()[sparse.weight[some] != 0], minlength=len(number))
    return number, stored, events, np.zeros(len(number), dtype=np.int64)
