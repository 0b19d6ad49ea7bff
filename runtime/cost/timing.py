"""How long steps take, and what holds them up.

A step ends with a barrier, after the slowest of four:

    T = barrier + max(compute, memory, traffic, io)

    compute   max over cores of  sum of updates, synaptic events, spikes and messages, each times its time
    memory    max over cores of  word reads x time of one
    traffic   messages over the busiest link x time of the slowest hop that occurs
    io        events that the host sends / events that it can send in a second

It is a maximum of loads of single cores and links, not of sums over the network: after Timcheck, Pierro and Shrestha,
"A Compute and Communication Runtime Model for Loihi 2" (2026), whose model is a lower bound, too. What a core computes
follows one after the other; reading a word overlaps with the events that it serves. What the table does not state
holds up nothing, and is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.slices import HOST
from snncc.compiler.targets.target import CostTable, Host
from snncc.runtime.cost.events import Events, Floats

COMPUTE = ("update", "synaptic_event", "spike", "message")
MEMORY = ("word_read",)
HOPS = ("hop_x", "hop_y", "chip_hop")
BOUNDS = ("compute", "memory", "traffic", "io", "barrier")


@dataclass(frozen=True)
class Bottleneck:
    """What a bound comes from.

    Attributes:
        bound: a name of BOUNDS.
        share: share of the time in which it holds.
        core: the core that holds up longest under this bound; None where it is no core.
        layer: the layer that takes most of that core's time; empty where it is no core.
    """

    bound: str
    share: float
    core: int | None
    layer: str


@dataclass(frozen=True, eq=False)
class Timing:
    """Times of the steps, modelled.

    Attributes:
        step_ns: float64 [steps], time of every step of the events; empty where the table states no time at all.
        bound: name of the bound that holds, by step.
        core: core that it comes from, by step; HOST where it is none.
        layer: layer that takes most of that core's time, by step; empty where it is none.
        bottlenecks: what holds the steps up, most first.
        interval_ns: mean time from one inference to the next, while they follow without pause.
        latency_ns: mean time of the steps from the first spike of an inference to its answer, both included.
        barrier_ns: time of the barrier; None where the table states none.
        barrier_tiles: most tiles for which the table states that barrier.
        without: what has no time here: kinds of events, ``barrier``, ``io``.
    """

    step_ns: Floats
    bound: tuple[str, ...]
    core: tuple[int, ...]
    layer: tuple[str, ...]
    bottlenecks: tuple[Bottleneck, ...]
    interval_ns: float | None
    latency_ns: float | None
    barrier_ns: float | None
    barrier_tiles: int
    without: tuple[str, ...]

    @property
    def throughput(self) -> float | None:
        """Return inferences in a second."""
        return 1e9 / self.interval_ns if self.interval_ns else None


@dataclass(frozen=True, eq=False)
class _Load:
    """What one bound asks of every step: its time, float64 [steps], and the slice it comes from, -1 for none."""

    ns: Floats
    slice: npt.NDArray[np.int64]


def timing(events: Events, table: CostTable, host: Host, latency: int) -> Timing:
    """Return the times of steps and inferences.

    Args:
        events: counted events.
        table: times.
        host: events that it can send.
        latency: steps from the first spike of an inference to its answer.
    """
    barrier, tiles = barrier_of(table, events.tiles)
    loads = {
        "compute": _slowest(events, table, COMPUTE),
        "memory": _slowest(events, table, MEMORY),
        "traffic": _traffic(events, table),
        "io": _io(events, host),
    }
    known = {name: load for name, load in loads.items() if load is not None}
    without = _without(events, table, host, barrier)
    if barrier is None and not known:
        return Timing(np.zeros(0), (), (), (), (), None, None, None, 0, without)
    known["barrier"] = _Load(np.full(events.steps, barrier or 0.0), np.full(events.steps, -1))
    work = np.stack([load.ns for name, load in known.items() if name != "barrier"] or [np.zeros(events.steps)])
    step_ns = (barrier or 0.0) + work.max(axis=0)
    names = list(known)
    first = np.argmax(np.stack([load.ns for load in known.values()]), axis=0)
    places = [int(known[names[bound]].slice[step]) for step, bound in enumerate(first.tolist())]
    bound = tuple(names[i] for i in first.tolist())
    core = tuple(events.slices[i].core if i >= 0 else HOST for i in places)
    layer = tuple(events.slices[i].population if i >= 0 else "" for i in places)
    return Timing(
        step_ns,
        bound,
        core,
        layer,
        _bottlenecks(step_ns.tolist(), bound, list(zip(core, layer, strict=True))),
        float(step_ns.sum() / events.inferences),
        _latency(step_ns, events, latency),
        barrier,
        tiles,
        without,
    )


def barrier_of(table: CostTable, tiles: int) -> tuple[float | None, int]:
    """Return the time of a step's barrier over some tiles, and for how many the table states it.

    Beyond the most that the table knows, it is that of the most: at least so long.
    """
    if not table.barrier:
        return None, 0
    enough = [most for most in sorted(table.barrier) if most >= tiles]
    most = enough[0] if enough else max(table.barrier)
    return table.barrier[most], most


def _slowest(events: Events, table: CostTable, kinds: tuple[str, ...]) -> _Load | None:
    """Return the time that the slowest core spends on events of some kinds; None where none of them has a time."""
    timed = [kind for kind in kinds if kind in table.time and kind in events.counts]
    if not timed:
        return None
    spent = np.sum([events.of(kind) * table.time[kind] for kind in timed], axis=0)
    cores = np.array([part.core for part in events.slices])
    numbers, member = np.unique(cores, return_inverse=True)
    by_core = np.zeros((events.steps, len(numbers)))
    np.add.at(by_core.T, member, spent.T)
    slowest = by_core.argmax(axis=1)
    inside = member[None, :] == slowest[:, None]
    return _Load(by_core.max(axis=1), np.where(inside, spent, -1.0).argmax(axis=1))


def _traffic(events: Events, table: CostTable) -> _Load | None:
    """Return the time in which the busiest link passes its messages on, each as slow as the slowest hop that occurs."""
    occurs = [kind for kind in HOPS if events.counts[kind].any()]
    each = max((table.time[kind] for kind in occurs if kind in table.time), default=None)
    return None if each is None else _Load(events.link * np.float64(each), np.full(events.steps, -1))


def _io(events: Events, host: Host) -> _Load | None:
    """Return the time in which the host sends its events."""
    if host.events_per_second is None:
        return None
    return _Load(events.host * np.float64(1e9 / host.events_per_second), np.full(events.steps, -1))


def _without(events: Events, table: CostTable, host: Host, barrier: float | None) -> tuple[str, ...]:
    """Return what occurs, or may, and has no time."""
    found = [kind for kind in (*COMPUTE, *MEMORY, *HOPS) if not _timed(events, kind, table)]
    found += ["io"] if host.events_per_second is None and events.host.any() else []
    return tuple(found + (["barrier"] if barrier is None else []))


def _timed(events: Events, kind: str, table: CostTable) -> bool:
    return kind in events.counts and (kind in table.time or not events.of(kind).any())


def _latency(step_ns: Floats, events: Events, latency: int) -> float:
    """Return the mean time of latency + 1 steps that begin with an inference."""
    laps, rest = divmod(latency + 1, events.steps)
    begun = np.concatenate([[0.0], np.cumsum(np.concatenate([step_ns, step_ns]))])
    starts = np.arange(events.inferences) * events.interval
    return float(laps * step_ns.sum() + (begun[starts + rest] - begun[starts]).mean())


def _bottlenecks(
    step_ns: Sequence[float], bound: Sequence[str], places: Sequence[tuple[int, str]]
) -> tuple[Bottleneck, ...]:
    """Return for each bound the share of the time in which it holds, and the place it comes from most of that time.

    Args:
        step_ns: time of every step.
        bound: what holds it up.
        places: core and layer that this comes from.
    """
    spent: dict[str, dict[tuple[int, str], float]] = {}
    for ns, name, place in zip(step_ns, bound, places, strict=True):
        of = spent.setdefault(name, {})
        of[place] = of.get(place, 0.0) + ns
    total, found = sum(step_ns) or 1.0, []
    for name, of in spent.items():
        core, layer = max(of, key=of.__getitem__)
        found.append(Bottleneck(name, sum(of.values()) / total, None if core == HOST else core, layer))
    return tuple(sorted(found, key=lambda one: -one.share))
