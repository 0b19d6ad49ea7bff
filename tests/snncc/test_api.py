"""The API where the command line does not reach it: arrays instead of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.program import Program


@pytest.fixture
def program(made: Path) -> Program:
    return snncc.load(made / "tiny.snnp")


def test_run_gives_real_units_on_either_engine(program: Program, images: np.ndarray) -> None:
    fast = snncc.run(program, images)["scores"]
    assert fast.dtype == np.float64
    np.testing.assert_array_equal(fast, snncc.run(program, {"image": images}, engine="emulator")["scores"])
    integers = fast / float(program.outputs[0].scale)
    np.testing.assert_allclose(integers, np.rint(integers), atol=1e-6)


def test_a_graph_and_a_path_compile_to_the_same_program(made: Path, images: np.ndarray) -> None:
    path = made / "tiny.onnx"
    assert snncc.compile(snncc.import_model(path), images) == snncc.compile(path, {"x": images})


@pytest.mark.parametrize("y", [np.full(24, 3), np.zeros(23, dtype=int)])
def test_wrong_labels_beside_the_calibration_are_found(made: Path, images: np.ndarray, y: np.ndarray) -> None:
    with pytest.raises(snncc.SnnccError, match="SNN406"):
        snncc.compile(made / "tiny.onnx", {"x": images, "y": y})


def test_lists_are_arrays_too(program: Program, images: np.ndarray) -> None:
    report = snncc.verify(program, images[:4].tolist(), [0, 1, 2, 0], limit=2)
    assert report.exact
    assert report.samples == 4
