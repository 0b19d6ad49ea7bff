"""Compile an artifact once: the binary is kept in a cache, by the hash of everything that can change it."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import tempfile
from pathlib import Path

from snncc.backends.artifact import broken
from snncc.backends.process import run_limited
from snncc.compiler.diagnostics import Loc, SnnccError, fail

SOURCES = ("snncc_net.h", "snncc_net.c", "main.c")
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O3")
# Up to twice as fast, with the same results, for all is integers. What the compiler knows of the processor is part of
# the cache's key, so that no other kind of processor gets the binary.
NATIVE = "-march=native"
SECONDS = 600.0  # for the compiler
COMPILER = "the C compiler"


def compiler() -> list[str]:
    """Return the C compiler's command: that of the variable CC, else ``cc``."""
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


def missing_compiler() -> str:
    """Return that there is no C compiler, in a sentence; empty if there is one."""
    command = compiler()[0]
    if shutil.which(command):
        return ""
    return f"there is no C compiler '{command}' on this machine; install one, or name one in the variable CC"


def build(artifact: Path) -> Path:
    """Return the binary of an artifact, compiled if it is not in the cache.

    Raises:
        SnnccError: SNN604 a source is missing; SNN605 there is no C compiler; SNN606 it failed.
    """
    if problem := missing_compiler():
        raise fail("SNN605", problem, Loc(COMPILER, compiler()[0]))
    native = _native()
    flags = [*FLAGS, *([NATIVE] if native else [])]
    binary = _cache() / _key(artifact, [*flags, native])
    if not binary.exists():
        _compile(artifact, binary, flags)
    return binary


def _native() -> str:
    """Return what the compiler knows of this processor; empty if it does not know the option."""
    try:
        return run_limited([*compiler(), NATIVE, "-dM", "-E", "-x", "c", os.devnull], COMPILER, SECONDS)
    except SnnccError:
        return ""


def _cache() -> Path:
    base = os.environ.get("SNNCC_CACHE_DIR")
    if base:
        return Path(base) / "c"
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "snncc" / "c"


def _key(artifact: Path, options: list[str]) -> str:
    """Return the hash of the sources, the options and the compiler's version."""
    digest = hashlib.sha256()
    for name in SOURCES:
        try:
            digest.update(hashlib.sha256((artifact / name).read_bytes()).digest())
        except OSError as error:
            raise broken(artifact, f"{name} cannot be read: {error.strerror or error}") from error
    version = run_limited([*compiler(), "--version"], COMPILER, SECONDS)
    digest.update("\0".join([*compiler(), *options, version]).encode())
    return digest.hexdigest()


def _compile(artifact: Path, binary: Path, flags: list[str]) -> None:
    """Compile under another name and rename, so that no process ever runs half a file."""
    try:
        binary.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=binary.parent) as part:
            host, whole = os.path.join(part, "main.o"), os.path.join(part, "net")
            main, net = (str(artifact.absolute() / name) for name in ("main.c", "snncc_net.c"))
            # The host only reads and writes, for which it is enough that the compiler does not think too long.
            run_limited([*compiler(), *flags, "-O2", "-c", "-o", host, main], COMPILER, SECONDS)
            run_limited([*compiler(), *flags, "-o", whole, host, net], COMPILER, SECONDS)
            os.replace(whole, binary)
    except OSError as error:
        reason = f"the compiled artifact cannot be kept: {error.strerror or error}"
        hint = "name a folder that can be written to in SNNCC_CACHE_DIR"
        raise fail("SNN606", reason, Loc("SNNCC_CACHE_DIR", str(binary.parent)), hint) from error
