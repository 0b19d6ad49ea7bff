"""The first place where two definitions of a program part."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc
from snncc.compiler.program import Population, Program
from snncc.compiler.trace import Sent
from snncc.runtime.matrix import synapses_onto

Ints = npt.NDArray[np.int64]
Arrived = tuple[tuple[str, int, int, int], ...]


@dataclass(frozen=True)
class Divergence:
    """The first place where a run leaves what it is compared with.

    Attributes:
        step: timestep, 0 the first.
        sample: index among the samples stepped.
        population: name; of the network's node where levels are compared.
        neuron: index in row-major order.
        what: ``spike``, ``membrane`` or ``level``, or a sentence where a state left its width or a run broke off.
        expected: value that was due.
        found: value that came.
        inputs: (source population, neuron, payload, weight) of what arrived at the neuron in that step.
        loc: where the population comes from in the user's model.
        core: the core the neuron lives on, where the slices of a placed program are compared; -1 on the host.
    """

    step: int
    sample: int
    population: str
    neuron: int
    what: str
    expected: int
    found: int
    inputs: Arrived
    loc: Loc
    core: int | None = None


class Past:
    """The spikes that may still be under way."""

    def __init__(self, program: Program) -> None:
        """Begin before step 0."""
        self.program = program
        delays = {p.name: 0 for p in program.populations}
        for c in program.connections:
            delays[c.source] = max(delays[c.source], c.delay)
        self._spikes: dict[str, deque[Ints]] = {
            name: deque(maxlen=delay + 1) for name, delay in delays.items() if delay
        }

    def add(self, sent: Mapping[str, Sent]) -> None:
        """Take note of a step."""
        for name, spikes in self._spikes.items():
            spikes.append(sent[name].spikes)

    def arrived(self, population: Population, neuron: int, stream: int) -> Arrived:
        """Return (source population, neuron, payload, weight) of what arrived at a neuron in the step noted last."""
        arrived = []
        for connection in self.program.connections:
            steps = self._spikes[connection.source]
            if connection.target != population.name or connection.delay >= len(steps):
                continue
            payloads = steps[-1 - connection.delay][:, stream]
            for source, weight in synapses_onto(connection, neuron).items():
                if payloads[source]:
                    arrived.append((connection.source, source, int(payloads[source]), weight))
        return tuple(arrived)
