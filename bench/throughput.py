"""Collapsed speed: the fast integer executor against onnxruntime's own float network, same net, batch and threads."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from snncc.compiler.program import Program
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.floats import FloatNetwork


@dataclass(frozen=True)
class Throughput:
    """Images a second of CPU time, medians of interleaved runs.

    Attributes:
        floats: the float network in onnxruntime.
        integers: the integer network on the fast executor, encoding of inputs included.
        ratio: median of the ratios of neighbouring runs, integers to floats.
    """

    floats: float
    integers: float
    ratio: float


def throughput(program: Program, x: npt.NDArray[np.float32], batch: int, threads: int, rounds: int = 15) -> Throughput:
    """Measure a program's two networks on the first ``batch`` samples, run and rerun in turns.

    Args:
        program: a program that holds its networks.
        x: float inputs [samples, *shape], at least ``batch`` of them.
        batch: samples in a run.
        threads: onnxruntime's intra-op threads.
        rounds: pairs of runs.
    """
    assert program.origin is not None
    network = program.origin.network
    feed = {network.inputs[0].name: np.ascontiguousarray(x[:batch])}
    floats = FloatNetwork(program.origin.model, threads=threads)
    integers = Collapsed(network, threads)
    repeats = max(1, int(0.2 / max(_seconds(lambda: floats.run(feed), 3), 1e-6)))
    pairs = []
    for _ in range(rounds):
        a = _seconds(lambda: floats.run(feed), repeats)
        b = _seconds(lambda: integers.run(feed, batch), repeats)
        pairs.append((a, b))
    real, whole = (median(batch / pair[i] for pair in pairs) for i in (0, 1))
    return Throughput(real, whole, median(a / b for a, b in pairs))


def _seconds(run: Callable[[], object], repeats: int) -> float:
    begun = time.process_time()
    for _ in range(repeats):
        run()
    return (time.process_time() - begun) / repeats
