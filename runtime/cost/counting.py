"""Count what spikes cause, step after step, slice by slice.

What is an event, and whose, is as in ``runtime.placed``; here every step is one of a circle, see ``circle``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Program
from snncc.compiler.targets.target import Board, Packing
from snncc.runtime.cost.events import Events
from snncc.runtime.placed.links import ways
from snncc.runtime.placed.routes import routes

Ints = npt.NDArray[np.int64]


def one_core(program: Program) -> Program:
    """Return the program on one core without limits."""
    whole = [Slice(f"{p.name}.0", p.name, (0,) * len(p.shape), p.shape, 0) for p in program.populations]
    return replace(program, board="", slices=tuple(whole))


class Counting:
    """Counts events of a placed program, by step and slice."""

    def __init__(self, program: Program, board: Board, packing: Packing | None, steps: int) -> None:
        """Begin with updates alone: every neuron, in every step.

        Args:
            program: placed.
            board: what it is placed on.
            packing: how its synapses are stored; None where that is not known, and words of memory are not counted.
            steps: of the circle.
        """
        self.program, self.board, self.counts_words = program, board, packing is not None
        self.routes = routes(program, packing or Packing())
        home = np.array([part.core for part in program.slices], dtype=np.int64)
        self.ways = ways(board, home[self.routes.source], home[self.routes.target])
        shape = (steps, len(home))
        kinds = ("synaptic_event", "spike", "message", "word_read", "hop_x", "hop_y", "chip_hop")
        self.counts = {kind: np.zeros(shape, dtype=np.int64) for kind in kinds}
        sizes = np.array([part.size for part in program.slices], dtype=np.int64)
        self.counts["update"] = np.broadcast_to(sizes, shape)
        self.passed = np.zeros((steps, self.ways.links.shape[0]), dtype=np.int64)

    def add(self, step: int, sent: Mapping[str, Ints]) -> None:
        """Add what populations sent in a step of the circle: payloads [neurons] by name."""
        effects = np.zeros((len(self.routes.source), 3), dtype=np.int64)
        for name, payloads in sent.items():
            reach, fired = self.routes.reach[name], np.flatnonzero(payloads)
            np.add.at(self.counts["spike"][step], reach.owner[fired], 1)
            reach.add(fired, effects)
        self.passed[step] += self.ways.links @ effects[:, 0]
        used = np.flatnonzero(effects[:, 0])
        if len(used):
            self._travel(step, used, effects[used])

    def _travel(self, step: int, used: Ints, effects: Ints) -> None:
        """Add what messages do on their way, charged to the sender, and where they arrive."""
        source, target = self.routes.source[used], self.routes.target[used]
        for kind, hops in (("hop_x", "hops_x"), ("hop_y", "hops_y"), ("chip_hop", "chip_hops")):
            np.add.at(self.counts[kind][step], source, effects[:, 0] * getattr(self.ways, hops)[used])
        then = (step + self.routes.delay[used]) % len(self.passed)
        for kind, amount in zip(("message", "synaptic_event", "word_read"), effects.T, strict=True):
            np.add.at(self.counts[kind], (then, target), amount)

    def events(self, host: Ints, inferences: int) -> Events:
        """Return what was counted.

        Args:
            host: int64 [steps], values that the host puts into input populations on cores.
            inferences: how many were counted.
        """
        played = np.array([part.core == HOST for part in self.program.slices], dtype=bool)
        sends = host + self.counts["spike"][:, played].sum(axis=1)
        counts = {k: array for k, array in self.counts.items() if self.counts_words or k != "word_read"}
        link = self.passed.max(axis=1, initial=0)
        return Events(self.program.slices, self.board, counts, link, sends, inferences)
