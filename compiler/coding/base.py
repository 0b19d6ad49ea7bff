"""What a coding is: how levels become spikes, with one law.

    <g, E(q)> = q    for every level q in lo..Q

E(q) is the train a neuron sends in its window for level q, g the kernel the receiver applies to what arrives. Synapses
are linear, so a receiver that applies g accumulates exactly W q. Every coding here latches its charge when its input
window has closed, then fires, so no spike depends on a partial sum.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.neuron import NeuronProgram, parse_neuron

Ints = npt.NDArray[np.int64]

# Kernels: what a receiver does with arrivals in each step. One accumulator a kernel; the charge is their sum.
#   add     u += in              every step weighs the same
#   double  d = 2 d + in         most significant bit first
#   ramp    c += in; r += c      an arrival counts once for every step that is left in the window
KERNELS = {
    "add": ("u", "u:{bits}", "u = add u in.add"),
    "double": ("d", "d:{bits}", "d = shl d 1\nd = add d in.double"),
    "ramp": ("r", "c:{bits} r:{bits}", "c = add c in.ramp\nr = add r c"),
}


@dataclass(frozen=True, slots=True)
class Levels:
    """The level domain of a population: integers lo..hi, lo <= 0 < hi."""

    lo: int
    hi: int

    @property
    def signed(self) -> bool:
        """Return whether there are negative levels."""
        return self.lo < 0

    @property
    def magnitude(self) -> int:
        """Return the largest absolute level."""
        return max(self.hi, -self.lo)

    @property
    def bits(self) -> int:
        """Return ceil(log2(magnitude + 1)), the binary digits of the largest absolute level."""
        return self.magnitude.bit_length()


@dataclass(frozen=True)
class PoolNeuron:
    """A max-pool in a coding: the neuron program, and for each in-port the weight of each tap (0: not connected)."""

    neuron: NeuronProgram
    taps: dict[str, tuple[int, ...]]


class Coding(ABC):
    """A spike code; a subclass in its own file is all that a new one needs.

    Attributes:
        name: what users call it.
        kernel: key of KERNELS, what receivers of this code do.
        signed: whether negative levels can be sent.
        graded: whether spikes carry payloads other than 1 and -1.
        unary: whether the window grows with the level, not with its digits.
    """

    name: ClassVar[str]
    kernel: ClassVar[str]
    signed: ClassVar[bool] = True
    graded: ClassVar[bool] = False
    unary: ClassVar[bool] = False

    @abstractmethod
    def window(self, levels: Levels) -> int:
        """Return P, the steps of a window."""

    @abstractmethod
    def fire(self, levels: Levels, shifts: bool) -> str:
        """Return the assembly that sends the level of the latched charge v; see ``firing_neuron``.

        ``first`` holds whether this is the first step of the window. The assembly may declare states, and the
        parameters of ``parameters``. ``shifts`` tells that every theta is a power of two.
        """

    @abstractmethod
    def spike_at(self, q: Ints, step: int, levels: Levels) -> Ints:
        """Return E(q) at a step 0..P-1 of the window: payloads of the shape of q."""

    @abstractmethod
    def membrane_at(self, charge: Ints, q: Ints, theta: Ints, step: int, levels: Levels) -> Ints:
        """Return the membrane after a step 0..P-1 of the window.

        Args:
            charge: v as latched, u + b + theta // 2.
            q: levels that follow from it.
            theta: thresholds, broadcast to q.
            step: step of the window.
            levels: the level domain.
        """

    @abstractmethod
    def decode(self, train: Ints, levels: Levels) -> Ints:
        """Return <g, train>: levels, from spikes of shape [P, ...]."""

    @abstractmethod
    def pool(self, levels: Levels, taps: int, bits: int) -> PoolNeuron:
        """Return the neuron that sends the largest of ``taps`` levels, with states of ``bits`` bits."""

    def payload_bits(self, levels: Levels) -> int:
        """Return the width of a spike's payload, sign included where there is one."""
        return (levels.bits if self.graded else 1) + levels.signed


def firing_neuron(
    coding: Coding, levels: Levels, kernels: Iterable[str], bits: int, shifts: bool = True
) -> NeuronProgram:
    """Return the neuron that accumulates over the given kernels, latches v = u + offset, then fires in its coding.

    Args:
        coding: how the level is sent.
        levels: the level domain.
        kernels: kernels among the in-edges, keys of KERNELS.
        bits: width of a state.
        shifts: whether every theta is a power of two.
    """
    return parse_neuron(_receive(kernels, bits) + coding.fire(levels, shifts))


