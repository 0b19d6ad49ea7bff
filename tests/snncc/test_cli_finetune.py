"""``snncc finetune``: an ONNX model in, a fine-tuned one out, which compiles as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from tests.snncc.conftest import Command

pytest.importorskip("torch")
WORDS = ("finetune", "tiny.onnx", "--data", "cal.npz", "-o", "tuned.onnx", "--epochs", "2", "--batch", "8")


def test_what_is_written_compiles_without_calibration(work: Path, snncc: Command) -> None:
    done = snncc(*WORDS, "--bits", "1", "--weight-bits", "3", "--json")
    assert done.code == 0, done.out
    assert {key: done.json[key] for key in ("file", "bits", "weight_bits")} == {
        "file": "tuned.onnx", "bits": "1", "weight_bits": "3"
    }  # fmt: skip
    assert len(done.json["losses"]) == 2
    model = onnx.load(work / "tuned.onnx")
    assert {node.op_type for node in model.graph.node} >= {"QuantizeLinear", "DequantizeLinear"}
    assert b"site-packages" not in (work / "tuned.onnx").read_bytes()
    compiled = snncc("compile", "tuned.onnx", "-o", "tuned.snnp", "--json")
    assert compiled.code == 0, compiled.out
    assert snncc("check", "tuned.snnp").code == 0
    assert snncc(*WORDS).out.startswith("tuned.onnx: learned from ")


def test_everything_wrong_is_told_before_training(refused: Command) -> None:
    done = refused("finetune", "none.onnx", "--data", "none.npz", "-o", "none/tuned.onnx")
    assert done.codes == ["SNN100", "SNN401", "SNN407"]
    assert refused(*WORDS, "--bits", "9", "--rate", "-1", code=2).codes == ["SNN531", "SNN531"]


def test_data_that_do_not_fit_are_named(work: Path, refused: Command) -> None:
    np.savez(work / "other.npz", x=np.zeros((3, 2, 2), np.float32))
    done = refused(*(word if word != "cal.npz" else "other.npz" for word in WORDS))
    assert done.codes == ["SNN403"]
    assert done.json["diagnostics"][0]["loc"]["file"] == "other.npz"
