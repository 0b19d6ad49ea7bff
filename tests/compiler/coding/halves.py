"""A coding made up for the tests: this file is all that adding one takes."""

from __future__ import annotations

from typing import ClassVar

from snncc.compiler.coding.base import Coding, Ints, Levels, PoolNeuron, ports_per_tap
from snncc.compiler.neuron import parse_neuron


class Halves(Coding):
    """Two payloads that add up to the level: q // 2, then the rest."""

    name: ClassVar[str] = "halves"
    kernel: ClassVar[str] = "add"
    signed: ClassVar[bool] = False
    graded: ClassVar[bool] = True

    def window(self, levels: Levels) -> int:
        return 2

    def fire(self, levels: Levels, shifts: bool) -> str:
        tests = [f"w = mul theta {q}\ns = ge v w\nq = add q s\n" for q in range(1, levels.hi + 1)]
        return f"""
            param theta
            q = copy 0
            {"".join(tests)}
            half = shr q 1
            rest = sub q half
            second = eq phase 1
            out = select first half 0
            out = select second rest out
            emit out
        """

    def spike_at(self, q: Ints, step: int, levels: Levels) -> Ints:
        return q // 2 if step == 0 else q - q // 2

    def membrane_at(self, charge: Ints, q: Ints, theta: Ints, step: int, levels: Levels) -> Ints:
        return charge

    def decode(self, train: Ints, levels: Levels) -> Ints:
        total: Ints = train.sum(axis=0)
        return total

    def pool(self, levels: Levels, taps: int, bits: int) -> PoolNeuron:
        """Return the step-wise maximum: both halves grow with the level."""
        ports = ports_per_tap(taps)
        lines = [f"port {' '.join(ports)}", f"state v:{bits}", "v = copy in.m0"]
        lines += [f"v = max v in.{port}" for port in ports]
        return PoolNeuron(parse_neuron("\n".join([*lines, "emit v"])), ports)
