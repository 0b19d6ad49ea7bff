"""What becomes of a program with a fault: refused by the reader or the checker, found out when run, or not changed."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from snncc.compiler.container import load_program
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.integer_ops import Encode
from snncc.compiler.program import Program
from snncc.runtime.checker import check
from snncc.runtime.emulator import Emulator, run_levels
from snncc.runtime.neurons import StateOverflow
from snncc.runtime.stepped import Tally, step_and_compare
from snncc.runtime.witness import witnesses
from tests.runtime.mutants import Mutant

Levels = Mapping[str, np.ndarray]
CHECKER, READER, WITNESSES, INSIDE, EQUAL, MISSED = "checker", "reader", "witnesses", "inside", "equal", "missed"
BACK_TO_BACK = 16  # inputs that follow each other in a stream


@dataclass(frozen=True)
class Trial:
    """A program, its network, and what to run them on.

    Attributes:
        network: the integer network.
        program: what was compiled from it.
        made: the witnesses.
        every: all inputs there are.
    """

    network: Graph
    program: Program
    made: Levels
    every: Levels

    @classmethod
    def of(cls, network: Graph, program: Program) -> Trial:
        """Return the trial of a program."""
        return cls(network, program, witnesses(network).levels, every_input(network))

    def judge(self, mutant: Mutant) -> str:
        """Return who rejects a mutant.

        Of those that the checker accepts, READER cannot be loaded, EQUAL does the same on every input, INSIDE too but
        for a membrane that nobody reads; WITNESSES does something else, which the witnesses show; MISSED, which
        they do not.
        """
        if check(io.BytesIO(mutant.data)):
            return CHECKER
        try:
            program = _loaded(mutant.data)
        except SnnccError:
            return READER
        seen = self.differs(program, self.made)
        if not self.alike(program):
            return WITNESSES if seen else MISSED
        return INSIDE if seen or self.differs(program, self.every) else EQUAL

    def differs(self, program: Program, levels: Levels) -> bool:
        """Return whether a spike, a membrane or an output differs from the integer network's."""
        tally = Tally()
        step_and_compare(program, self.network, levels, tally)
        return tally.mismatches > 0

    def alike(self, program: Program) -> bool:
        """Return whether a program sends the spikes and shows the outputs of the right one, on every input."""
        try:
            found = self._trace(program)
        except StateOverflow:
            return False
        wanted = self._trace(self.program)
        return len(found) == len(wanted) and all(map(np.array_equal, found, wanted))

    def _trace(self, program: Program) -> list[np.ndarray]:
        """Return all spikes, and the membranes that are read, step by step."""
        levels = {name: _streams(array) for name, array in self.every.items()}
        claims = {p.name: p.claim.node for p in program.populations if p.claim}
        fed = {i.name: levels[claims[i.population]] for i in program.inputs}
        samples, streams = next(iter(fed.values())).shape[:2]
        emulator, trace = Emulator(program, streams), []
        for now, sent in enumerate(run_levels(emulator, fed, samples)):
            trace += [did.spikes for did in sent.values()]
            for output in program.outputs:
                late = now - program.population[output.population].start
                if late >= 0 and late % program.interval == 0:
                    trace.append(sent[output.population].membrane)
        return trace


def _streams(inputs: np.ndarray) -> np.ndarray:
    """Return inputs as [samples, streams, *shape], the first ones again where they do not fill up."""
    whole = -len(inputs) % BACK_TO_BACK + len(inputs)
    return np.resize(inputs, (whole, *inputs.shape[1:])).reshape(BACK_TO_BACK, -1, *inputs.shape[1:])


def _loaded(data: bytes) -> Program:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mutant.snnp")
        path.write_bytes(data)
        return load_program(path)


def every_input(network: Graph) -> Levels:
    """Return all inputs of a network, in an order in which every one follows a distant one."""
    (encode,) = (node for node in network.nodes if isinstance(node.op, Encode))
    span = range(encode.type.lo, encode.type.hi + 1)
    inputs = np.array([*product(span, repeat=encode.type.size)], dtype=np.int64)
    order = np.random.default_rng(0).permutation(len(inputs))
    return {encode.name: inputs[order].reshape(-1, *encode.type.shape)}
