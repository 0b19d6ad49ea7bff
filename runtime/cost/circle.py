"""Samples back to back as if without end: the run of a few, bent into a circle.

Population p sends for sample k in steps start_p + k x interval up to the next sample's. Step t of the run stands for
step t mod (samples x interval) of the circle; what a population sends before its first window or after its last, which
no sample caused, is left out. So every sample is counted once, and every step is as full as when samples never end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.placement.slices import HOST
from snncc.compiler.program import Program
from snncc.compiler.trace import feed_levels
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.neurons import StateOverflow

Ints = npt.NDArray[np.int64]
Step = tuple[int, Mapping[str, Ints]]  # of the circle; payloads [neurons] by population


def circle(
    program: Program, levels: Mapping[str, Ints], progress: Callable[[str, int, int], None] = lambda *told: None
) -> Iterator[Step]:
    """Yield for every step of a run its step of the circle, and what populations send in their windows.

    Args:
        program: a program with an interval, fed by tensors.
        levels: int64 [samples, *shape] by tensor input.
        progress: called with what is being done, how much is done, and the whole.

    Raises:
        SnnccError: SNN341, a state overflows.
    """
    period = len(next(iter(levels.values()))) * program.interval
    starts = {p.name: p.start for p in program.populations}
    total = max(starts.values()) + period
    feed = replace(feed_levels(program, levels), steps=total)
    try:
        for now, sent in enumerate(run_feed(Emulator(program), feed)):
            inside = {n: d.spikes[:, 0] for n, d in sent.items() if 0 <= now - starts[n] < period}
            progress("counting events", now + 1, total)
            yield now % period, inside
    except StateOverflow as error:
        hint = "snncc proves that compiled programs cannot: compile it again, or widen the state"
        raise fail("SNN341", f"program '{program.name}' overflows: {error}", Loc(program.name, ""), hint) from error


def host_values(program: Program, levels: Mapping[str, Ints]) -> Ints:
    """Return how many values that are not 0 the host puts into input populations on cores, int64 [steps].

    The steps are those of the circle. Populations that the host itself plays take nothing: it sends their spikes.
    """
    samples = len(next(iter(levels.values())))
    found = np.zeros(samples * program.interval, dtype=np.int64)
    populations, played = program.population, {part.population for part in program.slices if part.core == HOST}
    for tensor in (i for i in program.inputs if i.population not in played):
        start = populations[tensor.population].start
        for k, sample in enumerate(levels[tensor.name]):
            found[(start + k * program.interval) % len(found)] += np.count_nonzero(sample)
    return found
