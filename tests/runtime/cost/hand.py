"""A program so small that everything it costs can be worked out by hand, and a chip for it.

Population a, 2 neurons on core 0, passes on what it is fed; b, 3 neurons, 2 on core 1 and 1 on core 2, and c, 1 neuron
on core 2 that is read, pass on what they hear. Two samples, (1, 0) and (1, 1), two steps apart, so the circle has 4
steps. Cores 0 and 1 are in the first row of tiles, cores 2 and 3 in the second.

    step 0: a sends 1 spike     step 1: it arrives at b, which sends 1 and 2
    step 2: a sends 2 spikes    step 3: they arrive at b, which sends 1 and 3
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from snncc.compiler.neuron import parse_neuron
from snncc.compiler.placement.slices import Slice
from snncc.compiler.program import Connection, DenseSynapses, Output, Population, Program, TensorInput
from snncc.compiler.targets.target import Board, CostTable, Host, Packing, Target

ANY_HOST = Host()
PASS = parse_neuron("port add\nstate v:8\nv = copy in.add\nemit v")
READ = parse_neuron("port add\nstate v:8\nv = copy in.add")
X = np.array([[1, 0], [1, 1]], dtype=np.float32)
TABLE = CostTable(
    "hand",
    "made up",
    energy={"synaptic_event": 10.0, "update": 1.0, "spike": 5.0, "message": 2.0, "hop_x": 3.0, "hop_y": 4.0},
    time={"synaptic_event": 4.0, "update": 2.0, "message": 1.0, "hop_x": 3.0, "hop_y": 5.0},
    barrier={2: 10.0, 4: 15.0},
    static_watts=0.001,
)


def program() -> Program:
    """Return the program, placed on the board ``tiny``."""
    weight = np.array([[1, 0], [2, 1], [0, 0]])
    populations = (
        Population("a", (2,), PASS, {}, 0, 1, 4),
        Population("b", (3,), PASS, {}, 1, 1, 4),
        Population("c", (1,), READ, {}, 2),
    )
    connections = (
        Connection("b.in", "a", "b", "add", DenseSynapses(weight)),
        Connection("c.in", "b", "c", "add", DenseSynapses(np.ones((1, 3), dtype=np.int64))),
    )
    slices = (
        Slice("a.0", "a", (0,), (2,), 0),
        Slice("b.0", "b", (0,), (2,), 1),
        Slice("b.1", "b", (2,), (3,), 2),
        Slice("c.0", "c", (0,), (1,), 2),
    )
    inputs = (TensorInput("x", "a", "add", (2,), 0, 3, Fraction(1)),)
    outputs = (Output("y", "c", Fraction(1)),)
    return Program("hand", "tiny", 2, populations, connections, inputs, outputs, None, "tiny", slices)


def target(table: CostTable = TABLE, host: Host = ANY_HOST) -> Target:
    """Return the chip ``tiny``: two rows of two tiles of one core."""
    return Target(
        "tiny", "", 24, 24, 8, 8, 62, True, True, True, 16, "graded", "pipelined", {}, {},
        packing=Packing(), board=Board(1, 4, 1, 2), host=host, tables={table.name: table},
    )  # fmt: skip
