"""Step a placed program slice by slice beside the program as a whole: every spike and membrane must be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.pieces import Homes, homes
from snncc.compiler.placement.sliced import Joining, cut_feed, cut_levels, sliced
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Sent
from snncc.runtime.divergence import Divergence, Past
from snncc.runtime.emulator import Emulator, run_feed, run_levels
from snncc.runtime.neurons import StateOverflow

Ints = npt.NDArray[np.int64]
Steps = Iterator[dict[str, Sent]]
SAMPLES = 4  # stepped slice by slice in a verification
SLICE_STEPS = 30_000  # at most, all slices together: half a minute


@dataclass
class PlacedCheck:
    """What was compared.

    Attributes:
        samples: samples run, in all streams; 0 for a feed that is not made of samples.
        steps: timesteps of a stream that were compared.
        mismatches: differing (population, neuron, step, stream), spike or membrane.
        first: where the slices differ first, with the core.
    """

    samples: int = 0
    steps: int = 0
    mismatches: int = 0
    first: Divergence | None = None


def steps_of(program: Program, samples: int) -> int:
    """Return the steps of a run on samples back to back, until the last output has been read."""
    return program.latency + (samples - 1) * program.interval + 1


def samples_worth(program: Program) -> int:
    """Return how many samples a verification steps slice by slice: up to SAMPLES, none if one takes long."""
    fitting = (n for n in range(SAMPLES, 0, -1) if len(program.slices) * steps_of(program, n) <= SLICE_STEPS)
    return next(fitting, 0)


def compare_placed(
    program: Program, levels: Mapping[str, Ints], progress: Callable[[int], None] = lambda steps: None
) -> PlacedCheck:
    """Run samples back to back on the whole program and on its slices, and compare.

    Args:
        program: placed, with tensor inputs.
        levels: int64 [samples, streams, *shape] by name of the tensor input.
        progress: called with the steps done after each.
    """
    samples, streams = next(iter(levels.values())).shape[:2]
    whole = run_levels(Emulator(program, streams), levels, samples)
    parts = run_levels(Emulator(sliced(program), streams), cut_levels(program, levels), samples)
    found = PlacedCheck(samples * streams)
    _Comparison(program, streams, found).run(whole, parts, progress)
    return found


def compare_feed(program: Program, feed: Feed) -> PlacedCheck:
    """Run anything that can be fed on the whole program and on its slices, and compare."""
    whole = run_feed(Emulator(program), feed)
    parts = run_feed(Emulator(sliced(program)), cut_feed(program, feed))
    found = PlacedCheck()
    _Comparison(program, 1, found).run(whole, parts, lambda steps: None)
    return found


class _Comparison:
    def __init__(self, program: Program, streams: int, found: PlacedCheck) -> None:
        self.program, self.streams, self.found = program, streams, found
        self.homes: dict[str, Homes] = homes(program)
        self.joining, self.past = Joining(program), Past(program)

    def run(self, whole: Steps, parts: Steps, progress: Callable[[int], None]) -> None:
        """Compare step by step, to the end or to where a state overflows on either side."""
        step = 0
        try:
            for step, (ours, theirs) in enumerate(zip_longest(whole, parts)):
                self.past.add(ours)
                self._step(step, ours, self.joining.joined(theirs))
                self.found.steps += self.streams
                progress(step + 1)
        except StateOverflow as overflow:
            self._overflow(self.found.steps // self.streams, overflow)

    def _step(self, step: int, ours: Mapping[str, Sent], theirs: Mapping[str, Sent]) -> None:
        for name, mine in ours.items():
            spike, membrane = mine.spikes != theirs[name].spikes, mine.membrane != theirs[name].membrane
            count = int(np.count_nonzero(spike | membrane))
            self.found.mismatches += count
            if count and self.found.first is None:
                what, wrong = ("spike", spike) if spike.any() else ("membrane", membrane)
                pair = (s.spikes if what == "spike" else s.membrane for s in (mine, theirs[name]))
                self.found.first = self._divergence(step, name, what, wrong, *pair)

    def _divergence(
        self, step: int, name: str, what: str, wrong: npt.NDArray[np.bool_], expected: Ints, seen: Ints
    ) -> Divergence:
        neuron, stream = (int(i) for i in np.argwhere(wrong)[0])
        home = self.homes[name]
        return Divergence(
            step,
            self._sample(step, home, stream),
            name,
            neuron,
            what,
            int(expected[neuron, stream]),
            int(seen[neuron, stream]),
            self.past.arrived(home.population, neuron, stream),
            home.population.loc,
            home.slices[home.owner[neuron]].core,
        )

    def _overflow(self, step: int, overflow: StateOverflow) -> None:
        """Note where a state left its width, in a population or in a slice of one."""
        self.found.mismatches += 1
        if self.found.first is not None:
            return
        part = next((s for s in self.program.slices if s.name == overflow.population), None)
        name = overflow.population if part is None else part.population
        home = self.homes[name]
        neuron = overflow.neuron
        if part is not None:
            index = zip(np.unravel_index(neuron, part.shape), part.lo, strict=True)
            neuron = int(np.ravel_multi_index([int(i) + low for i, low in index], home.population.shape))
        sample = self._sample(step, home, overflow.stream)
        core = home.slices[home.owner[neuron]].core
        self.found.first = Divergence(step, sample, name, neuron, str(overflow), 0, 0, (), home.population.loc, core)

    def _sample(self, step: int, home: Homes, stream: int) -> int:
        """Return the index of the sample in whose window a step lies; before the first, of the first."""
        since = max(0, step - home.population.start)
        return since // max(self.program.interval, 1) * self.streams + stream
