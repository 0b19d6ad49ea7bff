"""Residual, linear-bottleneck, depthwise, dense and 1-D networks, trained ones, are reproduced spike for spike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.mapping.choice import senders

EXAMPLES = Path(__file__).parent.parent / "examples"
CYCLE = ("rate", "bitplane", "ttfs", "graded")  # of the mixed coding, layer by layer
SAMPLES = {"emotion_xception": 1, "fashion_mobilenet": 3}
CASES = [
    ("fashion_resnet", "mixed"),
    ("fashion_resnet", "rate"),
    ("fashion_mobilenet", "mixed"),
    ("fashion_mobilenet", "bitplane"),
    ("keyword_dscnn", "mixed"),
    ("keyword_dscnn", "ttfs"),
    ("anomaly_autoencoder", "mixed"),
    ("anomaly_autoencoder", "auto"),
    ("motions_cnn", "mixed"),
    ("motions_cnn", "rate"),
    ("emotion_xception", "graded"),
]


def data(name: str, part: str) -> np.ndarray:
    with np.load(EXAMPLES / name / f"{part}.npz") as arrays:
        return arrays["x"]


@pytest.mark.parametrize(("name", "coding"), CASES)
def test_a_trained_network_is_exact(name: str, coding: str) -> None:
    graph = snncc.import_model(EXAMPLES / name / f"{name}.onnx")
    calibration, levels = data(name, "calibration"), 7
    if coding == "mixed":
        network = snncc.compile(graph, calibration, levels=levels).origin
        assert network is not None
        layers = [node.name for node in senders(network.network)][1:]
        mixed = {layer: CYCLE[number % 4] for number, layer in enumerate(layers)}
        program = snncc.compile(graph, calibration, coding=mixed, levels=levels)
        assert len({p.claim.coding for p in program.populations if p.claim and p.claim.coding}) >= 3
    else:
        program = snncc.compile(graph, calibration, coding=coding, levels=levels)
    report = snncc.verify(program, data(name, "test"), limit=SAMPLES.get(name, 10))
    assert report.exact, report.first_divergence


@pytest.mark.parametrize("name", ["fashion_resnet", "fashion_mobilenet"])
@pytest.mark.parametrize(("bits", "loss"), [(8, 0.005), (4, 0.02)])
def test_accuracy_stays_within_bounds(name: str, bits: int, loss: float) -> None:
    """On the bundled 1,000 test images; ``python -m bench.accuracy`` measures on all 10,000."""
    program = snncc.compile(EXAMPLES / name / f"{name}.onnx", data(name, "calibration"), bits=bits)
    with np.load(EXAMPLES / name / "test.npz") as arrays:
        report = snncc.verify(program, arrays["x"], arrays["y"], limit=0)
    assert report.float_accuracy is not None
    assert report.integer_accuracy is not None
    assert report.float_accuracy - report.integer_accuracy <= loss
