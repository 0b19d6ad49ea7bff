"""``snncc emit``, ``snncc backends``, ``verify --on`` and ``run --engine c``: artifacts from the command line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from snncc.backends import registry
from snncc.backends.base import Backend
from snncc.compiler.data import read_npz
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Trace
from tests.snncc.conftest import Command, compile_words, save_tiny

BACKENDS = ("c", "lava", "onnx")
needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


def emit_words(backend: str, output: str = "art", *more: str) -> list[str]:
    return ["emit", "tiny.snnp", "--backend", backend, "-o", output, *more]


@pytest.mark.parametrize("backend", BACKENDS)
def test_emit_writes_a_whole_artifact(work: Path, snncc: Command, backend: str) -> None:
    done = snncc(*emit_words(backend), "--json")
    assert done.code == 0, done.out
    manifest = json.loads((work / "art" / "manifest.json").read_text(encoding="utf-8"))
    assert done.json == manifest | {"folder": "art"}
    assert (manifest["backend"], manifest["target"]) == (backend, "loihi2")
    assert manifest["options"]["coding"] == "graded"
    found = {p.relative_to(work / "art").as_posix() for p in (work / "art").rglob("*") if p.is_file()}
    assert found == {*manifest["files"], "manifest.json"}
    assert "README.md" in found
    assert {"golden.txt", "golden.npz"} & found
    assert not [name for name in os.listdir(work) if name.startswith(".")]


@pytest.mark.parametrize("backend", BACKENDS)
def test_emitting_again_gives_the_same_bytes(work: Path, snncc: Command, backend: str) -> None:
    for output in ("one", "two", "one"):
        assert snncc(*emit_words(backend, output)).code == 0
    one, two = ({p.name: p.read_bytes() for p in (work / n).rglob("*") if p.is_file()} for n in ("one", "two"))
    assert one == two


def test_the_manifest_holds_the_hash_of_the_model_file(work: Path, snncc: Command) -> None:
    import hashlib

    manifest = snncc(*emit_words("c"), "--json").json
    assert manifest["model"]["sha256"] == hashlib.sha256((work / "tiny.onnx").read_bytes()).hexdigest()


def test_the_words_tell_where_and_what(work: Path, snncc: Command) -> None:
    done = snncc(*emit_words("c"))
    assert done.out.startswith("art: ")
    assert "flash_bytes" in done.out


def test_samples_of_the_user_go_into_the_golden_vectors(work: Path, snncc: Command) -> None:
    assert snncc(*emit_words("c", "plain")).code == 0
    assert snncc(*emit_words("c", "more", "--data", "test.npz")).code == 0
    plain, more = ((work / name / "golden.txt").read_text(encoding="ascii") for name in ("plain", "more"))
    assert more.count("\no 0 ") == plain.count("\no 0 ") + 24


@pytest.mark.parametrize("command", ["emit", "verify"])
def test_an_unknown_backend_is_a_bad_option(work: Path, snncc: Command, command: str) -> None:
    words = {"emit": emit_words("loihi9"), "verify": ["verify", "tiny.snnp", "--data", "test.npz", "--on", "loihi9"]}[
        command
    ]
    done = snncc(*words, "--json")
    assert (done.code, done.codes) == (2, ["SNN600"])
    assert "c, lava, onnx" in done.json["diagnostics"][0]["hint"]
    assert not (work / "art").exists()


def test_all_that_is_wrong_is_told_at_once(work: Path, snncc: Command) -> None:
    (work / "mine").mkdir()
    (work / "mine" / "thesis.txt").write_text("mine", encoding="utf-8")
    done = snncc("emit", "nothing.snnp", "--backend", "c", "-o", "mine", "--data", "nothing.npz", "--json")
    assert (done.code, sorted(done.codes)) == (1, ["SNN302", "SNN401", "SNN603"])
    assert os.listdir(work / "mine") == ["thesis.txt"]


def test_backends_are_listed(snncc: Command) -> None:
    listed = {backend["name"]: backend for backend in snncc("backends", "--json").json["backends"]}
    assert set(BACKENDS) <= set(listed)
    assert listed["onnx"]["gives"] == "levels"
    assert listed["c"]["runs"] == (shutil.which(os.environ.get("CC", "cc")) is not None)
    words = snncc("backends").out
    assert all(name in words for name in BACKENDS)


def test_a_backend_that_cannot_be_loaded_is_listed_with_the_reason(
    snncc: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(registry.BUNDLED, "broken", "no.such.module:Thing")
    listed = {backend["name"]: backend for backend in snncc("backends", "--json").json["backends"]}
    assert "SNN601" in listed["broken"]["problem"]
    assert not listed["broken"]["runs"]
    assert not listed["c"]["problem"]


class Faulty(Backend):
    """A backend of another package, that raises wherever it is told to."""

    name, about, where = "faulty", "for failing", ""

    def step(self, name: str) -> None:
        if name == self.where:
            raise RuntimeError("oh no")

    def check(self, program: Program) -> list[Diagnostic]:
        self.step("check")
        return []

    def emit(self, program: Program, folder: Path) -> Mapping[str, Any]:
        self.step("emit")
        return {"odd": object()} if self.where == "facts" else {}

    def run(self, artifact: Path, feed: Feed) -> Trace:
        self.step("run")
        yield {}

    def missing(self) -> str:
        self.step("missing")
        return ""


@pytest.mark.parametrize("where", ["check", "emit", "facts", "run", "missing"])
def test_errors_of_other_packages_are_theirs(
    work: Path, snncc: Command, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(registry, "_installed", lambda: [EntryPoint("faulty", f"{__name__}:Faulty", registry.GROUP)])
    monkeypatch.setattr(Faulty, "where", where)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Faulty)
    done = snncc("verify", "tiny.snnp", "--data", "test.npz", "--limit", "3", "--on", "faulty", "--json")
    assert (done.code, done.codes) == (1, ["SNN607"])
    if where == "missing":
        assert any("SNN607" in b["problem"] for b in snncc("backends", "--json").json["backends"])


@needs_cc
def test_verify_runs_the_artifact_too(work: Path, snncc: Command) -> None:
    done = snncc("verify", "tiny.snnp", "--data", "test.npz", "--limit", "9", "--on", "c", "--json")
    assert done.code == 0, done.out
    report = done.json
    assert (report["exact"], report["device"], report["device_mismatches"]) == (True, "c", 0)
    assert report["device_samples"] == 9 + report["witnesses"]
    assert "c artifact" in report["verdict"]


def test_verify_compares_levels_of_all_samples(work: Path, snncc: Command) -> None:
    report = snncc("verify", "tiny.snnp", "--data", "test.npz", "--on", "onnx", "--json").json
    assert (report["exact"], report["device"], report["device_steps"]) == (True, "onnx", 0)
    assert report["device_samples"] == 24 + report["witnesses"]


def test_verify_fails_where_the_runtime_is_missing(work: Path, snncc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    done = snncc("verify", "tiny.snnp", "--data", "test.npz", "--on", "c", "--json")
    assert (done.code, done.codes) == (1, ["SNN605"])


@needs_cc
def test_an_artifact_that_lies_is_found_out(work: Path, snncc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from snncc.backends.c.backend import CBackend

    honest = CBackend.emit

    def lying(self: Backend, program: object, folder: Path) -> object:
        facts = honest(self, program, folder)  # type: ignore[arg-type]
        source = next(path for path in folder.iterdir() if path.suffix == ".c" and path.name != "main.c")
        text = source.read_text(encoding="ascii")
        begin = text.index("{", text.index("int8_t")) + 1
        end = text.index("}", begin)
        numbers = [int(word) for word in text[begin:end].replace("\n", " ").split(",") if word.strip()]
        numbers[0] += 1 if numbers[0] < 100 else -1
        source.write_text(text[:begin] + ", ".join(map(str, numbers)) + text[end:], encoding="ascii")
        return facts

    monkeypatch.setattr(CBackend, "emit", lying)
    done = snncc("verify", "tiny.snnp", "--data", "test.npz", "--on", "c", "--json")
    assert done.code == 1
    assert done.json["device_mismatches"] > 0
    assert done.json["mismatches"] == 0
    assert done.json["first_divergence"]["population"]


@needs_cc
def test_run_steps_in_c(work: Path, snncc: Command) -> None:
    for engine in ("levels", "c"):
        words = ["run", "tiny.snnp", "--data", "test.npz", "--engine", engine, "-o", f"{engine}.npz"]
        assert snncc(*words).code == 0
    fast, stepped = (read_npz(Path(f"{engine}.npz")) for engine in ("levels", "c"))
    assert fast.keys() == stepped.keys()
    assert all(np.array_equal(fast[name], stepped[name]) for name in fast)


HOSTILE = [
    'a"b\\c',
    "line\nbreak\r\n#include <stdlib.h>",
    "../../../etc/passwd",
    "__import__('os').system('touch owned')",
    "*/ int main(void) { abort(); } /*",
    "int",
    "%s%n%x",
    "\u202egnirts \U0001f9e0",
    "x" * 10_000,
]


@needs_cc
@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_do_no_harm(work: Path, snncc: Command, name: str) -> None:
    save_tiny(work / "evil.onnx", name)
    model = onnx.load(work / "evil.onnx")
    for node in model.graph.node:
        node.name = f"{name} {node.op_type}"
        node.output[:] = [name if item == "c" else item for item in node.output]
        node.input[:] = [name if item == "c" else item for item in node.input]
    onnx.save(model, work / "evil.onnx")
    assert snncc(*compile_words("evil.onnx", output="evil.snnp")).code == 0
    before = set(os.listdir(work))
    for backend in BACKENDS:
        done = snncc("emit", "evil.snnp", "--backend", backend, "-o", f"art-{backend}", "--json")
        assert done.code == 0, done.out
        assert any(name in p["layer"]["name"] for p in done.json["populations"])
        for path in (work / f"art-{backend}").rglob("*"):
            assert re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", path.name)
    test = subprocess.run(["sh", "selftest.sh"], cwd=work / "art-c", capture_output=True, text=True, check=False)
    assert test.returncode == 0, test.stdout + test.stderr
    assert set(os.listdir(work)) == before | {f"art-{backend}" for backend in BACKENDS}
