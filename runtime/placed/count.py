"""Count what a placed program does on each core, from the emulation of the program as a whole.

A spike's messages, events and words follow from the boxes of the slices that hear it, which are looked at once; so a
step costs what its spikes reach, not what it takes to step every slice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.slices import HOST
from snncc.compiler.program import Program
from snncc.compiler.targets.target import Target
from snncc.compiler.trace import Feed, feed_levels
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.placed.counts import COUNTED, Counts
from snncc.runtime.placed.links import Ways, ways
from snncc.runtime.placed.routes import Routes, routes

Ints = npt.NDArray[np.int64]
Progress = Callable[[int, int], None]  # steps done, steps in all
Lives = Mapping[str, range]  # the steps in which a population counts


def count(
    program: Program, target: Target, levels: Mapping[str, Ints], progress: Progress = lambda done, total: None
) -> Counts:
    """Count a run on samples back to back, one every interval.

    Args:
        program: placed.
        target: what it is placed on.
        levels: int64 [samples, *shape] by name of the tensor input; ``runtime.run.input_levels`` makes them.
        progress: called after each step.
    """
    feed = feed_levels(program, levels)
    samples = len(next(iter(feed.levels.values())))
    lives = {p.name: range(p.start, p.start + samples * program.interval) for p in program.populations}
    steps = max(life.stop for life in lives.values())
    return _counted(program, target, replace(feed, steps=steps), samples, lives, progress)


def count_feed(program: Program, target: Target, feed: Feed, progress: Progress = lambda done, total: None) -> Counts:
    """Count a run from step 0 on anything that can be fed; every step of every population counts.

    Args:
        program: placed.
        target: what it is placed on.
        feed: what reaches the program from outside.
        progress: called after each step.
    """
    lives = {p.name: range(feed.steps) for p in program.populations}
    return _counted(program, target, feed, 0, lives, progress)


def _counted(program: Program, target: Target, feed: Feed, samples: int, lives: Lives, progress: Progress) -> Counts:
    ledger = _Ledger(program, target, feed.steps)
    ledger.updates(lives)
    ledger.injections(feed)
    reach = ledger.routes.reach
    for now, sent in enumerate(run_feed(Emulator(program), feed)):
        effects = np.zeros((len(ledger.routes.source), 3), dtype=np.int64)
        for name, did in sent.items():
            if now in lives[name]:
                fired = np.flatnonzero(did.spikes[:, 0])
                ledger.enter("spikes", now, reach[name].owner[fired], 1)
                reach[name].add(fired, effects)
        ledger.messages(now, effects)
        progress(now + 1, feed.steps)
    return ledger.counts(samples)


class _Ledger:
    """Counts [steps, columns] of cores, the host among them, and of slices over all steps."""

    def __init__(self, program: Program, target: Target, steps: int) -> None:
        self.program, self.steps = program, steps
        self.routes: Routes = routes(program, target.packing)
        home = np.array([part.core for part in program.slices], dtype=np.int64)
        self.cores, self.column = np.unique(home, return_inverse=True)
        self.ways: Ways = ways(target.board, home[self.routes.source], home[self.routes.target])
        shape = (steps, len(self.cores))
        self.by_core = {name: np.zeros(shape, dtype=np.int64) for name in COUNTED}
        self.by_slice = {name: np.zeros(len(home), dtype=np.int64) for name in COUNTED}
        self.busiest = np.zeros(steps, dtype=np.int64)

    def enter(self, name: str, step: int | Ints, part: Ints, count: int | Ints) -> None:
        """Add to a count in a step, at slices."""
        np.add.at(self.by_core[name], (np.asarray(step), self.column[part]), count)
        np.add.at(self.by_slice[name], part, count)

    def updates(self, lives: Lives) -> None:
        """Enter the neurons of every slice in the steps of its population."""
        for number, part in enumerate(self.program.slices):
            life = lives[part.population]
            self.by_core["updates"][life.start : life.stop, self.column[number]] += part.size
            self.by_slice["updates"][number] += part.size * len(life)

    def injections(self, feed: Feed) -> None:
        """Enter what inputs put into neurons."""
        for source in self.program.inputs:
            if source.name in feed.arrivals:
                arriving = feed.arrivals[source.name]
                owner = self.routes.reach[source.population].owner
                self.enter("injected", arriving.step, owner[arriving.neuron], 1)

    def messages(self, now: int, effects: Ints) -> None:
        """Enter what was sent in a step, int64 [routes, 3], there and where it arrives."""
        used = np.flatnonzero(effects[:, 0])
        sent, (source, target, delay) = effects[used, 0], self._ends(used)
        self.enter("sent", now, source, sent)
        for name in ("hops_x", "hops_y", "chip_hops"):
            self.enter(name, now, source, sent * getattr(self.ways, name)[used])
        self.busiest[now] = self.ways.busiest(effects[:, 0])
        here = now + delay < self.steps
        for name, amount in zip(("received", "synaptic_events", "word_reads"), effects[used].T, strict=True):
            self.enter(name, (now + delay)[here], target[here], amount[here])

    def _ends(self, used: Ints) -> tuple[Ints, Ints, Ints]:
        return self.routes.source[used], self.routes.target[used], self.routes.delay[used]

    def counts(self, samples: int) -> Counts:
        """Return the counts, those of the host apart."""
        host = self._of(self.cores == HOST, samples, None) if HOST in self.cores else None
        return self._of(self.cores != HOST, samples, host)

    def _of(self, some: npt.NDArray[np.bool_], samples: int, host: Counts | None) -> Counts:
        columns = {name: array[:, some] for name, array in self.by_core.items()}
        busiest = self.busiest if HOST not in self.cores[some] else np.zeros_like(self.busiest)
        return Counts(
            self.cores[some],
            samples,
            self.program.interval,
            **columns,
            busiest_link=busiest,
            slices=self.by_slice if HOST not in self.cores[some] else {},
            host=host,
        )
