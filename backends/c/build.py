"""Compile an artifact once: the binary is kept in a cache, by the hash of everything that can change it.

The second half of its name is the hash of the binary itself. One that is damaged is told by that, and compiled again; a
name appears with its whole content in one step, however many processes share the cache.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import tempfile
from contextlib import suppress
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
    """Return the C compiler's command: that of the variable CC, else ``cc``.

    Raises:
        ValueError: CC is no command: a quote is not closed.
    """
    return shlex.split(os.environ.get("CC", "")) or ["cc"]


def missing_compiler() -> str:
    """Return that there is no C compiler, in a sentence; empty if there is one."""
    try:
        command = compiler()[0]
    except ValueError as error:
        return f"the variable CC, {os.environ['CC']!r}, is no command: {error}; name a C compiler in it"
    if shutil.which(command):
        return ""
    return f"there is no C compiler '{command}' on this machine; install one, or name one in the variable CC"


def build(artifact: Path) -> Path:
    """Return the binary of an artifact, compiled if it is not in the cache or is damaged there.

    Raises:
        SnnccError: SNN604 a source is missing; SNN605 there is no C compiler; SNN606 it failed.
    """
    if problem := missing_compiler():
        raise fail("SNN605", problem, Loc(COMPILER, os.environ.get("CC") or "cc"))
    native = _native()
    flags = [*FLAGS, *([NATIVE] if native else [])]
    cache, key = _cache(), _key(artifact, [*flags, native])
    return _cached(cache, key) or _compile(artifact, cache, key, flags)


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


def _cached(cache: Path, key: str) -> Path | None:
    """Return a binary of the cache that is as it was compiled and can be run, if there is one."""
    for binary in cache.glob(f"{key}-*"):
        with suppress(OSError):  # what cannot be read is compiled again
            if binary.name == _name(key, binary.read_bytes()) and os.access(binary, os.X_OK):
                return binary
    return None


def _name(key: str, binary: bytes) -> str:
    return f"{key}-{hashlib.sha256(binary).hexdigest()}"


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


def _compile(artifact: Path, cache: Path, key: str, flags: list[str]) -> Path:
    """Compile under another name and rename, so that no process ever runs half a file; return the binary."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".part-", dir=cache) as part:
            host, whole = os.path.join(part, "main.o"), os.path.join(part, "net")
            main, net = (str(artifact.absolute() / name) for name in ("main.c", "snncc_net.c"))
            # The host only reads and writes; more would take the compiler twice as long and make nothing faster.
            run_limited([*compiler(), *flags, "-O1", "-c", "-o", host, main], COMPILER, SECONDS)
            run_limited([*compiler(), *flags, "-o", whole, host, net], COMPILER, SECONDS)
            with open(whole, "rb") as file:
                binary = cache / _name(key, file.read())
                os.fsync(file.fileno())  # the name must not outlive a power cut that the content does not
            os.replace(whole, binary)
            return binary
    except OSError as error:
        reason = f"the compiled artifact cannot be kept: {error.strerror or error}"
        hint = "name a folder that can be written to in SNNCC_CACHE_DIR"
        raise fail("SNN606", reason, Loc("SNNCC_CACHE_DIR", str(cache)), hint) from error
