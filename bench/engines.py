"""Stepped speed of the same program on three engines: the Python emulator, the C program, Lava's fixed-point models."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snncc.backends.artifact import write_artifact
from snncc.backends.c.engine import read_outputs
from snncc.backends.registry import get_backend
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.trace import feed_levels
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.run import to_levels

Ints = npt.NDArray[np.int64]
LONG, SHORT = 24, 4  # samples; the difference of a long and a short run leaves out what starting takes
MANY = 40  # times as many for the C program, which is done too soon otherwise


@dataclass(frozen=True)
class EngineSpeed:
    """Timesteps a second of one stream, wall time, start-up not included; None where an engine is missing.

    Attributes:
        python: the reference emulator, every spike and membrane at hand.
        c_traced: the C program, every spike and membrane read back.
        c: the C program, outputs read back.
        lava: Lava's processes, every spike and membrane recorded.
    """

    python: float
    c_traced: float | None
    c: float | None
    lava: float | None


def engine_speeds(program: Program, x: npt.NDArray[np.float32]) -> EngineSpeed:
    """Measure a program with one tensor input, samples back to back.

    Args:
        program: what is stepped.
        x: float inputs, repeated where there are too few.
    """
    tensor = program.inputs[0]
    assert isinstance(tensor, TensorInput)
    levels = to_levels(tensor, np.resize(x, (LONG * MANY, *x.shape[1:]))).reshape(LONG * MANY, -1)

    def emulated(samples: int) -> int:
        feed = feed_levels(program, {tensor.name: levels[:samples]})
        return sum(1 for _ in run_feed(Emulator(program), feed))

    emulated(1)  # compiles the kernels
    python = _speed(emulated)
    found = {name: _on(program, name, tensor.name, levels) for name in ("c", "lava")}
    return EngineSpeed(python, *found["c"], found["lava"][0])


def _on(program: Program, name: str, key: str, levels: Ints) -> tuple[float | None, float | None]:
    """Return traced steps a second of a backend, and for C those without traces, too."""
    backend = get_backend(name)
    if backend.missing() or backend.check(program):
        return None, None
    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "artifact"
        write_artifact(backend, program, artifact)

        def traced(samples: int) -> int:
            return sum(1 for _ in backend.run(artifact, feed_levels(program, {key: levels[:samples]})))

        def plain(samples: int) -> int:
            read_outputs(artifact, {key: levels[: samples * MANY]})
            return program.latency + (samples * MANY - 1) * program.interval + 1

        traced(1)  # compiles
        return _speed(traced), _speed(plain) if name == "c" else None


def _speed(run: Callable[[int], int]) -> float:
    """Return steps a second, from a long and a short run."""
    seconds, steps = [], []
    for samples in (LONG, SHORT):
        begun = time.perf_counter()
        steps.append(run(samples))
        seconds.append(time.perf_counter() - begun)
    return (steps[0] - steps[1]) / max(seconds[0] - seconds[1], 1e-9)
