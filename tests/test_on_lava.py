"""From this interpreter, artifacts run on the one that has lava-nc: ``verify --on lava`` is exact in every coding."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.backends.registry import get_backend
from snncc.compiler.coding import CODINGS

EXAMPLES = Path(__file__).parent.parent / "examples"
NETWORKS = {"graded": "vowels_cnn", "bitplane": "mnist_cnn", "rate": "vowels_cnn", "ttfs": "mnist_cnn"}
asked = "SNNCC_LAVA_PYTHON" in os.environ  # then it must work; without, these tests wait for `make lava`

pytestmark = pytest.mark.skipif(not asked, reason="`make lava` names the interpreter that has lava-nc")


def test_lava_is_there() -> None:
    assert get_backend("lava").missing() == ""


@pytest.mark.parametrize("coding", CODINGS)
def test_an_example_is_exact_on_lava(coding: str) -> None:
    name = NETWORKS[coding]
    folder = EXAMPLES / name
    calibration, test = (np.load(folder / f"{part}.npz") for part in ("calibration", "test"))
    levels = 15 if coding in ("graded", "bitplane") else 3
    program = snncc.compile(folder / f"{name}.onnx", calibration["x"][:100], coding=coding, levels=levels)
    report = snncc.verify(program, test["x"], test["y"], limit=16, on="lava")
    assert report.exact, report.first_divergence
    assert report.device == "lava"
    assert report.device_samples > 16
