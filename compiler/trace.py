"""What is fed to a program and what it does, step by step: the words in which executors and backends are compared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from snncc.compiler.program import Program, TensorInput

Ints = npt.NDArray[np.int64]
Event = tuple[int, int, int]  # step, neuron, payload
MOST_CHARGE = 1 << 31  # what arrives at a neuron from one input in a step is less, in magnitude


@dataclass(frozen=True)
class Sent:
    """What a population did in a step: payloads (0: no spike) and membranes, int64 [neurons, streams]."""

    spikes: Ints
    membrane: Ints


# A Trace gives for each step, in order, what every population did, by the population's name.
Trace = Iterator[Mapping[str, Sent]]


@dataclass(frozen=True, eq=False)
class Arrivals:
    """Charges that reach one input from outside: value[i] arrives at neuron[i] in step[i].

    Attributes:
        step: int64 [n], ascending.
        neuron: int64 [n], ascending within a step, none twice in a step.
        value: int64 [n], not 0.
    """

    step: Ints
    neuron: Ints
    value: Ints

    @classmethod
    def of(cls, events: Iterable[Event]) -> Arrivals:
        """Return the arrivals of events (step, neuron, payload) in any order; those that meet add up."""
        table = np.array([*events], dtype=np.int64).reshape(-1, 3)
        places, number = np.unique(table[:, :2], axis=0, return_inverse=True)
        value = np.zeros(len(places), dtype=np.int64)
        np.add.at(value, number.reshape(-1), table[:, 2])
        kept = value != 0
        return cls(places[kept, 0], places[kept, 1], value[kept])

    def until(self, steps: int) -> Arrivals:
        """Return what arrives before a step."""
        end = int(np.searchsorted(self.step, steps))
        return Arrivals(self.step[:end], self.neuron[:end], self.value[:end])

    def by_step(self, steps: int) -> Iterator[tuple[Ints, Ints]]:
        """Yield (neurons, values) of each of the first ``steps`` steps."""
        ends = np.searchsorted(self.step, np.arange(steps + 1))
        for begin, end in pairwise(ends):
            yield self.neuron[begin:end], self.value[begin:end]


@dataclass(frozen=True, eq=False)
class Feed:
    """Everything that reaches a program from outside during a run from step 0.

    Attributes:
        steps: how many steps to run.
        arrivals: by name of the program's input; inputs that are missing get nothing.
        levels: the samples the arrivals stand for, int64 [samples, neurons] by name of the tensor input; empty where
            the feed was not made of samples.
    """

    steps: int
    arrivals: Mapping[str, Arrivals]
    levels: Mapping[str, Ints] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse arrivals that would never come, or that no input takes."""
        for name, arriving in self.arrivals.items():
            if len(arriving.step) and not (arriving.step[0] >= 0 and arriving.step[-1] < self.steps):
                raise ValueError(f"arrivals of {name} lie outside the steps 0..{self.steps - 1}")
            if len(arriving.value) and np.abs(arriving.value).max() >= MOST_CHARGE:
                raise ValueError(f"arrivals of {name} add up to more than 32 bits at a neuron")

    def until(self, steps: int) -> Feed:
        """Return what is fed before a step."""
        kept = {name: a.until(steps) for name, a in self.arrivals.items()}
        return Feed(min(steps, self.steps), kept)


def feed_levels(program: Program, levels: Mapping[str, Ints]) -> Feed:
    """Return the feed of samples back to back, one every interval, that ends when the last output has been read.

    Args:
        program: a program with tensor inputs.
        levels: int64 [samples, ...] by name of the tensor input, each sample with one value a neuron.
    """
    flat = {name: np.asarray(a, dtype=np.int64).reshape(len(a), -1) for name, a in levels.items()}
    samples = len(next(iter(flat.values())))
    populations, arrivals = program.population, {}
    for tensor in (i for i in program.inputs if isinstance(i, TensorInput)):
        sample, neuron = np.nonzero(flat[tensor.name])
        step = populations[tensor.population].start + sample * program.interval
        arrivals[tensor.name] = Arrivals(step, neuron, flat[tensor.name][sample, neuron])
    return Feed(program.latency + (samples - 1) * program.interval + 1, arrivals, flat)
