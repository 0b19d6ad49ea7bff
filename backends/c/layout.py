"""How neurons lie in memory: channels last where convolutions arrive, so that what a spike adds lies side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from snncc.backends.c.arrays import Ints
from snncc.compiler.program import ConvSynapses, Population, Program


@dataclass(frozen=True, slots=True)
class Layout:
    """The order of a population's neurons in memory.

    Neuron ``channel * positions + position`` of the program lies at ``position * channels + channel`` if ``last``, else
    at its own number.
    """

    channels: int
    positions: int
    last: bool

    @property
    def size(self) -> int:
        """Return the number of neurons."""
        return self.channels * self.positions

    @property
    def order(self) -> Ints:
        """Return the neuron that lies at each place, int64 [size]."""
        numbers = np.arange(self.size, dtype=np.int64)
        return numbers.reshape(self.channels, self.positions).T.ravel() if self.last else numbers

    def place(self, neuron: str) -> str:
        """Return the C expression of where a neuron lies."""
        if not self.last:
            return neuron
        return f"{neuron} % {self.positions} * {self.channels} + {neuron} / {self.positions}"

    def neuron(self, place: str) -> str:
        """Return the C expression of the neuron that lies at a place."""
        if not self.last:
            return place
        return f"{place} % {self.channels} * {self.positions} + {place} / {self.channels}"


def layout_of(program: Program, population: Population) -> Layout:
    """Return the layout of a population: channels last if all convolutions that reach it agree on its channels."""
    convs = [c.synapses for c in program.connections if c.target == population.name]
    outs = {s.weight.shape[0] for s in convs if isinstance(s, ConvSynapses)}
    if len(outs) == 1:
        (channels,) = outs
        positions = population.size // channels
        return Layout(channels, positions, channels > 1 and positions > 1)
    channels = population.shape[0] if population.shape else 1
    return Layout(channels, prod(population.shape[1:]), False)


WIDTHS = ("0", "channel", "at")


@dataclass(frozen=True)
class Spread:
    """A parameter as it is stored: once, by channel, or by neuron; or a list of parameters, in turn for each of these.

    Attributes:
        values: int64 [n], in the order of memory.
        index: C expression of the element that a neuron uses: ``0``, ``channel`` or ``at``.
    """

    values: Ints
    index: str


def spread(array: Ints, population: Population, layout: Layout) -> Spread:
    """Return a parameter as small as it can be stored."""
    if array.size == 1 or (array == array.flat[0]).all():
        return Spread(array.reshape(-1)[:1], "0")
    full = np.broadcast_to(array, population.shape).reshape(layout.channels, layout.positions)
    if layout.positions > 1 and (full == full[:, :1]).all():
        return Spread(np.ascontiguousarray(full[:, 0]), "channel")
    return Spread(np.ascontiguousarray(full.reshape(-1)[layout.order]), "at")


def spread_all(arrays: Sequence[Ints], population: Population, layout: Layout) -> Spread:
    """Return parameters side by side, all stored as the one that varies most must be."""
    each = [spread(array, population, layout) for array in arrays]
    index = max((one.index for one in each), key=WIDTHS.index)
    if index == "at":
        full = [np.broadcast_to(array, population.shape).reshape(-1)[layout.order] for array in arrays]
    else:
        count = layout.channels if index == "channel" else 1
        full = [np.broadcast_to(one.values, count) for one in each]
    return Spread(np.stack(full, axis=1).reshape(-1), index)
