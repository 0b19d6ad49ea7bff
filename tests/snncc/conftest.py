"""A tiny model, its data and program, and the command line called in this process."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from snncc.cli import main

Shape = Sequence[int | str]


@dataclass(frozen=True)
class Result:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        def refuse(text: str) -> None:
            raise AssertionError(f"{text} is no JSON")

        return json.loads(self.out, parse_constant=refuse)

    @property
    def codes(self) -> list[str]:
        return [diagnostic["code"] for diagnostic in self.json["diagnostics"]]


Command = Callable[..., Result]


def save_model(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, Shape],
    outputs: Mapping[str, Shape],
    **weights: np.ndarray,
) -> None:
    given, results = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in several.items()]
        for several in (inputs, outputs)
    )
    tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()]
    graph = helper.make_graph(list(nodes), "tiny", given, results, tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def save_tiny(path: Path, name: str = "conv", **changes: np.ndarray) -> None:
    """Save Conv, Relu, Flatten, Gemm: image [1, 6, 6] to scores [3]."""
    rng = np.random.default_rng(0)
    weights = {"w": rng.normal(size=(2, 1, 3, 3)), "v": rng.normal(size=(3, 32)), "b": rng.normal(size=3)}
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"], name=name),
        helper.make_node("Relu", ["c"], ["r"], name="relu"),
        helper.make_node("Flatten", ["r"], ["f"], name="flatten"),
        helper.make_node("Gemm", ["f", "v", "b"], ["scores"], name="gemm", transB=1),
    ]
    save_model(path, nodes, {"image": ["N", 1, 6, 6]}, {"scores": ["N", 3]}, **{**weights, **changes})


def save_two(path: Path) -> None:
    """Save a model of two inputs, a [4] and b:0 [5]."""
    rng = np.random.default_rng(1)
    nodes = [
        helper.make_node("Gemm", ["a", "w"], ["p"], name="left"),
        helper.make_node("Gemm", ["b:0", "v"], ["q"], name="right"),
        helper.make_node("Add", ["p", "q"], ["s"], name="add"),
        helper.make_node("Relu", ["s"], ["r"], name="relu"),
        helper.make_node("Gemm", ["r", "u"], ["out"], name="last"),
    ]
    weights = {"w": rng.normal(size=(4, 6)), "v": rng.normal(size=(5, 6)), "u": rng.normal(size=(6, 2))}
    save_model(path, nodes, {"a": ["N", 4], "b:0": ["N", 5]}, {"out": ["N", 2]}, **weights)


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return np.random.default_rng(2).random((24, 1, 6, 6), dtype=np.float32)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, images: np.ndarray) -> Path:
    """A folder with tiny.onnx, cal.npz, test.npz and the compiled tiny.snnp."""
    folder = tmp_path_factory.mktemp("made")
    save_tiny(folder / "tiny.onnx")
    np.savez(folder / "cal.npz", x=images)
    np.savez(folder / "test.npz", x=images, y=np.arange(24) % 3)
    with pytest.raises(SystemExit) as ended:
        main(["compile", f"{folder}/tiny.onnx", "--calibration", f"{folder}/cal.npz", "-o", f"{folder}/tiny.snnp"])
    assert ended.value.code == 0
    return folder


@pytest.fixture
def work(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder: a copy of ``made``. What the command leaves under a temporary name goes to ``tmp``."""
    folder = tmp_path / "work"
    shutil.copytree(made, folder)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setattr(sys, "warnoptions", ["error"])
    monkeypatch.delenv("SNNCC_DEBUG", raising=False)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def snncc(work: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Call the command line as a function in the folder ``work``."""

    def call(*words: object) -> Result:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(word) for word in words])
        captured = capsys.readouterr()
        code = ended.value.code
        assert isinstance(code, int)
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture
def refused(snncc: Command, work: Path) -> Command:
    """Call a command that must fail: with every diagnostic whole, in words and in JSON, and nothing left behind."""

    def call(*words: object, code: int = 1) -> Result:
        before = sorted(work.rglob("*"))
        said = snncc(*words)
        result = snncc(words[0], "--json", *words[1:])
        assert (said.code, result.code) == (code, code), said.err
        assert "Traceback" not in said.err
        assert result.err == ""
        assert result.json["diagnostics"]
        for diagnostic in result.json["diagnostics"]:
            assert diagnostic["message"]
            assert diagnostic["hint"]
            assert diagnostic["loc"]["file"] not in ("", "?")
            usage = diagnostic["code"] == "SNN500"  # typer's own words
            assert usage or f"[{diagnostic['code']}]: {diagnostic['message']}" in said.err
        assert sorted(work.rglob("*")) == before
        return result

    return call


def compile_words(model: str = "tiny.onnx", data: str = "cal.npz", output: str = "new.snnp") -> tuple[str, ...]:
    return ("compile", model, "--calibration", data, "-o", output)
