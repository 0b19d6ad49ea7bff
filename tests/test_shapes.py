"""Residual, linear-bottleneck, depthwise, dense and 1-D networks, trained ones, are reproduced spike for spike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.program import Program
from tests.recoded import mixed, sent_in

EXAMPLES = Path(__file__).parent.parent / "examples"
SAMPLES = {"emotion_xception": 1, "fashion_mobilenet": 3}
CASES = {  # of each network the codings, and how much accuracy 4 bits may lose where it has labels
    "fashion_resnet": (("mixed", "rate"), 0.02),
    "fashion_mobilenet": (("mixed", "bitplane"), 0.02),
    "keyword_dscnn": (("mixed", "ttfs"), None),
    "anomaly_autoencoder": (("mixed", "rate"), None),
    "motions_cnn": (("mixed", "rate"), None),
    "emotion_xception": (("graded",), None),
}


def data(name: str, part: str) -> np.ndarray:
    with np.load(EXAMPLES / name / f"{part}.npz") as arrays:
        return arrays["x"]


def model(name: str) -> Path:
    return EXAMPLES / name / f"{name}.onnx"


@pytest.mark.parametrize("name", CASES)
def test_a_trained_network_is_exact(name: str) -> None:
    codings, loss = CASES[name]
    rounding = "nearest" if loss is None else "adaptive"  # exact either way, and soon done or accurate
    levels = 7 if loss is None else 15
    origin = snncc.compile(model(name), data(name, "calibration"), levels=levels, rounding=rounding).origin
    assert origin is not None
    for coding in codings:
        program = sent_in(origin, mixed(origin) if coding == "mixed" else coding)
        sent = {p.claim.coding for p in program.populations if p.claim and p.claim.coding}
        assert len(sent) >= 3 if coding == "mixed" else coding in sent
        report = snncc.verify(program, data(name, "test")[:20], limit=SAMPLES.get(name, 10))
        assert report.exact, (coding, report.first_divergence)
    if loss is not None:
        assert_accurate(program, name, loss)


def test_the_cheapest_coding_of_each_layer_is_exact() -> None:
    name = "anomaly_autoencoder"
    program = snncc.compile(model(name), data(name, "calibration"), coding="auto", levels=7)
    assert snncc.verify(program, data(name, "test"), limit=10).exact


@pytest.mark.parametrize("name", [name for name, (_, loss) in CASES.items() if loss is not None])
def test_eight_bits_lose_next_to_nothing(name: str) -> None:
    assert_accurate(snncc.compile(model(name), data(name, "calibration"), bits=8), name, 0.005)


def assert_accurate(program: Program, name: str, loss: float) -> None:
    """Compare accuracies on the bundled 1,000 test images; ``python -m bench.accuracy`` does on all 10,000."""
    with np.load(EXAMPLES / name / "test.npz") as arrays:
        report = snncc.verify(program, arrays["x"], arrays["y"], limit=0, slices=0)
    assert report.float_accuracy is not None
    assert report.integer_accuracy is not None
    assert report.float_accuracy - report.integer_accuracy <= loss
