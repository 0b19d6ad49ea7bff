"""Trained networks of ours and of others are reproduced spike for spike, and stay as good as they were."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.ir import Graph

EXAMPLES = Path(__file__).parent.parent / "examples"
CASES = [("graded", 255), ("graded", 4), ("bitplane", 15), ("rate", 3), ("ttfs", 4)]


def read(name: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(EXAMPLES / name / f"{part}.npz") as data:
        return data["x"], data["y"]


@pytest.fixture(scope="module", params=["mnist_cnn", "fashion_cnn", "fashion_mlp", "vowels_cnn"])
def example(request: pytest.FixtureRequest) -> tuple[str, Graph]:
    return request.param, snncc.import_model(EXAMPLES / request.param / f"{request.param}.onnx")


@pytest.mark.parametrize(("coding", "levels"), CASES)
def test_an_example_is_exact_in_every_coding(example: tuple[str, Graph], coding: str, levels: int) -> None:
    name, graph = example
    program = snncc.compile(graph, read(name, "calibration")[0], coding=coding, levels=levels)
    x, y = read(name, "test")
    report = snncc.verify(program, x, y, limit=40)
    assert report.exact, report.first_divergence
    assert report.samples_stepped == 40
    assert report.samples == len(x)


def test_eight_bits_lose_next_to_nothing(example: tuple[str, Graph]) -> None:
    name, graph = example
    program = snncc.compile(graph, read(name, "calibration")[0], bits=8)
    report = snncc.verify(program, *read(name, "test"), limit=0)
    assert report.float_accuracy is not None
    assert report.integer_accuracy is not None
    assert abs(report.float_accuracy - report.integer_accuracy) <= 0.004


@pytest.mark.skipif(find_spec("qonnx") is None, reason="qonnx, which ships the file, is not installed")
@pytest.mark.parametrize(("coding", "levels"), CASES)
def test_the_zoo_mnist_network_is_exact(coding: str, levels: int) -> None:
    spec = find_spec("qonnx")
    assert spec is not None
    assert spec.origin is not None
    model = Path(spec.origin).parent / "data" / "onnx" / "mnist-conv" / "model.onnx"
    program = snncc.compile(model, read("mnist_cnn", "calibration")[0] * 255, coding=coding, levels=levels)
    x, y = read("mnist_cnn", "test")
    report = snncc.verify(program, x * 255, y, limit=40)
    assert report.exact, report.first_divergence
    assert report.float_accuracy is not None
    assert report.integer_accuracy is not None
    assert report.float_accuracy > 0.98
    assert report.float_accuracy - report.integer_accuracy < 0.02
