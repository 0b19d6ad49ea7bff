"""Run a program of another language or interpreter, with a time limit, and say what went wrong with it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from snncc.compiler.diagnostics import Loc, SnnccError, fail

GRACE = 5.0  # seconds a process has between being interrupted and being killed
LAST_LINES = 12  # of what a failed program wrote, for the message


def run_limited(command: Sequence[str], what: str, seconds: float, cwd: Path | None = None) -> str:
    """Run a command to its end and return what it wrote on stdout and stderr.

    Args:
        command: program and arguments.
        what: names it in a diagnostic, such as ``the C compiler``.
        seconds: after this long it is killed, with all its children.
        cwd: folder to run it in.

    Raises:
        SnnccError: SNN605 it cannot be started; SNN606 it failed, or took too long.
    """
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise fail("SNN605", f"{what} cannot be started: {error.strerror or error}", Loc(what, command[0])) from error
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        hint = "run fewer samples at once; a failing process model of Lava hangs"
        raise fail("SNN606", f"{what} did not end within {seconds:g} s and was stopped", Loc(what, ""), hint) from error
    finally:
        kill_group(process)
        process.communicate()  # closes the pipe; nobody holds its other end any more
    text = output.decode("utf-8", errors="replace")
    if process.returncode:
        raise failed(what, process.returncode, text)
    return text


def failed(what: str, status: int, text: str) -> SnnccError:
    """Return the error of a program that ended with a status other than 0."""
    tail = "\n".join(text.splitlines()[-LAST_LINES:])
    return fail("SNN606", f"{what} failed with status {status}: {tail}", Loc(what, ""))


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Stop a process and every child it started; harmless if they have ended.

    The process is interrupted first, as by Ctrl-C, so that it can remove what it left outside of itself.
    """
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
