"""Step a program beside the integer network, compare every spike and membrane, count what an inference costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir.graph import Graph
from snncc.compiler.program import Population, Program, TensorInput
from snncc.compiler.trace import Sent
from snncc.runtime.agreed import Agreed
from snncc.runtime.divergence import Divergence, Past
from snncc.runtime.emulator import Emulator, run_levels
from snncc.runtime.expected import Expectation, Expected
from snncc.runtime.neurons import StateOverflow
from snncc.runtime.reference import execute, samples_at_once

Ints = npt.NDArray[np.int64]
BACK_TO_BACK = 20  # samples fed to a stream one after the other, state carried
MOST_BACK_TO_BACK = 100
FILLED = 4  # how many times as long as it takes to fill a program it is kept filled
MOST_STREAMS = 32


@dataclass
class Tally:
    """Counts over the samples stepped."""

    samples: int = 0
    steps: int = 0
    mismatches: int = 0
    spikes: int = 0
    synops: int = 0
    payload_bits: int = 0
    by_population: dict[str, int] = field(default_factory=dict)
    first: Divergence | None = None


def step_and_compare(
    program: Program,
    network: Graph,
    levels: Mapping[str, Ints],
    tally: Tally,
    progress: Callable[[int], None] = lambda samples: None,
) -> dict[str, Ints]:
    """Step samples through the emulator and compare with the integer network; return its values at the outputs.

    Args:
        program: the spiking program.
        network: the integer network it reproduces.
        levels: int64 [samples, *shape] by encode node.
        tally: counts are added to it.
        progress: called with the number of samples done after each chunk.
    """
    total = len(next(iter(levels.values())))
    outputs: dict[str, list[Ints]] = {name: [] for name in network.outputs}
    done = 0
    while done < total:
        samples, streams = _shape_of_chunk(program, network, total - done)
        size = samples * streams
        part = {name: array[done : done + size] for name, array in levels.items()}
        values = _values(program, network, part)
        _Chunk(program, network, values, (samples, streams), done, tally).run()
        for name, found in outputs.items():
            found.append(values[name].astype(np.int64))
        done += size
        progress(size)
    tally.samples += total
    return {name: np.concatenate(found) for name, found in outputs.items()}


def _values(program: Program, network: Graph, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    """Return what the integer network gives for all that is claimed and for its outputs, in the narrowest integers."""
    claims = [p.claim for p in program.populations if p.claim]
    wanted = {*network.outputs, *(c.node for c in claims), *(f"{c.node}.charge" for c in claims if c.kind == "fire")}
    total = len(next(iter(levels.values())))
    size = samples_at_once(network, total)
    pieces = []
    for begin in range(0, total, size):
        some = {name: array[begin : begin + size] for name, array in levels.items()}
        pieces.append({name: _narrow(array) for name, array in execute(network, some, wanted).items()})
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _narrow(values: Ints) -> Ints:
    """Return integers in the narrowest type that holds them: a chunk's levels are many and small."""
    least, greatest = values.min(initial=0), values.max(initial=0)
    kinds = (np.int8, np.int16, np.int32, np.int64)
    kind = next(k for k in kinds if np.iinfo(k).min <= least and greatest <= np.iinfo(k).max)
    narrow: Ints = values.astype(kind)
    return narrow


