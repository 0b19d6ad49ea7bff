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
from snncc.runtime.divergence import Divergence, Past
from snncc.runtime.emulator import Emulator, StateOverflow, run_levels
from snncc.runtime.expected import Expectation
from snncc.runtime.reference import execute, samples_at_once

Ints = npt.NDArray[np.int64]
BACK_TO_BACK = 20  # samples fed to a stream one after the other, state carried
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
        samples, streams = _shape_of_chunk(network, total - done)
        size = samples * streams
        part = {name: array[done : done + size] for name, array in levels.items()}
        values = execute(network, part)
        _Chunk(program, network, values, (samples, streams), done, tally).run()
        for name, found in outputs.items():
            found.append(values[name])
        done += size
        progress(size)
    tally.samples += total
    return {name: np.concatenate(found) for name, found in outputs.items()}


def _shape_of_chunk(network: Graph, left: int) -> tuple[int, int]:
    """Return (samples back to back, streams) of the next chunk: deep first, then wide, within memory."""
    samples = min(left, BACK_TO_BACK)
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
        if expected.spikes is None:
            return
        wrong = did.spikes != expected.spikes
        wrong_membrane = np.zeros_like(wrong)
        if expected.membrane is not None:
            wrong_membrane = did.membrane != expected.membrane
        count = int(np.count_nonzero(wrong | wrong_membrane))
        self.tally.mismatches += count
        if count and self.tally.first is None:
            seen = ("spike", did.spikes, expected.spikes)
            if not wrong.any():
                seen = ("membrane", did.membrane, expected.membrane)  # type: ignore[assignment]
            self.tally.first = self._divergence(population, step, *seen)
        if step >= population.start:
            self._count(population, did)

    def _count(self, population: Population, did: Sent) -> None:
        fired = np.count_nonzero(did.spikes, axis=1)
        spikes = int(fired.sum())
        self.tally.spikes += spikes
        self.tally.synops += int(fired @ self.emulator.fan_out[population.name])
        self.tally.payload_bits += spikes * population.payload_bits
        by_population = self.tally.by_population
        by_population[population.name] = by_population.get(population.name, 0) + spikes

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
