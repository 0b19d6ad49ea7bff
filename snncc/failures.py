"""How the command ends: exit codes, diagnostics for what went wrong, and a folder that reproduces our own bugs.

0 ok; 1 inputs, outputs or a failed verification; 2 a bad option or name; 70 a bug of ours; 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import platform
import shlex
import shutil
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError, fail

INTERNAL, INTERRUPTED = 70, 130
_USAGE = typer.BadParameter.__bases__[0]  # the class of every error that typer finds in a command line
_MOST_BYTES = 64 << 20  # a larger file is named, not copied, in the folder of a bug
_PACKAGES = ("numpy", "onnx", "onnx_ir", "onnxscript", "onnxruntime", "numba", "scipy", "networkx", "typer", "torch")


class Interruptible(TyperGroup):
    """Commands of which Ctrl-C makes an error like any other; typer would end without a word."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise _interrupted(str(ctx.invoked_subcommand)) from error


def _interrupted(command: str) -> SnnccError:
    loc = Loc("command", command)
    return fail("SNN511", "interrupted; no result was written", loc, "run it again", INTERRUPTED)


def together(*steps: Callable[[], Any]) -> list[Any]:
    """Return what independent steps give.

    Raises:
        SnnccError: what is wrong with all of them, at once.
    """
    found: list[Any] = []
    problems: list[Diagnostic] = []
    codes: list[int] = []
    for step in steps:
        try:
            found.append(step())
        except SnnccError as error:
            problems += error.diagnostics
            codes.append(error.exit_code)
    if problems:
        raise SnnccError(problems, max(codes))
    return found


def guarded(command: Callable[[], Any], words: Sequence[str], as_json: bool, debug: bool) -> int:
    """Run the command and return its exit code; nothing that it raises gets through.

    Args:
        command: the command; an exit code, or None for 0.
        words: the command line, for the folder of a bug.
        as_json: print diagnostics as JSON, on stdout.
        debug: print the traceback, too.
    """
    _open_streams()
    if not debug and not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of our libraries, which say nothing to a user
    try:
        code = command() or 0
        sys.stdout.flush()
    except SystemExit as ended:  # how typer ends
        code = ended.code if isinstance(ended.code, int) else 1
    except BrokenPipeError:
        _hush()
        return 1
    except BaseException as error:  # what numba and safetensors raise from Rust and C is no Exception
        if debug:
            traceback.print_exception(type(error), error, error.__traceback__)
        return _report(error, words, as_json)
    if code == INTERRUPTED:  # before a command began; typer does not say so
        return _report(KeyboardInterrupt(), words, as_json)
    return int(code)


def _open_streams() -> None:
    """Let what is printed go nowhere where a stream is closed; a name that a terminal cannot show is no error."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  until the process ends
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="backslashreplace")


def _report(error: BaseException, words: Sequence[str], as_json: bool) -> int:
    from snncc.show import failed

    diagnostics, code = _diagnosed(error, words)
    try:
        failed([_hinted(diagnostic) for diagnostic in diagnostics], as_json)
        sys.stdout.flush()
    except OSError:  # nobody can read it
        _hush()
    return code


def _hinted(diagnostic: Diagnostic) -> Diagnostic:
    """Return a diagnostic with a hint: its own, or what the catalogue advises."""
    from snncc.compiler.catalogue import CATALOGUE

    if diagnostic.hint or diagnostic.code not in CATALOGUE:
        return diagnostic
    return replace(diagnostic, hint=CATALOGUE[diagnostic.code].fix)


def _hush() -> None:
    """Let what is still in the buffer of a stdout that nobody reads vanish at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _diagnosed(error: BaseException, words: Sequence[str]) -> tuple[tuple[Diagnostic, ...], int]:
    """Return what to tell the user, and the exit code."""
    if isinstance(error, KeyboardInterrupt):
        error = _interrupted(words[0] if words else "")
    if isinstance(error, SnnccError):
        return error.diagnostics, error.exit_code
    if isinstance(error, _USAGE):
        return (_usage(error),), 2
    if isinstance(error, MemoryError):
        hint = "give fewer samples, or use a machine with more memory"
        return (Diagnostic("SNN901", "there is not enough memory", Loc("system", "memory"), hint),), 1
    if isinstance(error, OSError):
        streams = (errno.ENOSPC, errno.EIO, errno.EBADF)  # files of ours are closed with diagnostics of their own
        where = str(error.filename or ("standard output" if error.errno in streams else "the command"))
        message = f"the system refused '{where}': {error.strerror or error}"
        return (Diagnostic("SNN902", message, Loc("system", where), "see that it exists and has room"),), 1
    return (_bug(error, words),), INTERNAL


def _usage(error: BaseException) -> Diagnostic:
    message = str(error.format_message() if hasattr(error, "format_message") else error).rstrip(".")
    path = getattr(getattr(error, "ctx", None), "command_path", "snncc")
    return Diagnostic("SNN500", message, Loc("command line", path), f"see {path} --help")


def _bug(error: BaseException, words: Sequence[str]) -> Diagnostic:
    lines = str(error).splitlines() or [type(error).__name__]
    cause = f" {error.__cause__!r:.200}" if error.__cause__ else ""
    message = f"internal error: {lines[0]}{cause}"
    try:
        folder = _folder(error, words)
    except OSError as problem:
        hint = f"this is a bug in snncc; its report could not be written ({problem.strerror}), see --debug"
        return Diagnostic("SNN900", message, Loc("snncc", type(error).__name__), hint)
    hint = f"this is a bug in snncc; what is needed to find it is in {folder}"
    return Diagnostic("SNN900", message, Loc("snncc", type(error).__name__), hint)


def _folder(error: BaseException, words: Sequence[str]) -> Path:
    """Make a folder that reproduces a bug: traceback, command line, versions, and the files that were read."""
    folder = Path(tempfile.mkdtemp(prefix="snncc-bug-"))
    trace = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    command = f"cd {shlex.quote(os.getcwd())}\n{shlex.join(['snncc', *words])}\n"
    texts = {"traceback.txt": trace, "command.txt": command, "versions.txt": _versions()}
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", errors="backslashreplace")
    for word in dict.fromkeys(words):
        path = Path(word.partition("=")[2] or word)
        if path.is_file() and path.stat().st_size <= _MOST_BYTES and not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)
    return folder


def _versions() -> str:
    from importlib.metadata import PackageNotFoundError, version

    lines = [f"python {platform.python_version()} on {platform.platform()}"]
    for name in ("snncc", *_PACKAGES):
        try:
            lines.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            lines.append(f"{name} is not installed")
    return "\n".join(lines) + "\n"
