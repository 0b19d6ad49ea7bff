"""Where the spikes of each neuron go: for each slice that hears it, what they do there."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numba
import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.pieces import homes
from snncc.compiler.placement.slices import Slice
from snncc.compiler.program import Connection, Program
from snncc.compiler.targets.target import Packing
from snncc.runtime.placed.fans import Fan, fans

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Reach:
    """Where the spikes of a population go.

    Neurons whose spikes do the same through a connection, in slices beside each other, share a bundle. Entries
    begin[i] to begin[i + 1] are those of neuron i, entries first[b] to first[b + 1] those of bundle b.

    Attributes:
        owner: int64 [neurons], number of each neuron's slice in the program.
        begin: int64 [neurons + 1].
        bundle: int64 [entries], bundles of a neuron.
        first: int64 [bundles + 1].
        route: int64 [routes of bundles], number of the route, on which there is one message a spike.
        effects: int64 [routes of bundles, 2]: synaptic events and words read on it, for one spike.
    """

    owner: Ints
    begin: Ints
    bundle: Ints
    first: Ints
    route: Ints
    effects: Ints

    def add(self, fired: Ints, to: Ints) -> None:
        """Add what spikes of neurons do, messages, synaptic events and words read, to an int64 array [routes, 3]."""
        _add(fired, self.begin, self.bundle, self.first, self.route, self.effects, to)


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
    collected = {name: _Collected(numbers[name][home.owner]) for name, home in places.items()}
    known = _Known(number)
    for connection, fan in fans(program, packing):
        for alike in _alike(fan, places[connection.target].slices):
            collected[connection.source].add(connection, fan, alike, known)
    ends = np.array([*known.routes], dtype=np.int64).reshape(-1, 3)
    return Routes(ends[:, 0], ends[:, 1], ends[:, 2], {name: c.reach() for name, c in collected.items()})


def _alike(fan: Fan, slices: Sequence[Slice]) -> Iterator[list[Slice]]:
    """Yield slices together that hear the same neurons in the same kinds."""
    found: dict[Hashable, list[Slice]] = {}
    for part in slices:
        found.setdefault(fan.key(part), []).append(part)
    yield from found.values()


@dataclass(frozen=True)
class _Known:
    """The routes met so far.

    Attributes:
        number: of a slice in the program, by name.
        routes: number of a route by (sending slice, receiving slice, delay).
    """

    number: Mapping[str, int]
    routes: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def of(self, senders: Ints, part: Slice, delay: int) -> Ints:
        """Return the numbers of the routes from slices to one."""
        keys = [(sender, self.number[part.name], delay) for sender in senders.tolist()]
        return np.array([self.routes.setdefault(key, len(self.routes)) for key in keys], dtype=np.int64)


@dataclass
class _Collected:
    """Bundles of a population as they are found.

    Attributes:
        owner: int64 [neurons], number of each neuron's slice.
        members: (neurons, their bundles).
        bundles: (bundles, their routes, effects), the bundles ascending in each.
        count: of bundles.
    """

    owner: Ints
    members: list[tuple[Ints, Ints]] = field(default_factory=list)
    bundles: list[tuple[Ints, Ints, Ints]] = field(default_factory=list)
    count: int = 0

    def add(self, connection: Connection, fan: Fan, alike: Sequence[Slice], known: _Known) -> None:
        """Take in what spikes do in slices that hear the same neurons in the same kinds."""
        neurons, kinds = fan.kinds(alike[0])
        span = int(kinds.max(initial=0)) + 1
        pairs, bundle = np.unique(self.owner[neurons] * span + kinds, return_inverse=True)
        senders, which = np.unique(pairs // span, return_inverse=True)
        numbers = self.count + np.arange(len(pairs))
        self.members.append((neurons, self.count + bundle.ravel()))
        self.count += len(pairs)
        for part in alike:
            route = known.of(senders, part, connection.delay)[which.ravel()]
            events, words = fan.effects(part)
            kind = pairs % span
            self.bundles.append((numbers, route, np.stack([events[kind], words[kind]], axis=1)))

    def reach(self) -> Reach:
        """Return it all, by neuron and by bundle."""
        none = np.zeros(0, dtype=np.int64)
        neuron, bundle = (np.concatenate([none, *(m[i] for m in self.members)]) for i in (0, 1))
        owned, route = (np.concatenate([none, *(b[i] for b in self.bundles)]) for i in (0, 1))
        effects = np.concatenate([none.reshape(0, 2), *(b[2] for b in self.bundles)])
        begin, order = _sorted(neuron, len(self.owner))
        first, inner = _sorted(owned, self.count)
        return Reach(self.owner, begin, bundle[order], first, route[inner], effects[inner])


def _sorted(keys: Ints, count: int) -> tuple[Ints, Ints]:
    """Return where the entries of each key 0..count-1 begin, and the order that sorts them by key."""
    order = np.argsort(keys, kind="stable")
    return np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=count))]).astype(np.int64), order


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _add(fired, begin, bundle, first, route, effects, to):  # type: ignore[no-untyped-def]
    spikes = np.zeros(len(first) - 1, dtype=np.int64)
    for neuron in fired:
        for i in range(begin[neuron], begin[neuron + 1]):
            spikes[bundle[i]] += 1
    for b in range(len(spikes)):
        if spikes[b]:
            for i in range(first[b], first[b + 1]):
                to[route[i], 0] += spikes[b]
                to[route[i], 1] += spikes[b] * effects[i, 0]
                to[route[i], 2] += spikes[b] * effects[i, 1]
