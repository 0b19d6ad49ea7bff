"""What ``run`` can run a program on: the engines of snncc.runtime, and the C backend's program."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snncc.backends.artifact import write_artifact
from snncc.backends.registry import get_backend
from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.ir.graph import Array
from snncc.compiler.per_layer import choices
from snncc.compiler.program import Program
from snncc.runtime.run import ENGINES as OWN
from snncc.runtime.run import input_levels, run

Ints = npt.NDArray[np.int64]
ENGINES = (*OWN, "c")


def check_engine(name: str | None) -> None:
    """Find out whether there is an engine.

    Raises:
        SnnccError: SNN507, exit code 2.
    """
    if name not in (None, *ENGINES):
        hint = choices("engines", ENGINES, str(name))
        raise fail("SNN507", f"there is no engine '{name}'", Loc("options", "engine"), hint, 2)


def run_integers(program: Program, x: Array | Mapping[str, Array], engine: str | None) -> dict[str, Ints]:
    """Return the integer outputs, int64 [samples, *shape] by output name.

    Args:
        program: any program with tensor inputs.
        x: float inputs [samples, *shape], or a mapping by input name.
        engine: ``levels``, ``emulator`` or ``c``; None for the fastest that the program allows.

    Raises:
        SnnccError: SNN507; what ``snncc.runtime.run`` finds; SNN605, SNN606 there is no C compiler, or it failed.
    """
    check_engine(engine)
    if engine != "c":
        return run(program, x, engine)
    return _run_c(program, input_levels(program, x))


def _run_c(program: Program, levels: Mapping[str, Ints]) -> dict[str, Ints]:
    from snncc.backends.c.engine import read_outputs

    samples = len(next(iter(levels.values())))
    with tempfile.TemporaryDirectory(prefix="snncc-") as folder:
        artifact = Path(folder) / "artifact"
        write_artifact(get_backend("c"), program, artifact)
        found = read_outputs(artifact, {name: a.reshape(samples, -1) for name, a in levels.items()})
    return {o.name: found[o.name].reshape(samples, *program.output_shape(o)) for o in program.outputs}
