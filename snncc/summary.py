"""The figures of a program, and the arrays of a run, as data for words and JSON alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.api import load
from snncc.compiler.data import as_inputs, blame, check_data
from snncc.compiler.diagnostics import SnnccError, fail
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.placement.slices import HOST
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.targets import load_target
from snncc.engines import run_integers
from snncc.runtime.run import BACK_TO_BACK

Array = npt.NDArray[Any]


def read_program(path: Path) -> Program:
    """Return a program from a .snnp file; what is wrong with it is located in that file.

    Raises:
        SnnccError: see ``snncc.load``.
    """
    with blame(path, "?"):
        return load(path)


def program_summary(program: Program) -> dict[str, Any]:
    """Return the figures of a program that need no data."""
    settings = dict(program.origin.settings) if program.origin else {}
    return {
        "program": program.name,
        "target": program.target,
        "coding": settings.get("coding"),
        "levels": settings.get("levels"),
        "bits": settings.get("bits"),
        "weight_bits": settings.get("weight_bits"),
        "schedule": settings.get("schedule"),
        "populations": len(program.populations),
        "connections": len(program.connections),
        "neurons": sum(p.size for p in program.populations),
        "window_steps": program.max_window,
        "latency_steps": program.latency,
        "initiation_interval": program.interval,
        "placement": placement_summary(program),
        "certificate": certificate_summary(program),
        "notes": [str(note) for note in program.origin.notes] if program.origin else [],
    }


def placement_summary(program: Program) -> dict[str, Any] | None:
    """Return where a program is placed: board, cores and chips in use, slices; None where it is not placed.

    The board's own figures are None where its file is not at hand.
    """
    if not program.slices:
        return None
    cores = {part.core for part in program.slices if part.core != HOST}
    try:
        board = load_target(program.board).board
    except SnnccError:
        board = None
    return {
        "target": program.board,
        "cores": len(cores),
        "of_cores": board.all_cores if board else None,
        "chips": len({core // board.cores for core in cores}) if board else None,
        "slices": len(program.slices),
    }


def certificate_summary(program: Program) -> dict[str, int] | None:
    """Return how much a program's certificate proves: populations, neuron programs and classes; None without one.

    A neuron program counts once for each distinct row of its parameters; classes are the intervals of charges, or
    inputs of a max-pool, on which they were run.
    """
    certificate = program.origin.certificate if program.origin else None
    if certificate is None:
        return None
    proofs = [entry["proof"] for entry in certificate["populations"].values()]
    return {
        "populations": len(proofs),
        "neuron_programs": sum(proof["rows"] for proof in proofs),
        "classes": sum(proof["classes"] for proof in proofs),
    }


def input_types(program: Program) -> dict[str, TensorType]:
    """Return the types of a program's tensor inputs, by name."""
    return {i.name: TensorType(FLOAT, i.shape) for i in program.inputs if isinstance(i, TensorInput)}


@dataclass(frozen=True)
class Outputs:
    """What a program gave for data.

    Attributes:
        integers: int64 [samples, *shape] by output name.
        scales: real value of one unit, by output name.
        samples: number of samples.
        clipped_inputs: input values outside what the levels show, by more than half a level.
    """

    integers: Mapping[str, Array]
    scales: Mapping[str, float]
    samples: int
    clipped_inputs: int

    def summary(self) -> dict[str, Any]:
        """Return what can be said without printing the arrays: samples, outputs (shapes by name), clipped_inputs."""
        shapes = {name: list(values.shape) for name, values in self.arrays().items()}
        return {"samples": self.samples, "outputs": shapes, "clipped_inputs": self.clipped_inputs}

    def arrays(self) -> dict[str, Array]:
        """Return ``y``, float32 in real units, and ``y_integer``, int64; by output name where there are several."""
        named: dict[str, Array] = {}
        for name, values in self.integers.items():
            key = "y" if len(self.integers) == 1 else name
            named[key] = (values * np.float64(self.scales[name])).astype(np.float32)
            named[f"{key}_integer"] = values
        return named


def run_on(
    program: Program, x: Mapping[str, Array], engine: str | None, progress: Callable[[str, int, int], None]
) -> Outputs:
    """Run a program on inputs by name; see ``snncc.run``.

    Raises:
        SnnccError: SNN320 the program takes no tensors; or what ``snncc.runtime.run`` finds.
    """
    kinds = input_types(program)
    if not kinds:
        raise fail("SNN320", f"program '{program.name}' takes events, no tensors", hint="feed it through the emulator")
    inputs = check_data(as_inputs(x, kinds), kinds)
    total = len(next(iter(inputs.values())))
    size = BACK_TO_BACK if engine == "emulator" else total
    parts = []
    for begin in range(0, total, size):
        parts.append(run_integers(program, {name: a[begin : begin + size] for name, a in inputs.items()}, engine))
        progress("stepping samples" if engine == "emulator" else "running", min(begin + size, total), total)
    integers = {o.name: np.concatenate([part[o.name] for part in parts]) for o in program.outputs}
    return Outputs(integers, {o.name: float(o.scale) for o in program.outputs}, total, _clipped(program, inputs))


def _clipped(program: Program, inputs: Mapping[str, Array]) -> int:
    count = 0
    for tensor in program.inputs:
        if isinstance(tensor, TensorInput):
            levels = np.floor(inputs[tensor.name].astype(np.float64) / float(tensor.scale) + 0.5)
            count += int(((levels < tensor.lo) | (levels > tensor.hi)).sum())
    return count
