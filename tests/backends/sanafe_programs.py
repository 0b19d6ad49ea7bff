"""Programs to export for SANA-FE."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.backends.sanafe.export import export
from snncc.compiler.ir.graph import Graph
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.targets import load_target
from snncc.runtime.emulator import Emulator, run_feed
from tests.integer_nets import random_levels

Ints = npt.NDArray[np.int64]
CHIP = replace(load_target("loihi1"), signed=True)  # SANA-FE's inputs can be fed with any spikes


def rate_program(graph: Graph) -> Program:
    """Return the program of an integer network in rate code, one sample in the chip at a time."""
    return lower(graph, choose("rate", CHIP), CHIP, "sequential")


def on_core(program: Program, core: int = 0) -> Program:
    """Return a program with every population on one core but the inputs, which the host plays."""
    fed = {source.population for source in program.inputs}
    where = {p.name: HOST if p.name in fed else core for p in program.populations}
    parts = [Slice(p.name, p.name, (0,) * len(p.shape), p.shape, where[p.name]) for p in program.populations]
    return replace(program, board="loihi1", slices=tuple(parts))


def levels_of(program: Program, graph: Graph, samples: int, seed: int = 0) -> dict[str, Ints]:
    """Return levels by name of the input."""
    levels = random_levels(graph, samples, seed)
    return {i.name: levels[i.population] for i in program.inputs if isinstance(i, TensorInput)}


def exported(program: Program, levels: Mapping[str, Ints], folder: Path) -> dict[str, Any]:
    """Export a program; return what must happen."""
    export(program, levels, lambda feed: run_feed(Emulator(program), feed), folder)
    found: dict[str, Any] = json.loads((folder / "expected.json").read_text(encoding="ascii"))
    return found
