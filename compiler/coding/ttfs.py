"""Time to first spike: one spike, the earlier the higher the level. P = Q."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from snncc.compiler.coding.base import Coding, Ints, Levels, PoolNeuron
from snncc.compiler.neuron import parse_neuron


class Ttfs(Coding):
    """One spike at the first step t with v >= theta (Q - t); it stands for Q - t, silence for 0."""

    name: ClassVar[str] = "ttfs"
    kernel: ClassVar[str] = "ramp"
    signed: ClassVar[bool] = False
    unary: ClassVar[bool] = True

    def window(self, levels: Levels) -> int:
        """Return Q."""
        return levels.hi

    def fire(self, levels: Levels, shifts: bool) -> str:
        """Return a falling threshold and the flag that lets it be met once."""
        return f"""
            param theta
            state fired:2
            k = sub {levels.hi} phase
            k = clip k 1 {levels.hi}
            fall = mul theta k
            fired = select first 0 fired
            s = ge v fall
            s = select fired 0 s
            live = lt phase {levels.hi}
            s = select live s 0
            fired = max fired s
            emit s
        """

    def spike_at(self, q: Ints, step: int, levels: Levels) -> Ints:
        """Return 1 where q = Q - step."""
        return (q == levels.hi - step).astype(np.int64)

    def membrane_at(self, charge: Ints, q: Ints, theta: Ints, step: int, levels: Levels) -> Ints:
        """Return the charge: the threshold moves, not the membrane."""
        return charge

    def decode(self, train: Ints, levels: Levels) -> Ints:
        """Return Q - t for a spike at step t."""
        weights = levels.hi - np.arange(len(train), dtype=np.int64)
        return np.tensordot(weights, train, axes=1)

    def pool(self, levels: Levels, taps: int, bits: int) -> PoolNeuron:
        """Return the earliest spike, sent once."""
        lines = ["port add", f"state v:{bits} fired:2", "first = eq phase 0", "fired = select first 0 fired"]
        lines += ["s = gt in.add 0", "s = select fired 0 s", "fired = max fired s", "v = copy s", "emit s"]
        return PoolNeuron(parse_neuron("\n".join(lines)), {"add": (1,) * taps})
