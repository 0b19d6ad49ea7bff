"""Connections cut between slices: the synapses that the neurons of one slice have in another.

A convolution stays one: it is cut to what the receiving slice hears, and what another slice sends is silence there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.mapping.edges import as_gather
from snncc.compiler.placement.slices import Slice
from snncc.compiler.placement.wiring import group_sizes, inside, positions, shares
from snncc.compiler.program import (
    SILENCE,
    Connection,
    ConvSynapses,
    DenseSynapses,
    Population,
    Program,
    SparseSynapses,
    Synapses,
)

Ints = npt.NDArray[np.int64]
Part = tuple[int, Synapses, Ints | None]  # number of the sending slice, its synapses, their gather


@dataclass(frozen=True)
class Homes:
    """Where each neuron of a population lives.

    Attributes:
        population: the population.
        slices: its slices.
    """

    population: Population
    slices: Sequence[Slice]

    @cached_property
    def owner(self) -> Ints:
        """Return the number of each neuron's slice among ``slices``, int64 [neurons]."""
        found = np.full(self.population.shape, -1, dtype=np.int64)
        for number, part in enumerate(self.slices):
            found[box_of(part)] = number
        return found.ravel()

    @cached_property
    def local(self) -> Ints:
        """Return each neuron's index in its slice, int64 [neurons]."""
        found = np.zeros(self.population.shape, dtype=np.int64)
        for part in self.slices:
            found[box_of(part)] = np.arange(part.size).reshape(part.shape)
        return found.ravel()


def box_of(part: Slice) -> tuple[slice, ...]:
    """Return the index of a slice's box in an array of its population's shape."""
    return tuple(slice(a, b) for a, b in zip(part.lo, part.hi, strict=True))


def homes(program: Program) -> dict[str, Homes]:
    """Return the homes of every population of a placed program, by name.

    Raises:
        SnnccError: SNN729, the program is not placed.
    """
    if not program.slices:
        message = f"program '{program.name}' is not placed: its neurons have no cores"
        raise fail("SNN729", message, Loc(program.name, ""), "place it with snncc place")
    parts: dict[str, list[Slice]] = {p.name: [] for p in program.populations}
    for part in program.slices:
        parts[part.population].append(part)
    return {p.name: Homes(p, tuple(parts[p.name])) for p in program.populations}


def cut(connection: Connection, source: Homes, target: Homes) -> Iterator[tuple[Slice, Slice, Synapses, Ints | None]]:
    """Yield (sending slice, receiving slice, synapses, gather) of all that have a stored synapse in common."""
    connection = boxed(connection, target.population)
    synapses = connection.synapses
    for number, receiver in enumerate(target.slices):
        if isinstance(synapses, ConvSynapses):
            parts = _conv(synapses, connection.gather, source, receiver)
        elif isinstance(synapses, DenseSynapses):
            parts = _dense(synapses, connection.gather, source, receiver, target.population.shape)
        else:
            parts = _sparse(synapses, connection.gather, source, target, number)
        for sender, some, gather in parts:
            yield source.slices[sender], receiver, some, gather


def boxed(connection: Connection, target: Population) -> Connection:
    """Return a connection whose synapses can be cut along the target's boxes.

    A convolution that gives another shape than its target has, which no compiled program holds, becomes a list.
    """
    synapses = connection.synapses
    if not isinstance(synapses, ConvSynapses) or synapses.out_shape == target.shape:
        return connection
    fields = (connection.name, connection.source, connection.target, connection.port, _listed(synapses))
    return Connection(*fields, connection.delay, connection.gather, connection.loc)


def flat_of(part: Slice, shape: tuple[int, ...]) -> Ints:
    """Return the neurons of a slice, numbers in its population of a shape, in row-major order."""
    return np.arange(prod(shape), dtype=np.int64).reshape(shape)[box_of(part)].ravel()


@dataclass(frozen=True, eq=False)
class Heard:
    """What a slice hears of a convolution's input.

    Attributes:
        channels: int64 [n], input channels; those of a group once for each block of outputs that hears them.
        groups: blocks of output channels.
        spans: int64 [n] for each spatial axis, the positions from the first heard to the last.
        met: bool [n] for each spatial axis, those of them that a tap joins to the slice.
    """

    channels: Ints
    groups: int
    spans: tuple[Ints, ...]
    met: tuple[npt.NDArray[np.bool_], ...]

    def inputs(self, shape: tuple[int, ...], gather: Ints | None) -> Ints:
        """Return the source neuron behind each input, SILENCE where none is met, int64 [channels, *spans]."""
        numbers = np.ravel_multi_index(np.ix_(self.channels, *self.spans), shape)
        neurons = numbers if gather is None else gather[numbers]
        met = reduce(np.logical_and.outer, self.met, np.ones(len(self.channels), dtype=np.bool_))
        return np.where(met, neurons, SILENCE)


