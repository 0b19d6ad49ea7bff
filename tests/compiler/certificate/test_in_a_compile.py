"""Every compile of a network writes its certificate into the file, and tells how much it proves."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

import snncc
from snncc.compiler.coding import CODINGS, Levels
from snncc.compiler.container import save_program
from snncc.compiler.diagnostics import InternalError, SnnccError
from snncc.compiler.program import Program
from snncc.inspection import inspect_file
from snncc.show import compiled, inspected
from snncc.summary import certificate_summary, program_summary

SEALED = ["program.json", "program.safetensors", "network.txt", "network.safetensors"]


@pytest.fixture(scope="module")
def program(tiny_model: onnx.ModelProto) -> Program:
    x = np.random.default_rng(1).random((32, 1, 8, 8), dtype=np.float32)
    return snncc.compile(tiny_model, calibration=x, coding="bitplane", levels=7)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path: Path, changes: Mapping[str, bytes]) -> Path:
    kept = members(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in {**kept, **changes}.items():
            archive.writestr(name, data)
    return path


def test_the_certificate_is_the_last_member_and_seals_the_others(program: Program, tmp_path: Path) -> None:
    program.save(tmp_path / "net.snnp")
    found = members(tmp_path / "net.snnp")
    assert list(found)[-2:] == ["compile.json", "certificate.json"]
    certificate = json.loads(found["certificate.json"])
    assert certificate["sha256"] == {name: hashlib.sha256(found[name]).hexdigest() for name in SEALED}
    assert certificate["populations"].keys() == {p.name for p in program.populations}


def test_a_loaded_program_has_the_certificate_of_its_file(program: Program, tmp_path: Path) -> None:
    for name in ("first", "second"):
        program.save(tmp_path / name)
        program = snncc.load(tmp_path / name)
    assert program.origin is not None
    assert program.origin.certificate is not None
    assert "sha256" not in program.origin.certificate
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()


def test_a_program_without_certificate_has_no_such_member(program: Program, tmp_path: Path) -> None:
    assert program.origin is not None
    bare = replace(program, origin=replace(program.origin, certificate=None))
    save_program(bare, tmp_path / "bare.snnp")
    assert "certificate.json" not in members(tmp_path / "bare.snnp")
    assert snncc.load(tmp_path / "bare.snnp") == bare
    assert certificate_summary(bare) is None
    assert certificate_summary(program.without_origin()) is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is no JSON"),
        (b"[]", "holds no object"),
        (b"{}", "holds no proofs"),
        (b'{"populations": {"a": {}}}', "holds no proofs"),
        (b'{"populations": {"a": {"proof": {"rows": 1, "classes": "2"}}}}', "something else than integers"),
    ],
)
def test_a_malformed_certificate_is_refused(program: Program, tmp_path: Path, data: bytes, said: str) -> None:
    program.save(tmp_path / "net.snnp")
    with pytest.raises(SnnccError, match=said):
        snncc.load(rewritten(tmp_path / "net.snnp", {"certificate.json": data}))


def test_the_summary_counts_what_was_proved(program: Program, capsys: pytest.CaptureFixture[str]) -> None:
    told = program_summary(program)
    proved = told["certificate"]
    assert proved["populations"] == len(program.populations)
    assert proved["classes"] >= proved["neuron_programs"] >= proved["populations"]
    compiled(told | {"file": "net.snnp"}, as_json=False)
    line = (
        f"certificate: {proved['populations']} populations, {proved['neuron_programs']} neuron programs proved on "
        f"{proved['classes']} classes"
    )
    assert line in " ".join(capsys.readouterr().out.split())
    compiled(told | {"file": "net.snnp"}, as_json=True)
    assert json.loads(capsys.readouterr().out)["certificate"] == proved


def test_inspecting_a_program_tells_what_was_proved(
    program: Program, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.save(tmp_path / "net.snnp")
    inspected(inspect_file(tmp_path / "net.snnp"), as_json=False, text=False)
    assert "neuron programs proved on" in " ".join(capsys.readouterr().out.split())


def test_a_compile_that_cannot_prove_its_program_fails(
    tiny_model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A coding whose neurons fire above their threshold, not at it, never leaves the compiler."""

    class Late(type(CODINGS["rate"])):  # type: ignore[misc]
        def fire(self, levels: Levels, shifts: bool) -> str:
            return super().fire(levels, shifts).replace("s = ge v theta", "s = gt v theta")

    monkeypatch.setitem(CODINGS, "rate", Late())
    x = np.random.default_rng(1).random((8, 1, 8, 8), dtype=np.float32)
    with pytest.raises(InternalError, match="do not obey their law"):
        snncc.compile(tiny_model, calibration=x, coding="rate", levels=3)
