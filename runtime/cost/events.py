"""Counted events: what happened in every step, by the slice that it is charged to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.targets.target import PRICED, Board

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
KINDS = tuple(PRICED)


@dataclass(frozen=True, eq=False)
class Events:
    """Events of ``inferences`` inferences in steps that follow each other in a circle, every step as full as the next.

    Spikes, updates and hops are charged to the slice of the neuron that makes them; synaptic events, words read and
    messages to the slice that receives, in the step of arrival.

    Attributes:
        slices: what events are charged to.
        board: the chips and tiles that the cores are on.
        counts: int64 [steps, slices] by kind, a key of PRICED; a kind that was not counted is missing.
        link: int64 [steps], messages over the link that most of them pass.
        host: int64 [steps], events that the host sends.
        inferences: how many the steps hold.
    """

    slices: tuple[Slice, ...]
    board: Board
    counts: Mapping[str, Ints]
    link: Ints
    host: Ints
    inferences: int

    @property
    def steps(self) -> int:
        """Return the number of steps."""
        return len(self.host)

    @property
    def interval(self) -> int:
        """Return the steps from one inference to the next."""
        return self.steps // self.inferences

    @property
    def cores(self) -> tuple[int, ...]:
        """Return the cores in use, ascending."""
        return tuple(sorted({part.core for part in self.slices if part.core != HOST}))

    @property
    def chips(self) -> int:
        """Return the number of chips in use."""
        return len({core // self.board.cores for core in self.cores})

    @property
    def tiles(self) -> int:
        """Return the number of tiles in use."""
        return len({self.board.place_of(core) for core in self.cores})

    @property
    def on_core(self) -> npt.NDArray[np.bool_]:
        """Return which slices live on a core, bool [slices]; what the host plays is counted and not priced."""
        return np.array([part.core != HOST for part in self.slices], dtype=bool)

    def of(self, kind: str) -> Ints:
        """Return the events of a kind on cores, int64 [steps, slices]; 0 in what the host plays."""
        return self.counts[kind] * self.on_core

    def means(self) -> dict[str, Floats]:
        """Return mean events in an inference on cores, float64 [slices] by kind that was counted."""
        return {kind: self.of(kind).sum(axis=0) / self.inferences for kind in self.counts}


def summed(values: Floats, keys: Iterable[object]) -> dict[object, float]:
    """Return sums of values [slices] by key, one key a slice, in the order in which keys first appear."""
    found: dict[object, float] = {}
    for key, value in zip(keys, values.tolist(), strict=True):
        found[key] = found.get(key, 0.0) + value
    return found