def heard(conv: ConvSynapses, part: Slice) -> Heard:
    """Return what a slice hears; a slice may begin and end inside a group."""
    outs, ins = group_sizes(conv)
    low, high = part.lo[0], part.hi[0]
    some = shares(low, high, outs, conv.groups)
    block = int(np.gcd.reduce(some[some > 0]))
    first = np.arange(low, high, block) // outs * ins
    channels = (first[:, None] + np.arange(ins)).ravel()
    spans, met = [], []
    for axis, size in enumerate(conv.in_shape[1:]):
        marked = np.zeros(size, dtype=bool)
        marked[inside(positions(conv, axis)[:, part.lo[1 + axis] : part.hi[1 + axis]])] = True
        span = _span(marked)
        spans.append(span)
        met.append(marked[span])
    return Heard(channels, (high - low) // block, tuple(spans), tuple(met))


def _conv(conv: ConvSynapses, gather: Ints | None, source: Homes, part: Slice) -> Iterator[Part]:
    hears = heard(conv, part)
    neurons = hears.inputs(conv.in_shape, gather)
    owner = np.where(neurons == SILENCE, -1, source.owner[neurons])
    for number in np.unique(owner[owner >= 0]).tolist():
        kept = [_span(_anywhere(owner == number, axis)) for axis in range(owner.ndim)]
        if hears.groups > 1:
            kept[0] = np.arange(len(hears.channels))
        block = np.ix_(*kept)
        index = np.where(owner[block] == number, source.local[neurons[block]], SILENCE)
        spans = [span[some] for span, some in zip(hears.spans, kept[1:], strict=True)]
        weight = conv.weight[part.lo[0] : part.hi[0]]
        if hears.groups == 1:
            weight = weight[:, kept[0][0] : kept[0][-1] + 1]
        synapses = ConvSynapses(
            weight, index.shape, conv.strides, _pads(conv, part, spans), conv.dilations, hears.groups
        )
        yield number, synapses, as_gather(index.ravel(), source.slices[number].size)


def _anywhere(mask: npt.NDArray[np.bool_], axis: int) -> npt.NDArray[np.bool_]:
    """Return where along an axis a mask holds anywhere."""
    return np.asarray(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))


def _span(marked: npt.NDArray[np.bool_]) -> Ints:
    """Return the positions from the first that is marked to the last."""
    places = np.flatnonzero(marked)
    return np.arange(places[0], places[-1] + 1) if len(places) else places


def _pads(conv: ConvSynapses, part: Slice, spans: Sequence[Ints]) -> tuple[int, ...]:
    """Return the pads with which the taps of a slice's outputs fall on the same inputs as before.

    Output o reads position s o + d k - p, which is s (o - lo) + d k - (p + first - s lo) counted from the first
    position kept; what lies behind the last one is padding up to the last tap.
    """
    before, after = [], []
    for axis, span in enumerate(spans):
        low, high, stride = part.lo[1 + axis], part.hi[1 + axis], conv.strides[axis]
        reach = conv.dilations[axis] * (conv.weight.shape[2 + axis] - 1) + 1
        lead = conv.pads[axis] + int(span[0]) - stride * low
        before.append(lead)
        after.append(stride * (high - low - 1) + reach - len(span) - lead)
    return (*before, *after)


def _dense(
    dense: DenseSynapses, gather: Ints | None, source: Homes, part: Slice, shape: tuple[int, ...]
) -> Iterator[Part]:
    neurons = np.arange(dense.weight.shape[1]) if gather is None else gather
    owner = np.where(neurons == SILENCE, -1, source.owner[neurons])
    rows = dense.weight[flat_of(part, shape)]
    for number in np.unique(owner[owner >= 0]).tolist():
        columns = np.flatnonzero(owner == number)
        index = source.local[neurons[columns]]
        yield number, DenseSynapses(rows[:, columns]), as_gather(index, source.slices[number].size)


def _sparse(sparse: SparseSynapses, gather: Ints | None, source: Homes, target: Homes, receiver: int) -> Iterator[Part]:
    neurons = sparse.source if gather is None else gather[sparse.source]
    owner = np.where(neurons == SILENCE, -1, source.owner[neurons])
    owner = np.where(target.owner[sparse.target] == receiver, owner, -1)
    for number in np.unique(owner[owner >= 0]).tolist():
        some = owner == number
        ends = source.local[neurons[some]], target.local[sparse.target[some]]
        yield number, SparseSynapses(*ends, sparse.weight[some]), None


def _listed(conv: ConvSynapses) -> SparseSynapses:
    """Return the synapses of a convolution one by one."""
    outs, ins = group_sizes(conv)
    columns: list[tuple[Ints, Ints, Ints]] = []
    for place in np.ndindex(conv.weight.shape):
        channel = place[0] // outs * ins + place[1]
        at = [positions(conv, axis)[tap] for axis, tap in enumerate(place[2:])]
        to = [np.flatnonzero(p >= 0) for p in at]
        target = np.ravel_multi_index(np.ix_([place[0]], *to), conv.out_shape).ravel()
        reads = [p[t] for p, t in zip(at, to, strict=True)]
        source = np.ravel_multi_index(np.ix_([channel], *reads), conv.in_shape).ravel()
        columns.append((source, target, np.full(len(source), conv.weight[place])))
    return SparseSynapses(*(np.concatenate(column) for column in zip(*columns, strict=True)))
