"""Artifacts are written whole or not at all, say what they are, and never take the place of the user's files."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from snncc.backends.artifact import read_manifest, write_artifact
from snncc.backends.base import Backend
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Trace
from tests.strategies_program import example, example_with_origin


class Paper(Backend):
    """Writes the program down."""

    name: ClassVar[str] = "paper"
    about: ClassVar[str] = "for reading"
    problems: ClassVar[list[Diagnostic]] = []

    def check(self, program: Program) -> list[Diagnostic]:
        return self.problems

    def emit(self, program: Program, folder: Path) -> Mapping[str, Any]:
        (folder / "code").mkdir()
        (folder / "code" / "net.txt").write_text(str(program), encoding="utf-8")
        (folder / "README.md").write_text("read net.txt\n", encoding="utf-8")
        return {"pages": 1}

    def run(self, artifact: Path, feed: Feed) -> Trace:
        raise NotImplementedError


def refused(folder: Path) -> SnnccError:
    with pytest.raises(SnnccError) as error:
        write_artifact(Paper(), example(), folder)
    return error.value


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_manifest_tells_what_there_is(tmp_path: Path) -> None:
    written = write_artifact(Paper(), example_with_origin(), tmp_path / "a")
    manifest = read_manifest(tmp_path / "a")
    assert manifest == json.loads(json.dumps(written))
    assert (manifest["backend"], manifest["target"], manifest["facts"]) == ("paper", "loihi1", {"pages": 1})
    assert manifest["options"]["coding"] == "rate"
    assert [p["object"] for p in manifest["populations"]] == ["p0", "p1"]
    assert manifest["populations"][1]["layer"]["name"] == "/features/0/Conv"
    assert manifest["connections"][0]["layer"]["module"] == "features.0"
    assert manifest["inputs"][0]["scale"] == "3/8"
    for name, digest in manifest["files"].items():
        assert hashlib.sha256((tmp_path / "a" / name).read_bytes()).hexdigest() == digest
    assert set(manifest["files"]) == {"README.md", "code/net.txt"}


def test_the_same_program_makes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_artifact(Paper(), example_with_origin(), tmp_path / name)
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_an_artifact_is_replaced_and_nothing_is_left_over(tmp_path: Path) -> None:
    write_artifact(Paper(), example(), tmp_path / "a", lambda part: (part / "old.txt").touch())
    assert "old.txt" in tree(tmp_path / "a")
    write_artifact(Paper(), example(), tmp_path / "a")
    assert set(tree(tmp_path / "a")) == {"manifest.json", "README.md", "code/net.txt"}
    assert os.listdir(tmp_path) == ["a"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_artifact(Paper(), example(), tmp_path / "a")
    assert read_manifest(tmp_path / "a")["backend"] == "paper"


def test_files_of_the_user_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    assert [d.code for d in refused(tmp_path).diagnostics] == ["SNN603"]
    assert [d.code for d in refused(tmp_path / "mine.txt").diagnostics] == ["SNN603"]
    assert [d.code for d in refused(tmp_path / "mine.txt" / "a").diagnostics] == ["SNN603"]
    assert tree(tmp_path) == {"mine.txt": b"mine"}


@pytest.mark.parametrize("manifest", ['{"name": "app"}', '{"format": 1}', '{"format": 1, "files": {}}', "["])
def test_a_manifest_of_something_else_protects_its_folder(tmp_path: Path, manifest: str) -> None:
    (tmp_path / "app" / "src").mkdir(parents=True)
    (tmp_path / "app" / "manifest.json").write_text(manifest, encoding="utf-8")
    before = tree(tmp_path)
    assert [d.code for d in refused(tmp_path / "app").diagnostics] == ["SNN603"]
    assert tree(tmp_path) == before


def test_files_beside_an_artifact_protect_it(tmp_path: Path) -> None:
    write_artifact(Paper(), example(), tmp_path / "a")
    (tmp_path / "a" / "code" / "notes.txt").write_text("mine", encoding="utf-8")
    before = tree(tmp_path)
    assert "code/notes.txt" in str(refused(tmp_path / "a"))
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", [".", "../a", "..", "code/.."])
def test_the_current_folder_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write_artifact(Paper(), example(), tmp_path / "a")
    monkeypatch.chdir(tmp_path / "a")
    before = tree(tmp_path)
    assert [d.code for d in refused(Path(name)).diagnostics] == ["SNN603"]
    assert tree(tmp_path) == before
    assert os.listdir(tmp_path) == ["a"]


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "dangling").symlink_to(tmp_path / "new")
    for name in ("link", "dangling"):
        write_artifact(Paper(), example(), tmp_path / name)
        assert (tmp_path / name).is_symlink()
    assert read_manifest(tmp_path / "real") == read_manifest(tmp_path / "new")


def test_what_cannot_be_expressed_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [Diagnostic("SNN612", "one"), Diagnostic("SNN611", "two")]
    monkeypatch.setattr(Paper, "problems", problems)
    assert list(refused(tmp_path / "a").diagnostics) == problems
    assert os.listdir(tmp_path) == []


def test_a_failure_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    write_artifact(Paper(), example(), tmp_path / "a")
    before = tree(tmp_path)

    def full(part: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(SnnccError, match="No space left"):
        write_artifact(Paper(), example(), tmp_path / "a", full)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format": 99}'])
def test_a_broken_manifest_is_a_diagnostic(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(SnnccError, match="SNN604"):
        read_manifest(tmp_path)
