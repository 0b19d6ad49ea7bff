"""The spiking program: populations of neurons, connections between them, a schedule. Integers only.

In timestep t every population (1) receives what arrives now, (2) runs its neuron program once, (3) sends its spikes,
which arrive at t + delay (delay >= 1) multiplied by their synapses' weights. Tensor inputs are injected by the host:
sample k of an input arrives at its population's port in step start + k * interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from fractions import Fraction
from math import prod
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.equality import ByValue
from snncc.compiler.ir.graph import Array, Graph
from snncc.compiler.ir.ops import window_sizes
from snncc.compiler.neuron import NeuronProgram
from snncc.compiler.placement.slices import Slice

if TYPE_CHECKING:
    import os

VERSION = 3  # 3: programs may be placed
READS = (2, 3)
SILENCE = -1  # in a gather: an input of the synapses that nobody feeds


class _Frozen(ByValue):
    """Base of what holds arrays: they are read-only, and compared by value."""

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if isinstance(value, np.ndarray):
                object.__setattr__(self, entry.name, _read_only(value))


def _read_only(array: Array) -> Array:
    """Return a read-only view, integers as int64; what is no integer stays, for ``check_program`` to report."""
    view: Array = np.asarray(array).view()
    if view.dtype != np.int64 and np.can_cast(view.dtype, np.int64):
        view = view.astype(np.int64)
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Claim:
    """What the compiler claims of a population: in window k it sends the level of a graph node for sample k.

    Attributes:
        node: node of the quantized graph.
        kind: ``fire``: the node's own neurons; ``ladder``: the same of a ladder, whose membrane begins as the level;
            ``pool``: a max-pool; ``copy``: an input or a relay, whose charge is the level itself; ``read``: a
            readout, whose membrane is the node's charge.
        coding: the code, a key of ``coding.CODINGS``; empty for a readout.
        lo: least level.
        hi: greatest level (Q).
    """

    node: str
    kind: str
    coding: str = ""
    lo: int = 0
    hi: int = 0


@dataclass(frozen=True, eq=False)
class Population(_Frozen):
    """Neurons that run one program.

    Attributes:
        name: unique in the program.
        shape: sizes, channels first; neuron i is element i in row-major order.
        neuron: the program each neuron runs.
        params: int64 arrays that broadcast to ``shape``, one for each parameter of the neuron program.
        start: first step of the first window.
        window: steps of a window in which the population may fire.
        payload_bits: width of a spike's payload; 1 where a spike is all there is.
        signed: whether payloads may be negative.
        claim: what the spikes mean, None for populations that were not compiled from a graph.
        loc: where it comes from in the user's model.
    """

    name: str
    shape: tuple[int, ...]
    neuron: NeuronProgram
    params: Mapping[str, Array]
    start: int = 0
    window: int = 1
    payload_bits: int = 1
    signed: bool = False
    claim: Claim | None = None
    loc: Loc = field(default=Loc(), compare=False)

    def __post_init__(self) -> None:
        """Make the parameters read-only."""
        params = {name: _read_only(value) for name, value in self.params.items()}
        object.__setattr__(self, "params", MappingProxyType(params))

    @property
    def size(self) -> int:
        """Return the number of neurons."""
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class DenseSynapses(_Frozen):
    """weight[target, source], int64."""

    weight: Array


@dataclass(frozen=True, eq=False)
class ConvSynapses(_Frozen):
    """weight[out, in / groups, *kernel], int64, shared over positions; the geometry is that of the conv op."""

    weight: Array
    in_shape: tuple[int, ...]
    strides: tuple[int, ...]
    pads: tuple[int, ...]
    dilations: tuple[int, ...]
    groups: int = 1

    @property
    def out_shape(self) -> tuple[int, ...]:
        """Return [out, *spatial]."""
        kernel = self.weight.shape[2:]
        return (self.weight.shape[0], *window_sizes(self.in_shape[1:], kernel, self.strides, self.pads, self.dilations))


@dataclass(frozen=True, eq=False)
class SparseSynapses(_Frozen):
    """One synapse an entry: from source[i] to target[i] with weight[i], int64 each."""

    source: Array
    target: Array
    weight: Array


Synapses = DenseSynapses | ConvSynapses | SparseSynapses


@dataclass(frozen=True, eq=False)
class Connection(_Frozen):
    """Synapses from one population to an in-port of another.

    Attributes:
        name: unique in the program.
        source: sending population.
        target: receiving population; may be the source (recurrent).
        port: in-port of the target's neuron program.
        synapses: the weights.
        delay: steps from sending to arriving, at least 1.
        gather: int64 [inputs of the synapses]: element i of the synapses' input is neuron gather[i] of the source, or
            silence, always 0, where gather[i] is -1; None where they are the same. Carries views such as transposes,
            zeros that stand between and around, and the parts of a concatenation.
        loc: where it comes from in the user's model.
    """

    name: str
    source: str
    target: str
    port: str
    synapses: Synapses
    delay: int = 1
    gather: Array | None = None
    loc: Loc = field(default=Loc(), compare=False)


@dataclass(frozen=True, slots=True)
class TensorInput:
    """A tensor fed by the host as levels q = clip(floor(x / scale + 1/2), lo, hi), injected at the window's start.

    With rounding ``half_even``, x / scale is computed in float32 and rounded to the nearest, ties to even numbers.
    """

    name: str
    population: str
    port: str
    shape: tuple[int, ...]
    lo: int
    hi: int
    scale: Fraction
    rounding: str = ""


@dataclass(frozen=True, slots=True)
class EventInput:
    """A stream of events (step, neuron address, payload) into a port of a population."""

    name: str
    population: str
    port: str


@dataclass(frozen=True, eq=False)
class Output(_Frozen):
    """What the host reads: the membranes of a population at the first step of each of its windows, times scale.

    Attributes:
        name: unique in the program.
        population: whose membranes are read.
        scale: real value of 1.
        shape: sizes of the output; empty where they are the population's own.
        gather: int64 [elements]: element i of the output is neuron gather[i]; None where they are the same.
    """

    name: str
    population: str
    scale: Fraction
    shape: tuple[int, ...] = ()
    gather: Array | None = None


@dataclass(frozen=True)
class Origin:
    """What the program was compiled from; kept for verification only, never needed to run it.

    Attributes:
        network: the quantized graph that the program reproduces.
        model: the float network in ONNX, canonical, value names equal to node names.
        notes: what the compiler reported (repairs, dominated choices).
        settings: the options of the compilation.
        certificate: why the program reproduces the network on every input, see docs/certificate.md; None for programs
            that no compile has made.
    """

    network: Graph
    model: bytes
    notes: tuple[Diagnostic, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    certificate: Mapping[str, Any] | None = None


@dataclass(frozen=True, eq=False)
class Program(ByValue):
    """A spiking program.

    Attributes:
        name: identifier.
        target: name of the chip it was compiled for.
        interval: initiation interval, in steps: a new sample may start every so many steps; 0 for free-running.
        populations: in data-flow order.
        connections: in data-flow order.
        inputs: tensors and event streams.
        outputs: what the host reads.
        origin: what it was compiled from, None for programs made by hand.
        board: name of the target that the program is placed on; empty where it is not placed.
        slices: which core each part of a population lives on, in the order of the populations; those of a population
            cover it, each neuron once.
    """

    name: str
    target: str
    interval: int
    populations: tuple[Population, ...]
    connections: tuple[Connection, ...]
    inputs: tuple[TensorInput | EventInput, ...] = ()
    outputs: tuple[Output, ...] = ()
    origin: Origin | None = None
    board: str = ""
    slices: tuple[Slice, ...] = ()

    def __str__(self) -> str:
        """Return the text form."""
        from snncc.compiler.program_text import print_program

        return print_program(self)

    @property
    def population(self) -> dict[str, Population]:
        """Return the populations by name."""
        return {p.name: p for p in self.populations}

    @property
    def latency(self) -> int:
        """Return the steps from the first input spike (step 0) to the last output's first read."""
        populations = self.population
        return max((populations[o.population].start for o in self.outputs), default=0)

    @property
    def max_window(self) -> int:
        """Return the longest window of any population, in steps."""
        return max((p.window for p in self.populations), default=0)

    def output_shape(self, output: Output) -> tuple[int, ...]:
        """Return the sizes of what one sample gives at an output."""
        return output.shape or self.population[output.population].shape

    def shown(self, output: Output, membranes: Array) -> Array:
        """Return what the host reads at an output, [samples, *shape], of membranes [samples, neurons]."""
        seen = membranes if output.gather is None else membranes[:, output.gather]
        return seen.reshape(len(seen), *self.output_shape(output))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program as a .snnp file.

        Raises:
            SnnccError: SNN301, the file cannot be written.
        """
        from snncc.compiler.container import save_program

        save_program(self, path)

    def without_origin(self) -> Program:
        """Return the program alone."""
        return replace(self, origin=None)