def _shape_of_chunk(program: Program, network: Graph, left: int) -> tuple[int, int]:
    """Return (samples back to back, streams) of the next chunk: deep first, then wide, within memory.

    Steps in which the first sample has not come through, or the last has passed, are work for nothing: a deep program
    gets more samples.
    """
    deep = FILLED * program.latency // max(program.interval, 1)
    samples = min(left, max(BACK_TO_BACK, min(deep, MOST_BACK_TO_BACK)))
    widest = samples_at_once(network, MOST_STREAMS * samples) // samples
    return samples, max(1, min(widest, left // samples))


class _Chunk:
    """Samples that are stepped together."""

    def __init__(
        self,
        program: Program,
        network: Graph,
        values: Mapping[str, Ints],
        split: tuple[int, int],
        offset: int,
        tally: Tally,
    ) -> None:
        self.program, self.split, self.offset, self.tally = program, split, offset, tally
        self.expectation = Expectation(program, network, values, *split)
        self.emulator = Emulator(program, split[1])
        claims = {p.name: p.claim for p in program.populations}
        self.levels = {}
        for tensor in program.inputs:
            claim = claims[tensor.population]
            if not isinstance(tensor, TensorInput) or claim is None:
                raise InternalError("only programs compiled from a network can be compared with one")
            self.levels[tensor.name] = values[claim.node].reshape(*split, -1)
        self.past = Past(program)
        self.agreed = Agreed()  # where nothing fired: spikes are counted in every step

    def run(self) -> None:
        """Step to the end, or to where a state overflows."""
        populations = self.program.population
        try:
            for step, sent in enumerate(run_levels(self.emulator, self.levels, self.split[0])):
                self.past.add(sent)
                for name, did in sent.items():
                    self._look(populations[name], step, did)
                self.tally.steps += self.split[1]
        except StateOverflow as overflow:
            self.tally.mismatches += 1
            if self.tally.first is None:
                step, population = self.emulator.now, populations[overflow.population]
                sample = self._sample(population, step, overflow.stream)
                self.tally.first = Divergence(
                    step, sample, population.name, overflow.neuron, str(overflow), 0, 0, (), population.loc
                )

    def _look(self, population: Population, step: int, did: Sent) -> None:
        expected = self.expectation.at(population, step)
        if expected.spikes is None or self.agreed.knows(population.name, did, expected):
            return
        wrong = did.spikes != expected.spikes
        wrong_membrane = None if expected.membrane is None else did.membrane != expected.membrane
        if wrong.any() or (wrong_membrane is not None and wrong_membrane.any()):
            self._note(population, step, did, expected)
        elif not did.spikes.any():
            self.agreed.keep(population.name, did, expected)
        if step >= population.start:
            self._count(population, did)

    def _note(self, population: Population, step: int, did: Sent, expected: Expected) -> None:
        """Count what differs; keep the first difference."""
        assert expected.spikes is not None
        wrong = did.spikes != expected.spikes
        due = did.membrane if expected.membrane is None else expected.membrane
        self.tally.mismatches += int(np.count_nonzero(wrong | (did.membrane != due)))
        if self.tally.first is not None:
            return
        if wrong.any():
            self.tally.first = self._divergence(population, step, "spike", did.spikes, expected.spikes)
        else:
            self.tally.first = self._divergence(population, step, "membrane", did.membrane, due)

    def _count(self, population: Population, did: Sent) -> None:
        by_population = self.tally.by_population
        fired = did.spikes != 0
        count = int(np.count_nonzero(fired))
        by_population[population.name] = by_population.get(population.name, 0) + count
        if not count:
            return
        self.tally.spikes += count
        self.tally.synops += int(self.emulator.fan_out[population.name] @ np.count_nonzero(fired, axis=1))
        self.tally.payload_bits += count * population.payload_bits

    def _divergence(self, population: Population, step: int, what: str, found: Ints, expected: Ints) -> Divergence:
        neuron, stream = (int(i) for i in np.argwhere(found != expected)[0])
        return Divergence(
            step,
            self._sample(population, step, stream),
            population.name,
            neuron,
            what,
            int(expected[neuron, stream]),
            int(found[neuron, stream]),
            self.past.arrived(population, neuron, stream),
            population.loc,
        )

    def _sample(self, population: Population, step: int, stream: int) -> int:
        """Return the index of the sample in whose window a step of a stream lies; before the first, of the first."""
        interval = max(self.program.interval, 1)
        return self.offset + max(0, (step - population.start) // interval) * self.split[1] + stream
