"""Outputs are compared with the float network's, as layers are."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime as ort
import pytest

import snncc
from snncc.runtime.verify import verify


def difference(size: float) -> onnx.ModelProto:
    """Return two ReLUs of large, nearly equal sums, and their small difference."""
    lines = "a = Gemm <transB = 1> (x, w) r = Relu (a) y = Gemm <transB = 1> (r, v)"
    text = f"net (float[N, 6] x) => (float[N, 3] y) {{ {lines} }}"
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    rng = np.random.default_rng(0)
    half = rng.random((8, 6))
    first = np.concatenate([half, half + size * rng.normal(size=half.shape)])
    rest = rng.random((3, 8))
    arrays = {"w": first, "v": np.concatenate([rest, -rest], axis=1)}
    for name, array in arrays.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(array.astype(np.float32), name))
    return model


def test_an_output_that_is_a_small_difference_of_large_numbers_is_seen() -> None:
    x = np.random.default_rng(1).random((100, 6), dtype=np.float32)
    model = difference(0.01)
    program = snncc.compile(model, x)
    layer, output = verify(program, x, limit=0).layers
    assert (output.name, output.levels) == ("y", 0)
    assert layer.sqnr_db is not None
    assert output.sqnr_db is not None
    assert layer.sqnr_db > 25
    assert output.sqnr_db < 15
    real = ort.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0].astype(np.float64)
    shown = snncc.run(program, x)["y"]
    wanted = 10 * np.log10((real**2).sum() / ((real - shown) ** 2).sum())
    assert output.sqnr_db == pytest.approx(wanted, abs=0.01)
