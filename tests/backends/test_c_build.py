"""Compiling and running from Python: the cache, the compiler, and processes that end."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.artifact import write_artifact
from snncc.backends.c import build
from snncc.backends.c.engine import read_outputs
from snncc.compiler.diagnostics import SnnccError
from tests.backends.c_support import C, event_feed
from tests.runtime.test_emulator import lif_program, random_events

FEED = event_feed(60, {"dvs": random_events(1, 50)})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SNNCC_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache" / "c"


@pytest.fixture
def artifact(tmp_path: Path) -> Path:
    write_artifact(C, lif_program(), tmp_path / "lif")
    return tmp_path / "lif"


def code_of(found: pytest.ExceptionInfo[SnnccError]) -> str:
    return found.value.diagnostics[0].code


def test_an_artifact_is_compiled_once_and_again_when_it_changes(cache: Path, artifact: Path) -> None:
    first = build.build(artifact)
    made = first.stat().st_mtime_ns
    assert build.build(artifact) == first
    assert first.stat().st_mtime_ns == made
    assert [path.name for path in cache.iterdir()] == [first.name]
    with open(artifact / "snncc_net.c", "a") as file:
        file.write("/* other */\n")
    assert build.build(artifact) != first
    assert len(list(cache.iterdir())) == 2


def test_other_options_of_the_compiler_make_another_binary(
    cache: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build.build(artifact)
    monkeypatch.setenv("CC", "cc -DOTHER")
    assert build.build(artifact) != first


def test_a_compiler_that_does_not_know_this_processor_serves_too(
    cache: Path, artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "plain cc"
    plain.write_text('#!/bin/sh\ncase "$*" in *-march=native*) exit 1;; esac\nexec cc "$@"\n')
    plain.chmod(0o755)
    monkeypatch.setenv("CC", f"'{plain}'")
    assert len(list(C.run(artifact, FEED))) == 60


def test_without_a_compiler_it_says_so(cache: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert C.missing() == ""
    monkeypatch.setenv("CC", "no-such-compiler -O9")
    assert "'no-such-compiler'" in C.missing()
    with pytest.raises(SnnccError) as found:
        C.run(artifact, FEED)
    assert code_of(found) == "SNN605"


def test_what_the_compiler_refuses_is_told(cache: Path, artifact: Path) -> None:
    (artifact / "snncc_net.c").write_text("#error broken on purpose\n")
    with pytest.raises(SnnccError, match="broken on purpose") as found:
        C.run(artifact, FEED)
    assert code_of(found) == "SNN606"
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(
    artifact: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SNNCC_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(SnnccError, match="cannot be kept") as found:
        C.run(artifact, FEED)
    assert code_of(found) == "SNN606"


@pytest.mark.parametrize("name", ["manifest.json", "main.c"])
def test_a_missing_file_is_told(name: str, cache: Path, artifact: Path) -> None:
    (artifact / name).unlink()
    with pytest.raises(SnnccError) as found:
        C.run(artifact, FEED)
    assert code_of(found) == "SNN604"


@pytest.mark.parametrize("text", ['{"format": 1}', '{"format": 1, "populations": [{"name": 1}]}'])
def test_a_manifest_without_its_lists_is_told(text: str, cache: Path, artifact: Path) -> None:
    (artifact / "manifest.json").write_text(text)
    with pytest.raises(SnnccError, match="does not list the populations") as found:
        C.run(artifact, FEED)
    assert code_of(found) == "SNN604"


def test_a_binary_that_cannot_be_started_is_told(cache: Path, artifact: Path) -> None:
    binary = build.build(artifact)
    binary.write_bytes(b"no program")
    with pytest.raises(SnnccError, match="cannot be started") as found:
        next(C.run(artifact, FEED))
    assert code_of(found) == "SNN606"


def test_a_binary_that_stops_early_is_told(cache: Path, artifact: Path) -> None:
    binary = build.build(artifact)
    binary.write_text("#!/bin/sh\necho broken pipe dream >&2\nexit 7\n")
    with pytest.raises(SnnccError, match=r"status 7: broken pipe dream"):
        next(C.run(artifact, FEED))
    binary.write_text("#!/bin/sh\nprintf '12345678'\n")
    with pytest.raises(SnnccError, match="other populations than its manifest"):
        next(C.run(artifact, FEED))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_trace_that_is_given_up_leaves_no_process(cache: Path, artifact: Path) -> None:
    def children() -> set[str]:
        return {p.name for p in Path("/proc").iterdir() if p.name.isdigit() and parent(p) == os.getpid()}

    def parent(process: Path) -> int:
        try:
            return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            return 0

    before = children()
    ran = C.run(artifact, event_feed(10**6, {"dvs": random_events(1, 50)}))
    assert children() == before
    next(ran)
    assert len(children() - before) == 1
    ran.close()  # type: ignore[attr-defined]
    assert children() == before


def test_a_network_of_events_gives_no_outputs_of_samples(cache: Path, artifact: Path) -> None:
    with pytest.raises(SnnccError, match="takes events"):
        read_outputs(artifact, {"dvs": np.zeros((1, 4), dtype=np.int64)})
