"""Bit-plane: the binary digits of the level, most significant first. P = ceil(log2(Q + 1))."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from snncc.compiler.coding.base import Coding, Ints, Levels, PoolNeuron, packed, ports_per_tap, unpack
from snncc.compiler.neuron import parse_neuron


class Bitplane(Coding):
    """Successive approximation: in step t a spike if v >= theta 2^(n-1-t), which v then loses.

    Signed: the magnitude m = v if v >= 0 else theta - 1 - v is sent, each spike with the sign.
    """

    name: ClassVar[str] = "bitplane"
    kernel: ClassVar[str] = "double"

    def window(self, levels: Levels) -> int:
        """Return the number of binary digits."""
        return levels.bits

    def fire(self, levels: Levels, shifts: bool) -> str:
        """Return the digits of min(v, theta Q) // theta; the parameter ``cap`` is theta Q, ``floor`` theta |lo|."""
        last = levels.bits - 1
        digits = f"""
            param theta
            k = sub {last} phase
            k = clip k 0 {last}
            w = shl theta k
            s = ge v w
            live = lt phase {levels.bits}
            s = select live s 0
            drop = select s w 0
            v = sub v drop
        """
        if not levels.signed:
            return "param cap\ncapped = min v cap\nv = select first capped v\n" + digits + "emit s\n"
        fold = """
            param cap floor
            state sign:2
            neg = lt v 0
            one = select neg -1 1
            sign = select first one sign
            low = sub theta 1
            low = sub low v
            low = min low floor
            high = min v cap
            m = select neg low high
            v = select first m v
        """
        return fold + digits + "out = select s sign 0\nemit out\n"

    def spike_at(self, q: Ints, step: int, levels: Levels) -> Ints:
        """Return binary digit n - 1 - step of |q| with the sign of q."""
        return np.sign(q) * ((np.abs(q) >> (levels.bits - 1 - step)) & 1)

    def membrane_at(self, charge: Ints, q: Ints, theta: Ints, step: int, levels: Levels) -> Ints:
        """Return the capped charge (its magnitude if signed) less what the digits so far stand for."""
        start = np.minimum(charge, theta * levels.hi)
        if levels.signed:
            start = np.where(charge < 0, np.minimum(theta - 1 - charge, -theta * levels.lo), start)
        rest = levels.bits - 1 - step
        return start - theta * ((np.abs(q) >> rest) << rest)

    def decode(self, train: Ints, levels: Levels) -> Ints:
        """Return the number the digits spell."""
        value = np.zeros_like(train[0])
        for digit in train:
            value = 2 * value + digit
        return value

    def pool(self, levels: Levels, taps: int, bits: int) -> PoolNeuron:
        """Return the largest by digits: in each step the taps whose digit loses stop being candidates."""
        packs = not levels.signed and taps < bits
        ports = packed(taps, 1) if packs else ports_per_tap(taps)
        flags = [f"f{i}" for i in range(taps)]
        absent = [f"absent{i}" for i in range(taps)] if levels.signed else []
        lines = [f"port {' '.join(ports)}", f"state v:{bits} {' '.join(f'{f}:2' for f in flags)}"]
        lines += [f"param {' '.join(absent)}"] if absent else []
        lines += [unpack(taps, 1)] if packs else [f"m{i} = copy in.m{i}" for i in range(taps)]
        lines += ["first = eq phase 0", "s = copy -2"]
        for i, flag in enumerate(flags):
            fresh = f"here{i}" if absent else "1"
            lines += [f"here{i} = eq absent{i} 0"] if absent else []
            lines += [f"{flag} = select first {fresh} {flag}", f"m{i} = select {flag} m{i} -2", f"s = max s m{i}"]
        for i, flag in enumerate(flags):
            lines += [f"same = eq m{i} s", f"{flag} = select same {flag} 0"]
        lines += [f"live = lt phase {levels.bits}", "on = ge phase 0", "live = min live on"]
        lines += ["s = select live s 0", "v = copy s", "emit s"]
        return PoolNeuron(parse_neuron("\n".join(lines)), ports)