def ladder_neuron(
    coding: Coding, levels: Levels, kernels: Iterable[str], bits: int, first: int, steps: Sequence[int | None]
) -> NeuronProgram:
    """Return the neuron that latches the level its charge reaches on a ladder, then fires as if theta were 1.

    Args:
        coding: how the level is sent.
        levels: the level domain.
        kernels: kernels among the in-edges, keys of KERNELS.
        bits: width of a state.
        first: level below every threshold.
        steps: for each threshold 1, a step up, or -1, a step down; None where neurons differ (parameter d0, d1, ...).
    """
    lines = [f"param {' '.join(f't{j}' for j in range(len(steps)))}", f"q = copy {first}"]
    for j, step in enumerate(steps):
        lines.append(f"reached = ge x t{j}")
        lines += [f"param d{j}", f"reached = mul reached d{j}"] if step is None else []
        lines.append(f"q = {'sub' if step == -1 else 'add'} q reached")
    climb = "\n".join(lines)
    return parse_neuron(_receive(kernels, bits, climb, "q") + coding.fire(levels, shifts=True))


def parameters(bias: Ints, theta: Ints, levels: Levels) -> dict[str, Ints]:
    """Return every parameter a firing neuron may declare, from the integer neuron it stands for.

    ``offset`` = b + theta // 2 (rounding half up), ``cap`` = theta Q, ``floor`` = theta |lo|, ``shift`` = log2 theta
    (of use only where theta is a power of two).
    """
    shift = np.array([int(t).bit_length() - 1 for t in theta.ravel()], dtype=np.int64).reshape(theta.shape)
    return {
        "offset": bias + theta // 2,
        "theta": theta,
        "shift": shift,
        "cap": theta * levels.hi,
        "floor": theta * -levels.lo,
    }


def reading_neuron(kernels: Iterable[str], bits: int) -> NeuronProgram:
    """Return the neuron that accumulates and latches v = u + offset for the host to read; it sends nothing."""
    return parse_neuron(_receive(kernels, bits))


def _receive(kernels: Iterable[str], bits: int, climb: str = "", latched: str = "x") -> str:
    """Return the assembly that integrates arrivals and, when the input window has closed, latches v and clears.

    ``climb`` computes what is ``latched`` from the charge x.
    """
    used = [name for name in KERNELS if name in set(kernels)]
    registers = [KERNELS[name][0] for name in used]
    states = " ".join(KERNELS[name][1].format(bits=bits) for name in used)
    lines = [f"port {' '.join(used)}", "param offset", f"state v:{bits} {states}", "membrane v"]
    lines += [KERNELS[name][2] for name in used]
    total = f"x = add offset {registers[0]}" if registers else "x = copy offset"  # whose inputs are all silent
    lines += ["first = eq phase 0", total, *(f"x = add x {register}" for register in registers[1:])]
    lines += [climb] if climb else []
    lines += [f"v = select first {latched} v"]
    cleared = [*registers, *(["c"] if "ramp" in used else [])]
    lines += [f"{register} = select first 0 {register}" for register in cleared]
    return "\n".join(lines) + "\n"


def ports_per_tap(taps: int) -> dict[str, tuple[int, ...]]:
    """Return one in-port for each tap: m0 hears tap 0 with weight 1, and so on."""
    return {f"m{i}": tuple(int(i == j) for j in range(taps)) for i in range(taps)}


def packed(taps: int, width: int) -> dict[str, tuple[int, ...]]:
    """Return one in-port on which tap i takes the field of ``width`` bits from bit i * width."""
    return {"add": tuple(1 << (i * width) for i in range(taps))}


def unpack(taps: int, width: int) -> str:
    """Return the assembly that splits the packed arrivals ``in.add`` into temporaries m0, m1, ..."""
    lines = ["rest = copy in.add"]
    for i in range(taps):
        lines += [f"high = shr rest {width}", f"low = shl high {width}", f"m{i} = sub rest low", "rest = copy high"]
    return "\n".join(lines) + "\n"


def train(coding: Coding, q: Any, levels: Levels) -> Ints:
    """Return E(q): payloads of shape [P, *q.shape]."""
    q = np.asarray(q, dtype=np.int64)
    return np.stack([coding.spike_at(q, step, levels) for step in range(coding.window(levels))])


def spikes_by_level(coding: Coding, levels: Levels) -> Ints:
    """Return how many spikes each level lo..hi is sent with, int64 [levels]."""
    return np.count_nonzero(train(coding, np.arange(levels.lo, levels.hi + 1), levels), axis=0)
