"""Models that cannot be compiled: the command says why, for each operator, and leaves nothing behind."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from tests.snncc.conftest import Command, compile_words, save_model, save_tiny


def unsupported(path: Path) -> None:
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["p"], name="first"),
        helper.make_node("Exp", ["p"], ["q"], name="squash"),
        helper.make_node("Gemm", ["q", "w"], ["r"], name="second"),
        helper.make_node("Abs", ["r"], ["y"], name="end"),
    ]
    save_model(path, nodes, {"x": ["N", 4]}, {"y": ["N", 4]}, w=np.ones((4, 4)))


def inner_softmax(path: Path) -> None:
    """A softmax that a convolution reads, which nothing can drop."""
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Softmax", ["c"], ["m"], name="attention", axis=1),
        helper.make_node("Conv", ["m", "w"], ["y"], name="last"),
    ]
    save_model(path, nodes, {"x": ["N", 1, 8, 8]}, {"y": ["N", 1, 4, 4]}, w=np.ones((1, 1, 3, 3)))


CONTENTS: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("this is no model"),
    "random": lambda path: path.write_bytes(np.random.default_rng(0).bytes(999)),
    "truncated": lambda path: path.write_bytes(Path("tiny.onnx").read_bytes()[:300]),
    "folder": lambda path: path.mkdir(),
    "pickle": lambda path: path.write_bytes(pickle.dumps([1])),
    "npz": lambda path: path.write_bytes(Path("cal.npz").read_bytes()),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_file_that_is_no_model_is_named(refused: Command, work: Path, name: str) -> None:
    CONTENTS[name](work / "bad.onnx")
    assert refused(*compile_words("bad.onnx")).codes[0] in ("SNN100", "SNN101")
    result = refused("inspect", "bad.onnx")
    assert "bad.onnx" in result.json["diagnostics"][0]["message"]


def test_a_program_is_no_model(refused: Command) -> None:
    assert refused(*compile_words("tiny.snnp")).codes == ["SNN101"]


def test_any_extension_will_do(snncc: Command, work: Path) -> None:
    (work / "tiny.onnx").rename(work / "tiny.model")
    assert snncc(*compile_words("tiny.model")).code == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite_are_named(refused: Command, work: Path, value: float) -> None:
    save_tiny(work / "nan.onnx", b=np.array([value, 0, 0]))
    found = refused(*compile_words("nan.onnx")).json["diagnostics"]
    assert [d["code"] for d in found] == ["SNN105"]
    assert found[0]["loc"]["name"] == "gemm"


def test_a_network_that_overflows_is_no_bug_of_ours(refused: Command, work: Path, images: np.ndarray) -> None:
    np.savez(work / "huge.npz", x=images * np.float32(3e38))
    assert refused(*compile_words(data="huge.npz")).codes == ["SNN404"]


def test_a_constant_network_compiles_and_verifies(snncc: Command, work: Path) -> None:
    save_tiny(work / "zero.onnx", v=np.zeros((3, 32)))
    assert snncc(*compile_words("zero.onnx")).code == 0
    assert snncc("verify", "new.snnp", "--data", "test.npz").code == 0


def test_calibration_of_all_zeros_compiles_and_verifies(snncc: Command, work: Path, images: np.ndarray) -> None:
    np.savez(work / "zeros.npz", x=images * 0)
    assert snncc(*compile_words(data="zeros.npz")).code == 0
    assert snncc("verify", "new.snnp", "--data", "test.npz").code == 0


def test_every_diagnostic_of_a_model_comes_at_once(refused: Command, work: Path, golden: Callable[..., None]) -> None:
    unsupported(work / "bad.onnx")
    assert refused(*compile_words("bad.onnx")).codes == ["SNN102", "SNN102"]


def test_the_words_for_an_unsupported_model(snncc: Command, work: Path, golden: Callable[..., None]) -> None:
    unsupported(work / "bad.onnx")
    golden(snncc(*compile_words("bad.onnx")).err, "cli/unsupported.txt")


def test_inspect_lists_the_nodes_of_a_model_that_cannot_be_imported(
    snncc: Command, work: Path, golden: Callable[..., None]
) -> None:
    unsupported(work / "bad.onnx")
    said = snncc("inspect", "bad.onnx")
    assert said.code == 1
    golden(said.out, "cli/inspect_unsupported.txt")
    found = snncc("inspect", "bad.onnx", "--json").json
    assert not found["supported"]
    assert {node["name"]: node["support"] for node in found["nodes"]} == {
        "first": [],
        "squash": ["SNN102"],
        "second": [],
        "end": ["SNN102"],
    }
    assert found["inputs"] == [{"name": "x", "shape": [4], "dtype": "float32", "range": None, "scale": None}]


def test_inspect_lists_the_nodes_that_stand_in_the_way(snncc: Command, work: Path) -> None:
    inner_softmax(work / "bad.onnx")
    result = snncc("inspect", "bad.onnx", "--json")
    assert result.code == 1
    assert result.codes == ["SNN103"]
    assert [node["name"] for node in result.json["nodes"] if node["support"]] == ["attention"]


def test_inspect_of_a_model(snncc: Command, golden: Callable[..., None]) -> None:
    said = snncc("inspect", "tiny.onnx")
    assert said.code == 0
    golden(said.out, "cli/inspect_model.txt")
    found = snncc("inspect", "tiny.onnx", "--json").json
    assert found["supported"]
    assert found["diagnostics"] == []
    assert "text" not in found
    assert "graph @tiny" in snncc("inspect", "tiny.onnx", "--json", "--text").json["text"]


def test_names_are_printed_as_they_are(snncc: Command, work: Path) -> None:
    """No markup, no emoji, no escape sequence of a name reaches the terminal."""
    name = "[bold red]x[/] :smile: \x1b[2J"
    save_tiny(work / "odd.onnx", name=name)
    text = snncc("inspect", "odd.onnx").out
    assert "[bold red]x[/] :smile: \\x1b[2J" in text
    save_tiny(work / "odd.onnx", name=name, w=np.full((2, 1, 3, 3), np.nan))
    assert "'[bold red]x[/] :smile: \\x1b[2J'" in snncc(*compile_words("odd.onnx")).err
