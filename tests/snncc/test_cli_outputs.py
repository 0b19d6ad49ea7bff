"""Outputs that cannot be written are found before a long computation, and results are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from snncc import api
from tests.snncc.conftest import Command, compile_words

PLACES = ["folder", "file/x", "missing/x", ".", "..", "/dev/null", "a" * 300, "dangling", "cal.npz", ""]


@pytest.fixture
def places(work: Path) -> Path:
    (work / "folder").mkdir()
    (work / "file").write_text("x")
    (work / "dangling").symlink_to("nowhere/x")
    return work


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_cannot_be_written_is_named(refused: Command, places: Path, place: str) -> None:
    assert refused(*compile_words(output=place)).codes == ["SNN301"]
    assert refused("run", "tiny.snnp", "--data", "cal.npz", "-o", place).codes == ["SNN407"]


def test_no_input_is_replaced(refused: Command) -> None:
    assert refused(*compile_words(output="tiny.onnx")).codes == ["SNN301"]
    assert refused("run", "tiny.snnp", "--data", "cal.npz", "-o", "tiny.snnp").codes == ["SNN407"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_not_be_written_is_named(refused: Command, work: Path) -> None:
    (work / "old.snnp").write_bytes(b"x")
    (work / "old.snnp").chmod(0o444)
    assert refused(*compile_words(output="old.snnp")).codes == ["SNN301"]


@pytest.mark.parametrize("place", ["file", "file/x"])
def test_a_folder_for_stages_that_cannot_be_made_is_named(refused: Command, places: Path, place: str) -> None:
    assert refused(*compile_words(), "--save-stages", place).codes == ["SNN407"]


def test_every_file_at_fault_is_named_at_once(refused: Command, places: Path) -> None:
    words = compile_words("missing.onnx", "missing.npz", "folder")
    result = refused(*words, "--save-stages", "file")
    assert result.codes == ["SNN100", "SNN401", "SNN301", "SNN407"]


def test_outputs_are_looked_at_before_the_compilation(refused: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(*args: object, **options: object) -> None:
        raise AssertionError("compiled in vain")

    monkeypatch.setattr(api, "compile", late)
    assert refused(*compile_words(output="missing/x.snnp")).codes == ["SNN301"]


def test_a_disk_that_fills_up_leaves_the_old_file(snncc: Command, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: object, **arrays: object) -> None:
        raise OSError(28, "No space left on device")

    (work / "y.npz").write_bytes(b"old")
    before = sorted(work.iterdir())
    monkeypatch.setattr(np, "savez_compressed", full)
    result = snncc("run", "tiny.snnp", "--data", "test.npz", "-o", "y.npz")
    assert result.code == 1
    assert result.err.startswith("y.npz: error[SNN407]: cannot write 'y.npz': No space left on device\n")
    assert (work / "y.npz").read_bytes() == b"old"
    assert sorted(work.iterdir()) == before


def test_a_stage_that_cannot_be_saved_is_named(snncc: Command, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    result = snncc(*compile_words(), "--save-stages", "stages")
    assert result.code == 1
    assert "error[SNN407]: cannot write stages to 'stages': No space left on device" in result.err
    assert not (work / "new.snnp").exists()


def test_a_result_is_written_through_a_link_with_usual_permissions(snncc: Command, work: Path) -> None:
    (work / "there").mkdir()
    (work / "link.npz").symlink_to("there/y.npz")
    assert snncc("run", "tiny.snnp", "--data", "test.npz", "-o", "link.npz").code == 0
    (work / "plain").write_text("")
    assert (work / "link.npz").is_symlink()
    assert (work / "there/y.npz").stat().st_mode == (work / "plain").stat().st_mode


@pytest.mark.parametrize("engine", [[], ["--engine", "levels"], ["--engine", "emulator"]])
def test_run_writes_real_values_and_integers(snncc: Command, work: Path, engine: list[str]) -> None:
    words = ("run", "tiny.snnp", "--data", "test.npz", "-o", "y.npz")
    assert snncc(*words, *engine).out == "y.npz: y [24, 3], y_integer [24, 3]\n"
    with np.load(work / "y.npz") as found:
        assert sorted(found.files) == ["y", "y_integer"]
        real, integer = found["y"], found["y_integer"]
    assert (real.dtype, integer.dtype) == (np.float32, np.int64)
    scale = snncc("inspect", "tiny.snnp", "--json").json["outputs"][0]["scale"]
    np.testing.assert_array_equal(real, (integer * scale).astype(np.float32))
    result = snncc(*words, *engine, "--json").json
    assert result == {
        "samples": 24,
        "outputs": {"y": [24, 3], "y_integer": [24, 3]},
        "clipped_inputs": 0,
        "file": "y.npz",
    }


def test_both_engines_give_the_same_integers(snncc: Command, work: Path) -> None:
    for engine in ("levels", "emulator"):
        snncc("run", "tiny.snnp", "--data", "test.npz", "-o", f"{engine}.npz", "--engine", engine)
    with np.load(work / "levels.npz") as fast, np.load(work / "emulator.npz") as stepped:
        np.testing.assert_array_equal(fast["y_integer"], stepped["y_integer"])


def test_run_tells_of_clipped_inputs(snncc: Command, work: Path) -> None:
    np.savez(work / "wide.npz", x=np.full((2, 1, 6, 6), 5.0))
    words = ("run", "tiny.snnp", "--data", "wide.npz", "-o", "y.npz")
    assert "72 input values lie outside the calibrated range and were clipped" in snncc(*words).out
    assert snncc(*words, "--json").json["clipped_inputs"] == 72
