"""Rate, in two phases: accumulate, then send q spikes. P = Q."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from snncc.compiler.coding.base import Coding, Ints, Levels, PoolNeuron, ports_per_tap
from snncc.compiler.neuron import parse_neuron


class Rate(Coding):
    """A spike while v >= theta, v -= theta each time; signed: -1 while v < 0, v += theta. Levels are thermometers."""

    name: ClassVar[str] = "rate"
    kernel: ClassVar[str] = "add"
    unary: ClassVar[bool] = True

    def window(self, levels: Levels) -> int:
        """Return the largest absolute level."""
        return levels.magnitude

    def fire(self, levels: Levels, shifts: bool) -> str:
        """Return soft-reset firing, at most Q spikes up and |lo| down."""
        up = f"""
            param theta
            live = lt phase {levels.hi}
            s = ge v theta
            s = select live s 0
            drop = select s theta 0
        """
        down = f"""
            live = lt phase {-levels.lo}
            n = lt v 0
            n = select live n 0
            s = sub s n
            rise = select n theta 0
            drop = sub drop rise
        """
        return up + (down if levels.signed else "") + "v = sub v drop\nemit s\n"

    def spike_at(self, q: Ints, step: int, levels: Levels) -> Ints:
        """Return the sign of q while step < |q|."""
        return np.sign(q) * (np.abs(q) > step)

    def membrane_at(self, charge: Ints, q: Ints, theta: Ints, step: int, levels: Levels) -> Ints:
        """Return the charge less theta for every spike so far."""
        sent = np.sign(q) * np.minimum(np.abs(q), step + 1)
        return charge - theta * sent

    def decode(self, train: Ints, levels: Levels) -> Ints:
        """Return the count of spikes, signs included."""
        return train.sum(axis=0)

    def pool(self, levels: Levels, taps: int, bits: int) -> PoolNeuron:
        """Return the step-wise maximum: of thermometers it is the thermometer of the maximum."""
        if not levels.signed:
            lines = ["port add", f"state v:{bits}", "s = gt in.add 0", "v = copy s", "emit s"]
            return PoolNeuron(parse_neuron("\n".join(lines)), {"add": (1,) * taps})
        ports = ports_per_tap(taps)
        lines = [f"port {' '.join(ports)}", f"param {' '.join(f'absent{i}' for i in range(taps))}", f"state v:{bits}"]
        for i in range(taps):  # a tap outside the input must lose against -1
            lines += [f"out = max absent{i} -1", f"m{i} = add in.m{i} out"]
        lines += ["s = copy m0", *(f"s = max s m{i}" for i in range(1, taps))]
        lines += ["v = copy s", "emit s"]
        return PoolNeuron(parse_neuron("\n".join(lines)), ports)
