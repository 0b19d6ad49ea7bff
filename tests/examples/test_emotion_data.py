"""The files of examples/emotion_xception: drawn faces in fer's range, fer's layers, the float network's own answers."""

from __future__ import annotations

from collections import Counter

import numpy as np
import onnx
import pytest

from examples.emotion_xception.faces import faces
from tests.examples.support import EXAMPLES, float_outputs, load

NAME = "emotion_xception"
SIZES = {"calibration": 128, "test": 200}


@pytest.mark.parametrize("split", SIZES)
def test_faces_are_what_the_network_takes(split: str) -> None:
    x, y = load(NAME, split)
    assert x.shape == (SIZES[split], 1, 64, 64)
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    grey = (x / np.float32(2) + np.float32(0.5)) * np.float32(255)
    assert np.abs(grey - np.rint(grey)).max() < 1e-3
    assert grey.min() > -1e-3
    assert grey.max() < 255 + 1e-3


def test_faces_are_the_same_under_one_seed() -> None:
    assert np.array_equal(faces(2, np.random.default_rng(5)), faces(2, np.random.default_rng(5)))


def test_labels_are_what_the_float_network_answers() -> None:
    x, y = load(NAME, "test")
    found = float_outputs(NAME, x)
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == y).mean() >= 0.995
    assert len(np.unique(y)) >= 6


def test_the_layers_are_those_of_the_keras_model() -> None:
    graph = onnx.load(EXAMPLES / NAME / f"{NAME}.onnx").graph
    counts = Counter(node.op_type for node in graph.node)
    convolutions = 7 + 2 * 8  # Conv2D, and SeparableConv2D as two each
    assert counts == {
        "Conv": convolutions,
        "BatchNormalization": 14,
        "Relu": 6,
        "MaxPool": 4,
        "Add": 4,
        "GlobalAveragePool": 1,
        "Flatten": 1,
        "Softmax": 1,
    }
