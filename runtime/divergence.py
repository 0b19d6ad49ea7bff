"""The first place where two definitions of a program part."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from snncc.compiler.diagnostics import Loc
from snncc.compiler.program import Population, Program
from snncc.compiler.trace import Sent
from snncc.runtime.matrix import synapse_matrix

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


class Past:
    """The steps whose spikes may still be under way."""

    def __init__(self, program: Program) -> None:
        """Begin before step 0."""
        self.program = program
        longest = max((c.delay for c in program.connections), default=1)
        self._steps: deque[Mapping[str, Sent]] = deque(maxlen=longest + 1)

    def add(self, sent: Mapping[str, Sent]) -> None:
        """Take note of a step."""
        self._steps.append(sent)

    def arrived(self, population: Population, neuron: int, stream: int) -> Arrived:
        """Return (source population, neuron, payload, weight) of what arrived at a neuron in the step noted last."""
        arrived = []
        sizes = {p.name: p.size for p in self.program.populations}
        for connection in self.program.connections:
            if connection.target != population.name or connection.delay >= len(self._steps):
                continue
            row = synapse_matrix(connection, sizes[connection.source], population.size).getrow(neuron)
            payloads = self._steps[-1 - connection.delay][connection.source].spikes[:, stream]
            for source, weight in zip(row.indices, row.data, strict=True):
                if payloads[source]:
                    arrived.append((connection.source, int(source), int(payloads[source]), int(weight)))
        return tuple(arrived)
