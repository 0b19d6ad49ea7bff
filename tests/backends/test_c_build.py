"""Compiling and running from Python: the cache, the compiler, and processes that end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.artifact import write_artifact
from snncc.backends.c import build, engine
from snncc.backends.c.engine import read_outputs
from snncc.compiler.diagnostics import SnnccError
from tests.backends.c_support import C, event_feed, two_inputs
from tests.runtime.test_emulator import lif_program, random_events

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize("text", ['"cc', "'", "cc \\"])
def test_a_compiler_whose_quotes_do_not_close_is_told(
    text: str, cache: Path, artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", text)
    assert "the variable CC" in C.missing()
    assert "is no command: No " in C.missing()
    with pytest.raises(SnnccError, match="is no command") as found:
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


def damaged(binary: Path, how: str) -> None:
    """Damage a file in place."""
    whole = binary.read_bytes()
    if how == "other":
        binary.write_text("#!/bin/sh\nexit 0\n")
    elif how == "cut":
        binary.write_bytes(whole[: len(whole) // 2])
    elif how == "flipped":
        binary.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    elif how == "forbidden":
        binary.chmod(0o600)
    else:
        binary.unlink()


@pytest.mark.parametrize("how", ["other", "cut", "flipped", "forbidden", "gone"])
def test_a_damaged_binary_is_compiled_again(how: str, cache: Path, artifact: Path) -> None:
    binary = build.build(artifact)
    whole = binary.read_bytes()
    damaged(binary, how)
    assert build.build(artifact) == binary
    assert binary.read_bytes() == whole
    assert [path.name for path in cache.iterdir()] == [binary.name]
    assert len(list(C.run(artifact, FEED))) == 60


def test_processes_that_share_a_cache_do_not_disturb_each_other(cache: Path, artifact: Path) -> None:
    code = "import sys, pathlib; from snncc.backends.c import build as b; print(b.build(pathlib.Path(sys.argv[1])))"
    command = [sys.executable, "-c", code, str(artifact)]
    both = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = {process.communicate()[0].strip() for process in both}
    assert told == {str(build.build(artifact))}
    assert len(list(cache.iterdir())) == 1


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that is run in place of the binary."""
    path = tmp_path / "fake"
    path.write_text("")
    path.chmod(0o755)
    monkeypatch.setattr(engine, "build", lambda artifact: path)
    return path


def test_a_binary_that_cannot_be_started_is_told(artifact: Path, fake: Path) -> None:
    fake.write_bytes(b"no program")
    with pytest.raises(SnnccError, match="cannot be started") as found:
        next(C.run(artifact, FEED))
    assert code_of(found) == "SNN606"


def words(*numbers: int) -> str:
    """Return a shell's command that writes integers as the binary does."""
    data = np.array(numbers, dtype="<i8").tobytes()
    return f"printf '{''.join(f'{chr(92)}{byte:03o}' for byte in data)}'"


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken pipe dream >&2; exit 7", "status 7: broken pipe dream"),
        ("exit 0", "it ended before its last step"),
        (words(1), "other populations than its manifest"),
        (words(2, 4, 4, 9, 4), "other populations than its manifest"),
        (words(2, 4, 3, 6, 4), "other populations than its manifest"),
        (words(2, 4, 4, 6, 4), "it ended before its last step"),
        (words(2, 4, 4, 6, 4, 9), "it ended before its last step"),
        (words(2, 4, 4, 6, 4, 0, 5), "5 of 4 neurons spiked"),
        (words(2, 4, 4, 6, 4, 0, -1), "-1 of 4 neurons spiked"),
        (words(2, 4, 4, 6, 4, 0, 1, 4, 1), "a neuron spiked that is none of 4"),
        (words(2, 4, 4, 6, 4, 0, 1, -1, 1), "a neuron spiked that is none of 4"),
    ],
)
def test_a_trace_that_makes_no_sense_is_told(script: str, message: str, artifact: Path, fake: Path) -> None:
    fake.write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(SnnccError, match=message) as found:
        list(C.run(artifact, FEED))
    assert code_of(found) == "SNN606"


@pytest.mark.parametrize("script", ["exit 0", "printf 12345678", "cat; printf 1234567890123456"])
def test_results_of_another_length_are_told(script: str, tmp_path: Path, fake: Path) -> None:
    write_artifact(C, two_inputs(), tmp_path / "two")
    fake.write_text(f"#!/bin/sh\n{script}\n")
    with pytest.raises(SnnccError, match=r"bytes instead of 12 values of 8 bytes") as found:
        read_outputs(tmp_path / "two", {name: np.zeros((3, 2), dtype=np.int64) for name in "ab"})
    assert code_of(found) == "SNN606"


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
