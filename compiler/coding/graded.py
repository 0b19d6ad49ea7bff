"""Graded: one spike that carries the level. P = 1."""

from __future__ import annotations

from typing import ClassVar

from snncc.compiler.coding.base import Coding, Ints, Levels, PoolNeuron, packed, ports_per_tap, unpack
from snncc.compiler.neuron import parse_neuron


class Graded(Coding):
    """Payload clip(v // theta, lo, Q) in the first step of the window, no spike for level 0."""

    name: ClassVar[str] = "graded"
    kernel: ClassVar[str] = "add"
    graded: ClassVar[bool] = True

    def window(self, levels: Levels) -> int:
        """Return 1."""
        return 1

    def fire(self, levels: Levels, shifts: bool) -> str:
        """Return v // theta by shifting where theta is a power of two, else by long division."""
        quotient = "param shift\nq = shr v shift\n" if shifts else _long_division(levels)
        return quotient + f"q = clip q {levels.lo} {levels.hi}\nq = select first q 0\nemit q\n"

    def spike_at(self, q: Ints, step: int, levels: Levels) -> Ints:
        """Return q."""
        return q

    def membrane_at(self, charge: Ints, q: Ints, theta: Ints, step: int, levels: Levels) -> Ints:
        """Return the charge: sending does not change it."""
        return charge

    def decode(self, train: Ints, levels: Levels) -> Ints:
        """Return the sum over the window."""
        return train.sum(axis=0)

    def pool(self, levels: Levels, taps: int, bits: int) -> PoolNeuron:
        """Return the largest payload that arrives: from packed fields where they fit a state, else one port a tap."""
        packs = not levels.signed and taps * levels.bits < bits
        ports = packed(taps, levels.bits) if packs else ports_per_tap(taps)
        names = [f"m{i}" for i in range(taps)] if packs else [f"in.m{i}" for i in range(taps)]
        absent = [] if packs or not levels.signed else [f"absent{i}" for i in range(taps)]
        lines = [f"port {' '.join(ports)}", f"state v:{bits}", f"param {' '.join(absent)}" if absent else ""]
        lines += [unpack(taps, levels.bits) if packs else ""]
        for i, name in enumerate(absent):  # a tap outside the input must lose against negative levels
            lines += [f"m{i} = add in.m{i} {name}"]
            names[i] = f"m{i}"
        lines += [f"q = copy {names[0]}", *(f"q = max q {name}" for name in names[1:])]
        lines += ["first = eq phase 0", "q = select first q 0", "v = copy q", "emit q"]
        return PoolNeuron(parse_neuron("\n".join(lines)), ports)


def _long_division(levels: Levels) -> str:
    """Return the assembly of q = v // theta for v clipped to where q leaves lo..Q: one binary digit at a time."""
    digits = (levels.hi - levels.lo + 1).bit_length()
    lines = ["param theta cap floor", "low = add floor theta", "x = add v low", "high = add low cap"]
    lines += ["x = clip x 0 high", "q = copy 0"]
    for digit in reversed(range(digits)):
        lines += [f"w = shl theta {digit}", "s = ge x w", "drop = select s w 0", "x = sub x drop"]
        lines += ["q = shl q 1", "q = add q s"]
    return "\n".join([*lines, f"q = sub q {1 - levels.lo}"]) + "\n"
