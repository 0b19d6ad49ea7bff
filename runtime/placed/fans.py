"""What a spike of each neuron does in a slice that hears it, found once from the slice's box."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.loads import is_pool
from snncc.compiler.placement.memory import width
from snncc.compiler.placement.pieces import boxed, flat_of
from snncc.compiler.placement.slices import Slice
from snncc.compiler.placement.wiring import positions, shares
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, Population, Program, SparseSynapses
from snncc.compiler.targets.target import Packing

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Fan:
    """What a spike does in a slice, for every neuron that has a stored synapse there through one connection.

    Attributes:
        neuron: int64 [n], numbers in the source population, each once.
        events: int64 [n], weights other than 0 that it meets.
        words: int64 [n], words of synapse memory that are read for it.
    """

    neuron: Ints
    events: Ints
    words: Ints


@dataclass(frozen=True, eq=False)
class _Inputs:
    """The same for inputs of the synapses, which several may stand for one neuron.

    Attributes:
        number: int64 [n], of the inputs.
        stored: int64 [n], synapses in the slice.
        events: int64 [n], those of them that are not 0.
        kernels: int64 [n], words of the shared kernels it meets.
    """

    number: Ints
    stored: Ints
    events: Ints
    kernels: Ints


def fan(connection: Connection, target: Population, part: Slice, packing: Packing, widest: int) -> Fan:
    """Return what spikes that pass a connection do in a slice.

    A list is read from end to end; of a shared kernel, the lists of the taps that join the neuron to a position of the
    slice; of a crossbar, one row through every column of the slice.

    Args:
        connection: a connection into the population.
        target: the population.
        part: a slice of it.
        packing: how synapses fill the memory.
        widest: bits of the widest weight into the population, see ``widest``.
    """
    connection = boxed(connection, target)
    entry = stored_width(connection, target, packing) + (packing.delay_bits if connection.delay > 1 else 0)
    synapses, gather = connection.synapses, connection.gather
    if isinstance(synapses, ConvSynapses):
        met = _conv(synapses, part, packing, entry + packing.kernel_bits)
    elif isinstance(synapses, DenseSynapses):
        met = _dense(synapses, flat_of(part, target.shape))
    else:
        met = _sparse(synapses, flat_of(part, target.shape), target.size)
    neuron, stored, events, kernels = _by_neuron(met, gather)
    if packing.kind == "crossbar":
        words = np.full(len(neuron), part.size * (1 << (widest - 1).bit_length()), dtype=np.int64)
    elif packing.shared_kernels and isinstance(synapses, ConvSynapses):
        words = kernels
    else:
        words = list_words(stored, packing, entry + packing.list_bits)
    return Fan(neuron, events, words)


def stored_width(connection: Connection, target: Population, packing: Packing) -> int:
    """Return the bits of a stored weight; where the packing has none as wide, those of the widest."""
    return width(connection, is_pool(target), packing) or max(packing.widths)


def widest(program: Program, packing: Packing) -> dict[str, int]:
    """Return the bits of the widest weight into each population that hears anything."""
    populations, found = program.population, dict[str, int]()
    for connection in program.connections:
        bits = stored_width(connection, populations[connection.target], packing)
        found[connection.target] = max(bits, found.get(connection.target, 0))
    return found


def list_words(synapses: Ints, packing: Packing, entry: int) -> Ints:
    """Return the words of lists of so many synapses of so many bits each, see ``Packing``; none for an empty list."""
    blocks = -(-synapses // packing.block_synapses) if packing.block_synapses else np.minimum(synapses, 1)
    bits: Ints = synapses * entry + packing.header_bits * blocks
    return -(-bits // packing.word_bits)


def _conv(conv: ConvSynapses, part: Slice, packing: Packing, entry: int) -> _Inputs:
    """Return counts as products: output channels of an input channel, times the taps of each axis that meet the box."""
    low, high = part.lo[0], part.hi[0]
    outs, ins = conv.weight.shape[0] // conv.groups, conv.weight.shape[1]
    some = shares(low, high, outs, conv.groups)
    groups = np.flatnonzero(some)
    channels = (groups[:, None] * ins + np.arange(ins)).ravel()
    fans = np.repeat(some[groups], ins)
    begins = np.cumsum(some[groups]) - some[groups]
    nonzero = np.add.reduceat((conv.weight[low:high] != 0).astype(np.int64), begins, axis=0)
    events = nonzero.reshape(len(channels), *conv.weight.shape[2:])
    places, taps = [], []
    for axis in range(len(conv.in_shape) - 1):
        at, meets = _meets(conv, axis, part.lo[1 + axis], part.hi[1 + axis])
        events = np.tensordot(events, meets, axes=([1], [1]))  # the first tap axis goes, its positions come last
        places.append(at)
        taps.append(meets.sum(axis=1))
    number = np.ravel_multi_index(np.ix_(channels, *places), conv.in_shape)
    stored = reduce(np.multiply.outer, taps, fans)
    kernels = reduce(np.multiply.outer, taps, list_words(fans, packing, entry))
    return _Inputs(number.ravel(), stored.ravel(), events.ravel(), kernels.ravel())


def _meets(conv: ConvSynapses, axis: int, low: int, high: int) -> tuple[Ints, Ints]:
    """Return the input positions that outputs low..high-1 hear, and whether each tap joins them, 1 or 0 [n, taps]."""
    at = positions(conv, axis)[:, low:high]
    tap = np.broadcast_to(np.arange(len(at))[:, None], at.shape)
    meets = np.zeros((conv.in_shape[1 + axis], len(at)), dtype=np.int64)
    meets[at[at >= 0], tap[at >= 0]] = 1
    places = np.flatnonzero(meets.any(axis=1))
    return places, meets[places]


def _dense(dense: DenseSynapses, rows: Ints) -> _Inputs:
    inputs = dense.weight.shape[1]
    events = np.count_nonzero(dense.weight[rows], axis=0)
    none = np.zeros(inputs, dtype=np.int64)
    return _Inputs(np.arange(inputs), np.full(inputs, len(rows)), events, none)


def _sparse(sparse: SparseSynapses, rows: Ints, targets: int) -> _Inputs:
    inside = np.zeros(targets, dtype=bool)
    inside[rows] = True
    some = inside[sparse.target]
    number, place, stored = np.unique(sparse.source[some], return_inverse=True, return_counts=True)
    events = np.bincount(place.ravel()[sparse.weight[some] != 0], minlength=len(number))
    return _Inputs(number, stored, events, np.zeros(len(number), dtype=np.int64))


def _by_neuron(met: _Inputs, gather: Ints | None) -> tuple[Ints, Ints, Ints, Ints]:
    """Return (neuron, stored, events, kernels), summed over the inputs that one neuron stands behind."""
    if gather is None:
        return met.number, met.stored, met.events, met.kernels
    behind = gather[met.number]
    heard = behind != SILENCE
    neuron, place = np.unique(behind[heard], return_inverse=True)
    sums = []
    for counted in (met.stored, met.events, met.kernels):
        total = np.zeros(len(neuron), dtype=np.int64)
        np.add.at(total, place.ravel(), counted[heard])
        sums.append(total)
    return neuron, sums[0], sums[1], sums[2]
