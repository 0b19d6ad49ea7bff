"""Where the spikes of each neuron go: for each slice that hears it, what they do there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.pieces import homes
from snncc.compiler.program import Program
from snncc.compiler.targets.target import Packing
from snncc.runtime.placed.fans import fan, widest

Ints = npt.NDArray[np.int64]
Column = tuple[Ints, Ints, Ints, Ints]  # neuron, route, events, words


@dataclass(frozen=True, eq=False)
class Reach:
    """Where the spikes of a population go. Entries begin[i] to begin[i + 1] are those of neuron i.

    Attributes:
        owner: int64 [neurons], number of each neuron's slice in the program.
        begin: int64 [neurons + 1].
        route: int64 [entries], number of the route.
        effects: int64 [entries, 3]: messages, synaptic events and words read on it, for one spike.
    """

    owner: Ints
    begin: Ints
    route: Ints
    effects: Ints

    def add(self, fired: Ints, to: Ints) -> None:
        """Add what the spikes of neurons do to an int64 array [routes, 3]."""
        _add(fired, self.begin, self.route, self.effects, to)


@dataclass(frozen=True, eq=False)
class Routes:
    """All routes of a program: from a slice to a slice, with a delay.

    Attributes:
        source: int64 [routes], number of the sending slice in the program.
        target: int64 [routes], number of the receiving slice.
        delay: int64 [routes], steps from sending to arriving.
        reach: where spikes go, by population.
    """

    source: Ints
    target: Ints
    delay: Ints
    reach: Mapping[str, Reach]


def routes(program: Program, packing: Packing) -> Routes:
    """Return the routes of a placed program, whose synapses are stored in a certain way."""
    places = homes(program)
    number = {part.name: i for i, part in enumerate(program.slices)}
    numbers = {name: np.array([number[s.name] for s in home.slices]) for name, home in places.items()}
    owners = {name: numbers[name][home.owner] for name, home in places.items()}
    bits = widest(program, packing)
    known: dict[tuple[int, int, int], int] = {}
    columns: dict[str, list[Column]] = {name: [] for name in places}
    for connection in program.connections:
        target = places[connection.target]
        for part in target.slices:
            met = fan(connection, target.population, part, packing, bits[connection.target])
            senders, which = np.unique(owners[connection.source][met.neuron], return_inverse=True)
            keys = [(sender, number[part.name], connection.delay) for sender in senders.tolist()]
            route = np.array([known.setdefault(key, len(known)) for key in keys], dtype=np.int64)
            columns[connection.source].append((met.neuron, route[which.ravel()], met.events, met.words))
    ends = np.array([*known], dtype=np.int64).reshape(-1, 3)
    reach = {name: _reach(owners[name], columns[name], len(known)) for name in places}
    return Routes(ends[:, 0], ends[:, 1], ends[:, 2], reach)


def _reach(owner: Ints, columns: list[Column], count: int) -> Reach:
    """Return entries sorted by neuron; those of one neuron and route become one."""
    none = np.zeros(0, dtype=np.int64)
    neuron, route, events, words = (np.concatenate([none, *c]) for c in zip(*columns, strict=True)) if columns else (
        none, none, none, none
    )  # fmt: skip
    key = neuron * max(count, 1) + route
    order = np.argsort(key, kind="stable")
    effects = np.stack([np.ones_like(events), events, words], axis=1)[order]
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    effects = np.add.reduceat(effects, first, axis=0) if len(first) else effects
    kept = order[first]
    begin = np.searchsorted(neuron[kept], np.arange(len(owner) + 1))
    return Reach(owner, begin, route[kept], effects)


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _add(fired, begin, route, effects, to):  # type: ignore[no-untyped-def]
    for neuron in fired:
        for i in range(begin[neuron], begin[neuron + 1]):
            for kind in range(3):
                to[route[i], kind] += effects[i, kind]
