"""What the tests of the examples' files share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.runtime.floats import FloatNetwork

EXAMPLES = Path(__file__).parents[2] / "examples"
Array = npt.NDArray[Any]


def load(name: str, split: str) -> tuple[Array, Array]:
    """Return x and y of an example's ``calibration`` or ``test`` file."""
    with np.load(EXAMPLES / name / f"{split}.npz") as archive:
        return archive["x"], archive["y"]


def float_outputs(name: str, x: Array) -> Array:
    """Return what an example's float network gives, float32 [samples, ...]."""
    network = FloatNetwork((EXAMPLES / name / f"{name}.onnx").read_bytes())
    (wanted,) = network.outputs
    feed = {"input_1" if name == "emotion_xception" else "input": x}
    return np.concatenate([batch[wanted] for batch in network.batches(feed)])


def accuracy(name: str) -> float:
    """Return the share of an example's test inputs whose largest output is the label, 0..1."""
    x, y = load(name, "test")
    return float((float_outputs(name, x).argmax(axis=1) == y).mean())
