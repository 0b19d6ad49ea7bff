"""Data files that do not fit: every problem is named, by file and array, before anything is written."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.snncc.conftest import Command, compile_words, save_two

X = np.random.default_rng(3).random((24, 1, 6, 6), dtype=np.float32)


def changed(path: Path, where: float) -> None:
    data = bytearray(Path("cal.npz").read_bytes())
    data[int(where * len(data))] ^= 0xFF
    path.write_bytes(data)


def zipped(path: Path, name: str, data: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, data)


def header(shape: str) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}".ljust(117)
    return b"\x93NUMPY\x01\x00v\x00" + text.encode() + b"\n"


FILES: dict[str, Callable[[Path], Any]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("1, 2, 3"),
    "folder": lambda path: path.mkdir(),
    "truncated": lambda path: path.write_bytes(Path("cal.npz").read_bytes()[:400]),
    "corrupt": lambda path: changed(path, 0.5),
    "one array": lambda path: path.write_bytes(_npy()),
    "objects": lambda path: np.savez(path, x=np.array([{}, 1], dtype=object)),
    "pickle": lambda path: path.write_bytes(pickle.dumps({"x": X})),
    "foreign": lambda path: zipped(path, "readme.txt", b"hello"),
    "program": lambda path: path.write_bytes(Path("tiny.snnp").read_bytes()),
    "enormous": lambda path: zipped(path, "x.npy", header("1000000000000000, 1, 6, 6")),
    "negative": lambda path: zipped(path, "x.npy", header("-4, 1, 6, 6")),
    "garbled": lambda path: zipped(path, "x.npy", b"\x93NUMPY\x01\x00v\x00{'descr'"),
}


def _npy() -> bytes:
    path = Path("bare.npy")
    np.save(path, X)
    data = path.read_bytes()
    path.unlink()
    return data


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_data_is_named(refused: Command, work: Path, name: str) -> None:
    FILES[name](work / "bad.npz")
    assert refused(*compile_words(data="bad.npz")).codes == ["SNN401"]
    assert refused("verify", "tiny.snnp", "--data", "bad.npz").codes == ["SNN401"]
    result = refused("run", "tiny.snnp", "--data", "bad.npz", "-o", "y.npz")
    assert "bad.npz" in result.json["diagnostics"][0]["message"]


INPUTS: dict[str, tuple[str, Any]] = {
    "no samples": ("SNN405", X[:0]),
    "NaN": ("SNN404", np.where(X > 0.9, np.nan, X)),
    "infinite": ("SNN404", np.where(X > 0.9, np.inf, X)),
    "beyond float32": ("SNN404", X.astype(np.float64) * 1e200),
    "wrong size": ("SNN403", X[..., :5]),
    "one sample": ("SNN403", X[0]),
    "channels last": ("SNN403", X.transpose(0, 2, 3, 1)),
    "flat": ("SNN403", X.reshape(24, -1)),
    "a number": ("SNN403", np.float32(1)),
    "complex": ("SNN403", X.astype(complex)),
    "strings": ("SNN403", X.astype(str)),
    "truth values": ("SNN403", X > 0.5),
    "records": ("SNN403", np.zeros(24, dtype=[("a", "f4")])),
    "dates": ("SNN403", np.zeros((24, 1, 6, 6), dtype="datetime64[s]")),
}


@pytest.mark.parametrize("name", INPUTS)
def test_inputs_that_do_not_fit_are_named(refused: Command, work: Path, name: str) -> None:
    code, x = INPUTS[name]
    np.savez(work / "bad.npz", x=x)
    calls = (compile_words(data="bad.npz"), ("verify", "tiny.snnp", "--data", "bad.npz"))
    for words in (*calls, ("run", "tiny.snnp", "--data", "bad.npz", "-o", "y.npz")):
        result = refused(*words)
        assert result.codes == [code]
        assert result.json["diagnostics"][0]["loc"]["file"] == "bad.npz"


@pytest.mark.parametrize("dtype", ["uint8", "int32", "float16", ">f8"])
def test_real_numbers_of_any_type_will_do(snncc: Command, work: Path, dtype: str) -> None:
    np.savez(work / "some.npz", x=(X * 9).astype(dtype))
    assert snncc(*compile_words(data="some.npz")).code == 0
    assert snncc("run", "tiny.snnp", "--data", "some.npz", "-o", "y.npz").code == 0


Y = np.arange(24) % 3
LABELS: dict[str, Any] = {
    "too few": Y[:3],
    "none": Y[:0],
    "out of range": Y + 1,
    "negative": Y - 1,
    "strings": Y.astype(str),
    "floats": Y.astype(float),
    "a column": Y[:, None],
    "a number": np.int64(3),
    "complex": Y.astype(complex),
    "truth values": Y > 1,
    "NaN": np.full((24, 3), np.nan),
    "beyond float32": np.full((24, 3), 1e308),
    "wrong targets": np.zeros((24, 4)),
}


@pytest.mark.parametrize("name", LABELS)
def test_labels_that_do_not_fit_are_named_by_compile_and_verify(refused: Command, work: Path, name: str) -> None:
    np.savez(work / "bad.npz", x=X, y=LABELS[name])
    for words in (compile_words(data="bad.npz"), ("verify", "tiny.snnp", "--data", "bad.npz")):
        result = refused(*words)
        assert result.codes == ["SNN406"]
        assert result.json["diagnostics"][0]["loc"]["name"] == "y"


@pytest.mark.parametrize(
    "labels", [Y.astype(np.uint64), np.zeros((24, 3)), np.eye(3, dtype=int)[Y]], ids=["unsigned", "targets", "one-hot"]
)
def test_class_indices_and_target_values_will_do(snncc: Command, work: Path, labels: np.ndarray) -> None:
    np.savez(work / "some.npz", x=X, y=labels)
    report = snncc("verify", "tiny.snnp", "--data", "some.npz", "--limit", 4, "--json").json
    assert (report["float_accuracy"] is None) == (labels.ndim == 2)
    assert (report["float_mae"] is None) == (labels.ndim == 1)


def test_an_array_may_have_the_name_of_the_input(snncc: Command, work: Path) -> None:
    np.savez(work / "named.npz", image=X)
    assert snncc(*compile_words(data="named.npz")).code == 0


def test_every_input_needs_an_array(refused: Command, work: Path) -> None:
    save_two(work / "two.onnx")
    np.savez(work / "bad.npz", c=X)
    assert refused(*compile_words("two.onnx", "bad.npz")).codes == ["SNN402", "SNN402"]
    np.savez(work / "bad.npz", a=np.zeros((9, 4)))
    result = refused(*compile_words("two.onnx", "bad.npz"))
    assert "'b_0'" in result.json["diagnostics"][0]["message"]


def test_every_problem_of_the_data_comes_at_once(refused: Command, work: Path, golden: Callable[..., None]) -> None:
    save_two(work / "two.onnx")
    np.savez(work / "bad.npz", a=np.zeros((9, 3)), b_0=np.full((8, 5), np.nan), y=np.zeros(2))
    result = refused(*compile_words("two.onnx", "bad.npz"))
    assert result.codes == ["SNN403", "SNN404", "SNN403", "SNN406"]


def test_the_words_for_data_that_does_not_fit(snncc: Command, work: Path, golden: Callable[..., None]) -> None:
    save_two(work / "two.onnx")
    np.savez(work / "bad.npz", a=np.zeros((9, 3)), b_0=np.full((8, 5), np.nan), y=np.zeros(2))
    golden(snncc(*compile_words("two.onnx", "bad.npz")).err, "cli/data.txt")


def test_several_inputs_compile_verify_and_run(snncc: Command, work: Path) -> None:
    """Arrays may be called as in the model's file, where names hold what ours do not."""
    save_two(work / "two.onnx")
    rng = np.random.default_rng(4)
    arrays: dict[str, Any] = {"a": rng.random((9, 4)), "b:0": rng.random((9, 5))}
    np.savez(work / "two.npz", **arrays)
    assert snncc(*compile_words("two.onnx", "two.npz", "two.snnp")).code == 0
    assert snncc("verify", "two.snnp", "--data", "two.npz").code == 0
    assert snncc("run", "two.snnp", "--data", "two.npz", "-o", "y.npz").code == 0
    assert "input b_0: float32 [samples, 5]" in snncc("inspect", "two.snnp").out
