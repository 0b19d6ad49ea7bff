"""NeuroBench's metrics, by its definitions, of a program and the spikes it sends.

Yik et al., "The neurobench framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications (2025), arXiv 2304.04640, and the documentation of neurobench 2.3:

    footprint             bytes that represent the model: parameters as they are quantized, zeros included, and buffers
    connection sparsity   zero weights / weights; a kernel's weights count once
    activation sparsity   activations that are 0 / activations, over all neurons, steps and samples
    synaptic operations   an activation that is not 0 meets a weight that is not 0: an effective MAC where a layer's
                          input in that step holds anything but -1, 0 and 1, else an effective AC; dense: all weights
                          and activations, zeros included, padding not; a sample's, all steps together

Biases are no synaptic operations. Pooling is in none of these metrics there; a program pools by synapses, so those are
counted apart. Layers that have activations are the populations that send, but for inputs, which hold the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.program import Population, Program
from snncc.runtime.cost.frames import layers_of
from snncc.runtime.cost.reach import Reach

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SynapticOperations:
    """Of an inference: effective MACs, effective ACs, and dense operations, means over samples."""

    effective_macs: float
    effective_acs: float
    dense: float


@dataclass(frozen=True)
class NeuroBench:
    """NeuroBench's metrics of a program.

    Attributes:
        footprint_bytes: weights, parameters, states and payloads under way, see ``footprint_parts``.
        footprint_parts: bytes by what they hold.
        connection_sparsity: share of stored weights that are 0, without those of pools.
        activation_sparsity: share of activations that are 0; None where nothing but inputs sends.
        synaptic_operations: without those of pools.
        pooling: those of pools.
    """

    footprint_bytes: int
    footprint_parts: Mapping[str, int]
    connection_sparsity: float | None
    activation_sparsity: float | None
    synaptic_operations: SynapticOperations
    pooling: SynapticOperations


class Workload:
    """Counts synaptic operations and activations, step after step.

    Attributes:
        macs: effective MACs so far, by connection.
        acs: effective ACs so far, by connection.
        fired: activations other than 0 so far, by population.
    """

    def __init__(self, reaches: Sequence[Reach]) -> None:
        """Begin with nothing."""
        self.reaches = reaches
        self.macs = {reach.connection.name: 0 for reach in reaches}
        self.acs = dict(self.macs)
        self.fired: dict[str, int] = {}

    def add(self, sent: Mapping[str, Ints]) -> None:
        """Add what populations sent in one step."""
        for name, payloads in sent.items():
            self.fired[name] = self.fired.get(name, 0) + int(np.count_nonzero(payloads))
        for reach in self.reaches:
            if reach.connection.source in sent:
                self._operate(reach, sent[reach.connection.source][reach.neuron])

    def _operate(self, reach: Reach, payloads: Ints) -> None:
        operations = int(reach.nonzero[payloads != 0].sum())
        if operations:
            counts = self.acs if (np.abs(payloads) <= 1).all() else self.macs
            counts[reach.connection.name] += operations

    def metrics(self, program: Program, samples: int) -> NeuroBench:
        """Return the metrics of what was added: samples back to back, all their steps."""
        pools = layers_of(program, "pool")
        layers = [reach for reach in self.reaches if reach.connection.target not in pools]
        pooling = [reach for reach in self.reaches if reach.connection.target in pools]
        parts = footprint(program)
        return NeuroBench(
            sum(parts.values()),
            parts,
            _sparsity(layers),
            self._silence(program, samples),
            self._operations(layers, samples, program.interval),
            self._operations(pooling, samples, program.interval),
        )

    def _operations(self, reaches: Sequence[Reach], samples: int, interval: int) -> SynapticOperations:
        names = [reach.connection.name for reach in reaches]
        macs, acs = (sum(counts[name] for name in names) / samples for counts in (self.macs, self.acs))
        return SynapticOperations(macs, acs, float(interval * sum(reach.dense for reach in reaches)))

    def _silence(self, program: Program, samples: int) -> float | None:
        names = activation_layers(program)
        sizes = sum(p.size for p in program.populations if p.name in names)
        total = sizes * samples * program.interval
        return 1 - sum(self.fired.get(name, 0) for name in names) / total if total else None


def activation_layers(program: Program) -> tuple[str, ...]:
    """Return the populations that send, but for inputs."""
    inputs = {i.population for i in program.inputs}
    sends = {c.source for c in program.connections}
    return tuple(p.name for p in program.populations if p.name in sends and p.name not in inputs)


def footprint(program: Program) -> dict[str, int]:
    """Return the bytes that represent a program, by what they hold.

    ``weights``: each as wide as the widest of its connection, sign included. ``indices``: of synapses listed one by
    one, and of gathers. ``parameters``: of neurons, as wide as they need be, shared ones once. ``states``: registers
    of every neuron. ``delays``: payloads that wait, one a source neuron and step of delay beyond the first.
    """
    populations = program.population
    bits = dict.fromkeys(("weights", "indices", "parameters", "states", "delays"), 0)
    for connection in program.connections:
        source, synapses = populations[connection.source], connection.synapses
        bits["weights"] += synapses.weight.size * _width(synapses.weight)
        listed = [getattr(synapses, name, None) for name in ("source", "target")]
        bits["indices"] += sum(a.size * _width(a) for a in (*listed, connection.gather) if a is not None)
        bits["delays"] += (connection.delay - 1) * source.size * source.payload_bits
    for population in program.populations:
        bits["parameters"] += sum(array.size * _width(array) for array in population.params.values())
        bits["states"] += population.size * _state_bits(population)
    return {name: -(-count // 8) for name, count in bits.items()}


def _state_bits(population: Population) -> int:
    return sum(state.bits for state in population.neuron.states)


def _width(values: Ints) -> int:
    """Return the bits of the widest value, sign included."""
    least, most = int(values.min(initial=0)), int(values.max(initial=0))
    return max(most.bit_length(), (-least - 1).bit_length() if least < 0 else 0) + 1


def _sparsity(reaches: Sequence[Reach]) -> float | None:
    weights = [reach.connection.synapses.weight for reach in reaches]
    total = sum(array.size for array in weights)
    return sum(int((array == 0).sum()) for array in weights) / total if total else None
