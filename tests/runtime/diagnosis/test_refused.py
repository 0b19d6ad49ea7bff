"""What cannot be diagnosed is refused in words that name it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.program import Program

ROOT = Path(__file__).parents[3]


def refused(program: Program, calibration: bool = False) -> Diagnostic:
    """Return why a program is not diagnosed."""
    x = np.load(ROOT / "examples" / "mnist_cnn" / "test.npz")["x"][:20]
    with pytest.raises(SnnccError) as caught:
        snncc.diagnose(program, x, calibration=x if calibration else None)
    (problem,) = caught.value.diagnostics
    return problem


@pytest.mark.parametrize("calibration", [False, True])
@pytest.mark.parametrize("name", ["mnist_qdq_channel", "brevitas_4bit"])
def test_a_network_that_was_quantized_elsewhere_has_no_float_network_to_compare_with(
    name: str, calibration: bool
) -> None:
    problem = refused(snncc.compile(ROOT / "tests" / "quantized" / f"{name}.onnx"), calibration)
    assert problem.code == "SNN352"
    assert "was quantized elsewhere" in problem.message
    assert "diagnose the float network" in problem.hint


def test_a_program_without_its_network_cannot_be_diagnosed() -> None:
    program = snncc.compile(ROOT / "tests" / "quantized" / "brevitas_4bit.onnx")
    assert refused(replace(program, origin=None)).code == "SNN340"
