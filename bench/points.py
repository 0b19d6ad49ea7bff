"""One way of running a network on spiking hardware as a point: accuracy against what it costs; our programs' points.

A point dominates another if it is at least as good in all four accounts - accuracy, end-to-end steps on 1-step axons,
initiation interval, synaptic events - and better in one. It matches another if it would dominate it but for a loss of
accuracy that may be chance: the 95% interval of the paired difference holds 0 (``bench.paired``).

Our steps run from the first input spike to the read of the outputs (``Program.latency``); synaptic events are nonzero
weights met by spikes, input spikes included, counted on the reference emulator, which steps every neuron.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

import snncc
from bench.accuracy import integer_classes
from bench.paired import Hits, estimate, losses
from bench.subjects import Subject
from snncc.compiler.coding import CODINGS
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.passes.base import run_passes
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.quantize.fold_sums import FoldSums
from snncc.compiler.targets import load_target
from snncc.runtime.emulator import Emulator, run_levels
from snncc.runtime.run import to_levels

OURS: Mapping[str, Sequence[int]] = {  # bits of the levels; coding by coding
    "graded": (1, 2, 3, 4, 5, 8),
    "bitplane": (1, 2, 3, 4, 5),
    "rate": (1, 2, 3, 4, 5),
    "ttfs": (1, 2, 3, 4, 5),
}
TARGET = "loihi2"
DEPTH = 5  # samples fed to a stream back to back


@dataclass(frozen=True)
class Point:
    """One network run in one way.

    Attributes:
        network: its name.
        tool: ``snncc`` or ``SpikingJelly``.
        how: what tells it from the tool's other points.
        steps: end-to-end steps on 1-step axons.
        interval: steps between samples.
        events: mean synaptic events an inference.
        input_events: those among them that the input causes.
        one_bit: whether all spikes but the input's are plain, or carry a sign at most.
        right: bool [samples], whether each test sample is classified as labelled.
    """

    network: str
    tool: str
    how: str
    steps: int
    interval: int
    events: float
    input_events: float
    one_bit: bool
    right: Hits = field(repr=False)

    @property
    def accuracy(self) -> float:
        """Return the share of the test samples classified as labelled, 0..1."""
        return float(self.right.mean())

    @property
    def costs(self) -> tuple[float, ...]:
        """Return all four accounts, less is better."""
        return -self.accuracy, self.steps, self.interval, self.events


def dominates(one: Point, other: Point) -> bool:
    """Return whether a point is at least as good in every account, and better in one."""
    pairs = list(zip(one.costs, other.costs, strict=True))
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


def matches(one: Point, other: Point) -> bool:
    """Return whether a point dominates another but for a loss of accuracy whose 95% interval holds 0."""
    cheaper = dominates(replace(one, right=other.right), other)
    return cheaper and estimate(losses("", other.right, one.right)).low <= 0


def our_points(subject: Subject, counted: int, ours: Mapping[str, Sequence[int]] = OURS) -> Iterator[Point]:
    """Yield our points of a network; it is quantized once for each number of bits.

    Args:
        subject: network and data.
        counted: synaptic events are counted on the first so many test samples, a multiple of DEPTH.
        ours: bits by coding.
    """
    graph = snncc.import_model(subject.model)
    for bits in sorted({n for several in ours.values() for n in several}):
        program = snncc.compile(graph, subject.calibration, target=TARGET, bits=bits)
        right = integer_classes(program, subject.x) == subject.y
        for coding in (name for name, several in ours.items() if bits in several):
            coded = recoded(program, coding)
            how = f"{coding}, {bits} bits" if bits > 1 else f"{coding}, 1 bit"
            events, plain = synaptic_events(coded, subject.x[:counted]), not CODINGS[coding].graded
            yield Point(subject.name, "snncc", how, coded.latency, coded.interval, *events, plain, right)


def recoded(program: Program, coding: str) -> Program:
    """Return the program of the same integer network in another coding throughout; weights have 8 bits."""
    assert program.origin is not None
    target, network = load_target(TARGET), program.origin.network
    choice = choose(coding, target)
    return lower(run_passes(network, [FoldSums(unary=choice.unary(network))]), choice, target)


def synaptic_events(program: Program, x: npt.NDArray[np.float32]) -> tuple[float, float]:
    """Return the mean synaptic events an inference, and those of the input among them.

    Idle windows before the first and after the last sample are left out.

    Args:
        program: a program with one tensor input.
        x: float inputs [samples, *shape], a multiple of DEPTH of them.
    """
    tensor = program.inputs[0]
    assert isinstance(tensor, TensorInput)
    levels = to_levels(tensor, x).reshape(DEPTH, len(x) // DEPTH, -1)
    emulator, populations, counts = Emulator(program, len(x) // DEPTH), program.population, Counter[str]()
    for step, sent in enumerate(run_levels(emulator, {tensor.name: levels}, DEPTH)):
        for name, did in sent.items():
            if 0 <= step - populations[name].start < DEPTH * program.interval:
                counts[name] += int(emulator.fan_out[name] @ np.count_nonzero(did.spikes, axis=1))
    return counts.total() / len(x), counts[tensor.population] / len(x)
