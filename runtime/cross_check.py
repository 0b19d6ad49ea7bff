"""Compare what an emitted artifact does, step by step, with what the emulator and the integer network do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder, Readout
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Sent, Trace, feed_levels
from snncc.runtime.agreed import Agreed
from snncc.runtime.divergence import Divergence, Past
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.neurons import StateOverflow
from snncc.runtime.reference import execute, samples_at_once

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Device:
    """Where a program runs besides the emulator.

    Attributes:
        name: for people.
        gives: ``spikes``, one entry of a trace a step, by population; ``levels``, one a sample, by network node.
        run: runs a feed from step 0.
    """

    name: str
    gives: str
    run: Callable[[Feed], Trace]


@dataclass
class CrossCheck:
    """What was compared, over all runs.

    Attributes:
        samples: samples run.
        steps: timesteps run; 0 for a device that gives levels.
        mismatches: differing (population or node, neuron, step or sample), spike, membrane or level.
        first: where it differed first.
    """

    samples: int = 0
    steps: int = 0
    mismatches: int = 0
    first: Divergence | None = None


def cross_check(
    program: Program,
    network: Graph,
    levels: Mapping[str, Ints],
    device: Device,
    found: CrossCheck,
    progress: Callable[[int], None] = lambda samples: None,
) -> None:
    """Run samples back to back on a device, in one run, and compare all it does with our own definitions.

    Every spike and membrane is compared with the emulator's, or every level with the integer network's.

    Args:
        program: the program that the device runs.
        network: the integer network it reproduces.
        levels: int64 [samples, *shape] by encode node.
        device: where the artifact runs.
        found: what is found is added to it.
        progress: called with the number of samples compared so far.
    """
    claims = {p.name: p.claim for p in program.populations}
    named = {i.name: levels[claim.node] for i in program.inputs if (claim := claims[i.population]) is not None}
    feed = feed_levels(program, named)
    if device.gives == "levels":
        compared = _levels(network, levels, device.run(feed), device, found)
    else:
        compared = _spikes(program, feed, device, found)
    for done in compared:
        progress(done)
    found.samples += len(next(iter(levels.values())))


def _spikes(program: Program, feed: Feed, device: Device, found: CrossCheck) -> Iterator[int]:
    """Compare a run with the emulator's; yield the number of samples done after each."""
    past = Past(program)
    emulated = run_feed(Emulator(program), feed)
    agreed = Agreed()
    step = 0
    try:
        for step, (theirs, ours) in enumerate(zip_longest(device.run(feed), emulated)):
            if theirs is None or ours is None:
                _broke_off(device, step, found)
                return
            past.add(ours)
            _step(program, step, theirs, ours, past, found, agreed)
            found.steps += 1
            sample, left = divmod(step - program.latency, program.interval)
            if left == 0 and sample >= 0:
                yield sample + 1
    except StateOverflow as overflow:
        population = program.population[overflow.population]
        _note(found, Divergence(step, 0, population.name, overflow.neuron, str(overflow), 0, 0, (), population.loc))


def _step(
    program: Program,
    step: int,
    theirs: Mapping[str, Sent],
    ours: Mapping[str, Sent],
    past: Past,
    found: CrossCheck,
    agreed: Agreed,
) -> None:
    """Compare a step of every population."""
    for population in program.populations:
        if population.name not in theirs:
            raise fail("SNN606", f"the trace lacks population {population.name} in step {step}", population.loc)
        mine, other = ours[population.name], theirs[population.name]
        if agreed.knows(population.name, other, mine):
            continue
        spike, membrane = mine.spikes != other.spikes, mine.membrane != other.membrane
        count = int(np.count_nonzero(spike | membrane))
        if not count:
            agreed.keep(population.name, other, mine)
            continue
        what, wrong = ("spike", spike) if spike.any() else ("membrane", membrane)
        neuron = int(np.flatnonzero(wrong[:, 0])[0])
        expected, seen = (s.spikes if what == "spike" else s.membrane for s in (mine, other))
        sample = max(0, step - population.start) // max(program.interval, 1)
        inputs = () if found.first else past.arrived(population, neuron, 0)
        place = (step, sample, population.name, neuron, what)
        _note(found, Divergence(*place, int(expected[neuron, 0]), int(seen[neuron, 0]), inputs, population.loc), count)


def _levels(
    network: Graph, levels: Mapping[str, Ints], theirs: Trace, device: Device, found: CrossCheck
) -> Iterator[int]:
    """Compare the levels of every sample with the integer network's; yield the number of samples done."""
    total = len(next(iter(levels.values())))
    size = samples_at_once(network, 64)
    kinds = Encode | Fire | Ladder | MaxPool | Readout
    told = [node.name for node in network.nodes if isinstance(node.op, kinds) or node.name in network.outputs]
    for begin in range(0, total, size):
        ours = execute(network, {name: array[begin : begin + size] for name, array in levels.items()})
        for sample in range(begin, min(begin + size, total)):
            seen = next(theirs, None)
            if seen is None:
                _broke_off(device, sample, found)
                return
            for name in told:
                _level(network, sample, name, ours[name][sample - begin].reshape(-1), seen, found)
        yield min(begin + size, total)
    if next(theirs, None) is not None:
        _broke_off(device, total, found)


def _level(network: Graph, sample: int, name: str, expected: Ints, sent: Mapping[str, Sent], found: CrossCheck) -> None:
    if name not in sent:
        raise fail("SNN606", f"the trace lacks the levels of {name}", network.node[name].loc)
    seen = sent[name].spikes[:, 0]
    wrong = np.flatnonzero(expected != seen)
    if len(wrong):
        first = int(wrong[0])
        place = (0, sample, name, first, "level", int(expected[first]), int(seen[first]), ())
        _note(found, Divergence(*place, network.node[name].loc), len(wrong))


def _broke_off(device: Device, after: int, found: CrossCheck) -> None:
    kind = "samples" if device.gives == "levels" else "steps"
    message = f"the run on {device.name} and the one it is compared with do not both end after {after} {kind}"
    _note(found, Divergence(after, 0, "", 0, message, 0, 0, (), Loc()))


def _note(found: CrossCheck, first: Divergence, count: int = 1) -> None:
    found.mismatches += count
    found.first = found.first or first
