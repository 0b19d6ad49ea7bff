"""Stepped speed: timesteps a second of the emulator, every spike and membrane computed, batch 1 and batched."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from snncc.compiler.program import Program, TensorInput
from snncc.runtime.emulator import Emulator, run_levels
from snncc.runtime.run import to_levels


def steps_per_second(program: Program, x: npt.NDArray[np.float32], streams: int, samples: int = 10) -> float:
    """Return stream-steps a second of CPU time, building the emulator not included.

    Args:
        program: a program with one tensor input.
        x: float inputs, at least ``streams`` x ``samples`` of them, or fewer, which are repeated.
        streams: independent streams stepped together.
        samples: samples fed to each stream back to back.
    """
    tensor = program.inputs[0]
    assert isinstance(tensor, TensorInput)
    some = np.resize(x, (samples * streams, *x.shape[1:]))
    levels = {tensor.name: to_levels(tensor, some).reshape(samples, streams, -1)}
    for _ in run_levels(Emulator(program, streams), levels, 1):  # compiles the kernels
        pass
    emulator = Emulator(program, streams)
    begun = time.process_time()
    for _ in run_levels(emulator, levels, samples):
        pass
    return emulator.now * streams / (time.process_time() - begun)
