"""Programs: reproducible, refused when broken, and found out when they are not what was compiled."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snncc import api
from snncc.compiler.program import ConvSynapses
from snncc.runtime.report import Report
from tests.snncc.conftest import Command, compile_words


def members() -> dict[str, bytes]:
    with zipfile.ZipFile("tiny.snnp") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def resealed(path: Path, changes: Mapping[str, bytes | None]) -> None:
    """Write the program with other members and valid checksums; None leaves one out."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members(), **changes}.items():
            if data is not None:
                archive.writestr(name, data)


def flipped(path: Path, where: float) -> None:
    data = bytearray(Path("tiny.snnp").read_bytes())
    data[int(where * len(data))] ^= 0xFF
    path.write_bytes(data)


def edited(path: Path, *keys: str | int, value: object) -> None:
    """Change one value of program.json."""
    plain = json.loads(members()["program.json"])
    inner = plain
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    resealed(path, {"program.json": json.dumps(plain).encode()})


BROKEN: dict[str, Callable[[Path], Any]] = {
    "missing": lambda path: None,
    "empty": lambda path: path.write_bytes(b""),
    "folder": lambda path: path.mkdir(),
    "truncated": lambda path: path.write_bytes(Path("tiny.snnp").read_bytes()[:5000]),
    "model": lambda path: path.write_bytes(Path("tiny.onnx").read_bytes()),
    "data": lambda path: path.write_bytes(Path("cal.npz").read_bytes()),
    "flipped early": lambda path: flipped(path, 0.1),
    "flipped late": lambda path: flipped(path, 0.9),
    "no program": lambda path: resealed(path, {"program.json": None}),
    "no arrays": lambda path: resealed(path, {"program.safetensors": None}),
    "empty arrays": lambda path: resealed(path, {"program.safetensors": b""}),
    "other arrays": lambda path: resealed(path, {"program.safetensors": members()["network.safetensors"]}),
    "no network": lambda path: resealed(path, {"network.txt": None}),
    "empty network": lambda path: resealed(path, {"network.txt": b""}),
    "half a network": lambda path: resealed(path, {"network.txt": members()["network.txt"][:900]}),
    "garbled notes": lambda path: resealed(path, {"compile.json": b"\xff\xfe"}),
    "nested": lambda path: resealed(path, {"program.json": b"[" * 100000}),
    "newer": lambda path: edited(path, "version", value=99),
    "huge scale": lambda path: edited(path, "outputs", 0, "scale", value="1" + 400 * "0"),
    "NaN scale": lambda path: edited(path, "outputs", 0, "scale", value="nan"),
    "infinite scale": lambda path: edited(path, "inputs", 0, "scale", value=float("inf")),
    "negative scale": lambda path: edited(path, "inputs", 0, "scale", value="-1/3"),
    "interval": lambda path: edited(path, "interval", value=-3),
    "window": lambda path: edited(path, "populations", 1, "window", value=10**12),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_program_is_refused(refused: Command, work: Path, name: str) -> None:
    BROKEN[name](work / "bad.snnp")
    for words in (
        ("inspect", "bad.snnp"),
        ("verify", "bad.snnp", "--data", "test.npz"),
        ("run", "bad.snnp", "--data", "test.npz", "-o", "y.npz"),
    ):
        result = refused(*words)
        assert set(result.codes) & {"SNN002", "SNN010", "SNN302", "SNN303", "SNN304", "SNN305", "SNN315", "SNN317"}


def test_a_broken_float_model_is_refused_by_verify(refused: Command, work: Path) -> None:
    resealed(work / "bad.snnp", {"model.onnx": members()["model.onnx"][:99]})
    assert refused("verify", "bad.snnp", "--data", "test.npz").codes == ["SNN303"]


def test_the_words_for_a_broken_program(snncc: Command, work: Path, golden: Callable[..., None]) -> None:
    edited(work / "bad.snnp", "outputs", 0, "scale", value="nan")
    text = snncc("verify", "bad.snnp", "--data", "missing.npz").err
    text += snncc("inspect", "missing.snnp").err
    golden(text, "cli/program.txt")


def test_a_program_is_known_by_what_it_holds(snncc: Command, work: Path) -> None:
    (work / "tiny.snnp").rename(work / "tiny.zip")
    assert snncc("inspect", "tiny.zip", "--json").json["kind"] == "program"


def test_compiling_twice_gives_the_same_bytes(snncc: Command, work: Path) -> None:
    for name in ("first.snnp", "second.snnp"):
        assert snncc(*compile_words(output=name)).code == 0
    assert (work / "first.snnp").read_bytes() == (work / "second.snnp").read_bytes()
    assert (work / "first.snnp").read_bytes() == (work / "tiny.snnp").read_bytes()


def tamper() -> None:
    """Change one weight, and save the program with valid checksums."""
    program = api.load("tiny.snnp")
    first, *rest = program.connections
    assert isinstance(first.synapses, ConvSynapses)
    weight = np.array(first.synapses.weight)
    weight[1, 0, 2, 2] += 3
    changed = replace(first, synapses=replace(first.synapses, weight=weight))
    replace(program, connections=(changed, *rest)).save("tampered.snnp")


def test_verify_finds_one_changed_weight(snncc: Command, work: Path) -> None:
    tamper()
    said = snncc("verify", "tampered.snnp", "--data", "test.npz")
    assert said.code == 1
    verdict, first, *_ = said.out.splitlines()
    assert verdict.startswith("NOT EXACT: ")
    assert first.startswith("first: ")
    assert "of relu[" in first
    assert first.endswith("; tiny.onnx:relu (Relu)")
    result = snncc("verify", "tampered.snnp", "--data", "test.npz", "--json")
    assert result.code == 1
    assert not result.json["exact"]
    assert result.json["verdict"] == verdict
    assert result.json["first_divergence"]["population"] == "relu"


def test_a_changed_program_that_overflows_is_no_bug_of_ours(refused: Command, work: Path) -> None:
    program = api.load("tiny.snnp")
    *rest, last = program.connections
    weight = np.full_like(last.synapses.weight, 1 << 20)
    heavy = replace(last, synapses=replace(last.synapses, weight=weight))
    replace(program, connections=(*rest, heavy)).save("big.snnp")
    words = ("run", "big.snnp", "--data", "test.npz", "-o", "y.npz", "--engine", "emulator")
    assert refused(*words).codes == ["SNN341"]


def test_verify_prints_every_documented_figure_as_strict_json(snncc: Command) -> None:
    report = snncc("verify", "tiny.snnp", "--data", "test.npz", "--limit", 4, "--json").json
    assert set(report) == {"verdict", *(field.name for field in fields(Report))}
    assert report["verdict"] == (
        f"EXACT: every spike and membrane equals the integer network's on 4 samples and {report['witnesses']} witnesses"
    )
    assert report["exact"]


def test_verification_without_steps_or_labels(snncc: Command) -> None:
    result = snncc("verify", "tiny.snnp", "--data", "cal.npz", "--limit", 0)
    assert result.code == 0
    assert "an inference" not in result.out
    assert "predict the same class on" in result.out


def test_inspect_shows_the_input_contract_and_the_windows(snncc: Command, golden: Callable[..., None]) -> None:
    text = snncc("inspect", "tiny.snnp").out
    golden(re.sub(r"0\.\d+", "0.#", text), "cli/inspect_program.txt")  # scales vary with the libraries
    found = snncc("inspect", "tiny.snnp", "--json").json
    (contract,) = found["inputs"]
    assert contract | {"scale": 0, "range": 0} == {
        "name": "image",
        "shape": [1, 6, 6],
        "dtype": "float32",
        "lo": 0,
        "hi": 255,
        "scale": 0,
        "range": 0,
    }
    assert contract["range"] == [0, 255 * contract["scale"]]
    assert [(p["name"], p["start"], p["window"]) for p in found["nodes"]] == [
        ("image.levels", 0, 1),
        ("relu", 1, 1),
        ("gemm", 2, 1),
    ]


def test_compile_says_the_same_in_words_and_json(snncc: Command) -> None:
    said = snncc(*compile_words(), "--coding", "rate")
    found = snncc(*compile_words(), "--coding", "rate", "--json").json
    for key in ("file", "populations", "neurons", "coding", "levels", "latency_steps", "initiation_interval"):
        assert str(found[key]) in said.out
    assert found["notes"]
    assert all(note in said.out for note in found["notes"])
