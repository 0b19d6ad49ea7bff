"""Our own bugs, Ctrl-C, full disks and closed pipes: an exit code and a sentence, never a traceback unless asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from snncc import api, summary
from snncc.compiler.diagnostics import InternalError
from snncc.failures import guarded
from tests.snncc.conftest import Command, compile_words

ROOT = Path(__file__).parents[2]


class Panic(BaseException):
    """What Rust code raises."""


def raising(error: BaseException) -> Callable[..., None]:
    def fail(*args: object, **options: object) -> None:
        raise error

    return fail


BUGS = [
    InternalError("a pass broke a rule"),
    RuntimeError("onnxruntime says no"),
    RecursionError("too deep"),
    AssertionError(),
    ZeroDivisionError("division"),
    KeyError("name"),
    Panic("at lib.rs"),
]


@pytest.mark.parametrize("error", BUGS, ids=lambda error: type(error).__name__)
def test_a_bug_exits_70_and_leaves_a_folder_that_reproduces_it(
    snncc: Command, work: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    monkeypatch.setattr(api, "compile", raising(error))
    result = snncc(*compile_words())
    assert result.code == 70
    assert "error[SNN900]: internal error: " in result.err
    assert "Traceback" not in result.err
    (folder,) = (work.parent / "tmp").glob("snncc-bug-*")
    assert str(folder) in result.err
    assert type(error).__name__ in (folder / "traceback.txt").read_text()
    assert f"cd {work}\nsnncc compile tiny.onnx --calibration cal.npz -o new.snnp\n" == (
        (folder / "command.txt").read_text()
    )
    assert f"numpy {np.__version__}" in (folder / "versions.txt").read_text()
    assert (folder / "tiny.onnx").read_bytes() == (work / "tiny.onnx").read_bytes()
    assert (folder / "cal.npz").exists()
    assert not (work / "new.snnp").exists()


def test_a_bug_is_a_diagnostic_in_json(snncc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "compile", raising(RuntimeError("no")))
    result = snncc(*compile_words(), "--json")
    assert (result.code, result.codes, result.err) == (70, ["SNN900"], "")


def test_a_bug_is_reported_where_no_folder_can_be_made(
    snncc: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api, "compile", raising(RuntimeError("no")))
    monkeypatch.setattr("tempfile.tempdir", str(work / "missing"))
    result = snncc(*compile_words())
    assert result.code == 70
    assert "its report could not be written" in result.err


@pytest.mark.parametrize("how", ["option", "variable"])
def test_the_traceback_is_shown_when_asked_for(snncc: Command, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "variable":
        monkeypatch.setenv("SNNCC_DEBUG", "1")
    words = ["--debug"] if how == "option" else []
    result = snncc("inspect", "missing.onnx", *words)
    assert result.code == 1
    assert result.err.startswith("Traceback (most recent call last):")
    assert "error[SNN100]" in result.err


def test_memory_that_runs_out_is_no_bug(refused: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "compile", raising(MemoryError()))
    assert refused(*compile_words()).codes == ["SNN901"]


def test_what_the_system_refuses_is_no_bug(refused: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "compile", raising(OSError(24, "Too many open files", "some.txt")))
    found = refused(*compile_words())
    assert found.codes == ["SNN902"]
    assert "'some.txt': Too many open files" in found.json["diagnostics"][0]["message"]


def test_an_interrupted_compilation_leaves_nothing(refused: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "compile", raising(KeyboardInterrupt()))
    assert refused(*compile_words(), code=130).codes == ["SNN511"]


def test_an_interrupted_write_leaves_nothing(refused: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("numpy.savez_compressed", raising(KeyboardInterrupt()))
    assert refused("run", "tiny.snnp", "--data", "cal.npz", "-o", "y.npz", code=130).codes == ["SNN511"]


def test_an_interrupted_run_leaves_nothing(refused: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "run_integers", raising(KeyboardInterrupt()))
    assert refused("run", "tiny.snnp", "--data", "cal.npz", "-o", "y.npz", code=130).codes == ["SNN511"]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_control_c_ends_a_real_process(work: Path) -> None:
    """A pipe as the data file keeps the command waiting until the signal comes."""
    os.mkfifo("data.npz")
    words = [sys.executable, "-m", "snncc", "verify", "tiny.snnp", "--data", "data.npz"]
    before = sorted(work.iterdir())
    # A test run in the background of a shell ignores the signal, and its children inherit that.
    process = subprocess.Popen(
        words,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with open("data.npz", "wb"):  # opens when the process opens it
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "error[SNN511]: interrupted; no result was written" in err
    assert "Traceback" not in err
    assert sorted(work.iterdir()) == before


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
def test_a_reader_that_goes_away_is_no_error(work: Path) -> None:
    command = f"set -o pipefail; {sys.executable} -m snncc explain | head -1"
    done = subprocess.run(["bash", "-c", command], env=environment(), capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.startswith("code ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_standard_output_is_reported(work: Path) -> None:
    with open("/dev/full", "w") as full:
        words = [sys.executable, "-m", "snncc", "explain", "SNN102"]
        done = subprocess.run(words, env=environment(), stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "error[SNN902]: the system refused 'standard output': No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_changes_no_verdict(work: Path, closed: str) -> None:
    check = f"{sys.executable} -m snncc check"
    assert subprocess.run(["sh", "-c", f"{check} tiny.snnp {closed}"], env=environment()).returncode == 0
    assert subprocess.run(["sh", "-c", f"{check} nothing.snnp {closed}"], env=environment()).returncode == 1


def test_an_interruption_before_a_command_begins_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Typer ends with the code, and without a word."""
    assert guarded(raising(SystemExit(130)), ["check", "tiny.snnp"], as_json=False, debug=False) == 130
    assert "error[SNN511]: interrupted" in capsys.readouterr().err


def test_whoever_opens_a_file_says_why_it_cannot_be_read(
    snncc: Command, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Typer would ask ``os.access`` first, and call a file that may not be read bad usage."""
    monkeypatch.setattr(os, "access", lambda *args, **options: False)
    assert snncc("check", "tiny.snnp").code == 0
