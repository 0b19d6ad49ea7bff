"""A small network in a folder as ``bench.accuracy --folder`` takes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx

from tests.nets import tiny_cnn

SAMPLES = 60


def write_tiny(folder: Path) -> None:
    """Write ``net.onnx``, ``calibration.npz`` and ``test.npz`` of a network with random weights and labels."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    onnx.save(tiny_cnn(), folder / "net.onnx")
    np.savez(folder / "calibration.npz", x=rng.random((32, 1, 8, 8), dtype=np.float32))
    np.savez(
        folder / "test.npz", x=rng.random((SAMPLES, 1, 8, 8), dtype=np.float32), y=rng.integers(0, 5, size=SAMPLES)
    )
