"""Trained networks of ours and of others are reproduced spike for spike, and stay as good as they were."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.program import Origin
from tests.recoded import sent_in

EXAMPLES = Path(__file__).parent.parent / "examples"
CODED = {4: ("graded", "ttfs"), 15: ("bitplane",), 3: ("rate",)}  # codings by levels
NAMES = ("mnist_cnn", "fashion_cnn", "fashion_mlp", "vowels_cnn")


def read(name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(EXAMPLES / name / f"{part}.npz") as data:
        return data["x"], data["y"]


def origin_of(model: Path, calibration: np.ndarray, levels: int, rounding: str = "adaptive") -> Origin:
    origin = snncc.compile(model, calibration, levels=levels, rounding=rounding).origin
    assert origin is not None
    return origin


def assert_exact(origin: Origin, coding: str, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Step 40 samples; return the accuracies of float and integer network on all that are given."""
    report = snncc.verify(sent_in(origin, coding), x, y, limit=40)
    assert report.exact, (coding, report.first_divergence)
    assert report.samples_stepped == 40
    assert report.samples == len(x)
    assert report.float_accuracy is not None
    assert report.integer_accuracy is not None
    return report.float_accuracy, report.integer_accuracy


@pytest.mark.parametrize("name", NAMES)
def test_an_example_is_exact_in_every_coding(name: str) -> None:
    x, y = read(name, "test")
    for levels, codings in CODED.items():
        model = EXAMPLES / name / f"{name}.onnx"
        origin = origin_of(model, read(name, "calibration")[0], levels, "nearest")  # exact however weights are rounded
        for coding in codings:
            assert_exact(origin, coding, x[:40], y[:40])


@pytest.mark.parametrize("name", NAMES)
def test_eight_bits_are_exact_and_lose_next_to_nothing(name: str) -> None:
    origin = origin_of(EXAMPLES / name / f"{name}.onnx", read(name, "calibration")[0], levels=255)
    float_accuracy, integer_accuracy = assert_exact(origin, "graded", *read(name, "test"))
    assert abs(float_accuracy - integer_accuracy) <= 0.004


@pytest.mark.skipif(find_spec("qonnx") is None, reason="qonnx, which ships the file, is not installed")
@pytest.mark.parametrize("levels", [*CODED, 255])
def test_the_zoo_mnist_network_is_exact(levels: int) -> None:
    spec = find_spec("qonnx")
    assert spec is not None
    assert spec.origin is not None
    model = Path(spec.origin).parent / "data" / "onnx" / "mnist-conv" / "model.onnx"
    x, y = read("mnist_cnn", "test")
    origin = origin_of(model, read("mnist_cnn", "calibration")[0] * 255, levels)
    for coding in CODED.get(levels, ("graded",)):
        float_accuracy, integer_accuracy = assert_exact(origin, coding, x * 255, y)
        assert float_accuracy > 0.98
        assert float_accuracy - integer_accuracy < 0.02
