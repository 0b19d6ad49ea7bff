"""What every population must do in every step, told from the integer network alone, in closed form.

Trains and membranes follow from levels and charges by each coding's own formulas (``spike_at``, ``membrane_at``); the
emulator never sees them. That the two agree is what verification measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import CODINGS, Coding, Levels
from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir.graph import Graph
from snncc.compiler.program import Claim, Population, Program

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Expected:
    """What a population does in a step, int64 [neurons, streams]; None where nothing is claimed."""

    spikes: Ints | None
    membrane: Ints | None


NOTHING = Expected(None, None)


class Expectation:
    """The closed form of a program's traces on samples fed back to back."""

    def __init__(
        self, program: Program, network: Graph, values: Mapping[str, Ints], samples: int, streams: int
    ) -> None:
        """Arrange the integer network's values by sample and stream.

        Args:
            program: the spiking program.
            network: the integer network it was lowered from.
            values: what the integer executor gave, integers [samples * streams, *shape], sample by sample.
            samples: samples in each stream.
            streams: streams.
        """
        self.program, self.samples = program, samples
        claims = [(p, p.claim) for p in program.populations if p.claim]
        self.watched = {p.name: _Watched(p, claim, network, values, streams) for p, claim in claims}

    def at(self, population: Population, step: int) -> Expected:
        """Return what a population must do in a step; NOTHING after its last sample."""
        watched = self.watched.get(population.name)
        if watched is None:
            return NOTHING
        if step < population.start:
            return watched.silence
        sample, phase = divmod(step - population.start, self.program.interval)
        return watched.at(sample, phase) if sample < self.samples else NOTHING


class _Watched:
    """A population with its levels and charges, and those of the sample asked for last, int64 [neurons, streams]."""

    def __init__(
        self, population: Population, claim: Claim, network: Graph, values: Mapping[str, Ints], streams: int
    ) -> None:
        self.population, self.claim, self.streams = population, claim, streams
        self.levels = Levels(claim.lo, claim.hi)
        self.q = values[claim.node]
        self.charge = values[f"{claim.node}.charge"] if claim.kind == "fire" else self.q
        self.theta = _theta(network, claim)
        zero = np.zeros((population.size, streams), dtype=np.int64)
        self.silence = Expected(zero, None if claim.kind == "pool" else zero)
        self._sample, self._q, self._charge = -1, zero, zero
        self._at_end = NOTHING  # of this sample, once its window has closed

    def _turn(self, sample: int) -> None:
        if sample != self._sample:
            self._sample, self._q = sample, self._of(self.q, sample)
            self._charge = self._q if self.charge is self.q else self._of(self.charge, sample)
            closed = 0 if self.claim.kind == "read" else self.population.window
            self._at_end = self._compute(closed)

    def _of(self, values: Ints, sample: int) -> Ints:
        """Return the values of a sample in every stream."""
        part = values[sample * self.streams : (sample + 1) * self.streams].reshape(self.streams, -1)
        return np.ascontiguousarray(part.T, dtype=np.int64)

    def at(self, sample: int, phase: int) -> Expected:
        """Return spikes and membrane, int64 [neurons, streams], of a sample at a phase 0..interval-1.

        Once the window has closed, nothing changes any more: then the same object every time.
        """
        self._turn(sample)
        ended = self.claim.kind == "read" or phase >= self.population.window
        return self._at_end if ended else self._compute(phase)

    def _compute(self, phase: int) -> Expected:
        q, charge, zero = self._q, self._charge, self.silence.spikes
        if self.claim.kind == "read":
            return Expected(zero, charge)
        coding = _coding(self.claim)
        step = min(phase, self.population.window - 1)
        spikes = coding.spike_at(q, phase, self.levels) if phase < self.population.window else zero
        if self.claim.kind == "pool":
            return Expected(spikes, None)
        return Expected(spikes, coding.membrane_at(charge, q, self.theta, step, self.levels))


def _theta(network: Graph, claim: Claim) -> Ints:
    """Return the thresholds of a population, int64 [neurons, 1]; [1, 1] and 1 where its membrane begins as the level.

    Inputs and relays have levels for charges; a ladder keeps the level in its membrane once it has counted thresholds.
    """
    if claim.kind != "fire":
        return np.ones((1, 1), dtype=np.int64)
    node = network.node[claim.node]
    theta = network.constants[node.inputs[-1]]
    if theta.shape != node.type.shape:
        theta = theta.reshape(-1, *(1,) * (len(node.type.shape) - 1))
    return np.broadcast_to(theta, node.type.shape).reshape(-1, 1)


def _coding(claim: Claim) -> Coding:
    if claim.coding not in CODINGS:
        raise InternalError(f"unknown coding '{claim.coding}'")
    return CODINGS[claim.coding]
