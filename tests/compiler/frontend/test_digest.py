"""The fingerprint of a model follows what the user gave: the file's own hash, or the weights'."""

from __future__ import annotations

import hashlib
from pathlib import Path

import onnx
import pytest

from snncc.compiler.frontend.digest import model_sha256
from snncc.compiler.frontend.door import import_model


def test_a_file_has_its_own_hash(tmp_path: Path, tiny_model: onnx.ModelProto) -> None:
    path = tmp_path / "net.onnx"
    onnx.save(tiny_model, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert model_sha256(path) == model_sha256(str(path)) == model_sha256(path.read_bytes()) == digest
    assert import_model(path).sha256 == digest


def test_equal_protos_have_equal_hashes(tiny_model: onnx.ModelProto) -> None:
    copy = onnx.ModelProto()
    copy.CopyFrom(tiny_model)
    assert model_sha256(copy) == model_sha256(tiny_model)
    copy.graph.initializer[0].name = "other"
    assert model_sha256(copy) != model_sha256(tiny_model)


def test_a_module_is_known_by_its_weights() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    first, second = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    assert model_sha256(first) != model_sha256(second)
    second.load_state_dict(first.state_dict())
    assert model_sha256(first) == model_sha256(second)
    with torch.no_grad():
        second.bias[0] += 1
    assert model_sha256(first) != model_sha256(second)
