"""The frame of every artifact: a folder with manifest, golden vectors and what the backend wrote, or none at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from snncc.backends.base import Backend
from snncc.compiler.container import program_bytes
from snncc.compiler.diagnostics import Loc, SnnccError, fail
from snncc.compiler.program import EventInput, Program, TensorInput

FORMAT = 1
MANIFEST = "manifest.json"
WRITABLE = "choose a folder that exists and can be written to"


def write_artifact(
    backend: Backend,
    program: Program,
    folder: Path,
    golden: Callable[[Path], None] = lambda folder: None,
    version: str = "unknown",
) -> dict[str, Any]:
    """Emit a program into a folder and return its manifest.

    Args:
        backend: what emits it.
        program: what is emitted.
        folder: must not exist, or be empty, or hold an artifact and nothing else, which is replaced.
        golden: writes the golden vectors into the folder it is given.
        version: of snncc, for the manifest.

    Raises:
        SnnccError: what the backend cannot express, all of it; SNN603 the folder cannot be written.
    """
    if problems := backend.check(program):
        raise SnnccError(problems)

    def fill(part: Path) -> Mapping[str, Any]:
        facts = backend.emit(program, part)
        golden(part)
        return facts

    return write_folder(backend.name, program, folder, fill, version)


def write_folder(
    name: str, program: Program, folder: Path, fill: Callable[[Path], Mapping[str, Any]], version: str = "unknown"
) -> dict[str, Any]:
    """Fill a folder under another name, add its manifest, and put it in its place; return the manifest.

    Args:
        name: of what fills it.
        program: what is written.
        folder: see ``write_artifact``.
        fill: writes into the empty folder it is given; returns facts for the manifest.
        version: of snncc, for the manifest.

    Raises:
        SnnccError: SNN603 the folder cannot be written.
    """
    place = check_folder(folder)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".snncc-", suffix=".part", dir=place.parent))
    except OSError as error:
        raise _unwritable(folder, error.strerror or str(error)) from error
    try:
        facts = fill(part)
        manifest = {"format": FORMAT, "snncc": version, **_manifest(name, program, part, facts)}
        text = json.dumps(manifest, indent=1, ensure_ascii=True) + "\n"
        (part / MANIFEST).write_text(text, encoding="ascii", newline="\n")
        part.chmod(0o755)
        _replace(part, place)
    except OSError as error:
        if error.filename and not Path(str(error.filename)).is_relative_to(part.parent):
            raise  # a file of the backend's own that is missing
        raise _unwritable(folder, error.strerror or str(error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return manifest


def check_folder(folder: Path) -> Path:
    """Find out whether an artifact may stand in a folder: a new or empty one, or one that holds an artifact alone.

    Returns:
        Where the folder really is, links followed.

    Raises:
        SnnccError: SNN603.
    """
    try:
        place = Path(os.path.realpath(folder))
        if Path.cwd().is_relative_to(place):
            raise _unwritable(folder, "the command runs inside it", "name a folder in it, or run the command elsewhere")
        if os.path.lexists(place):
            if not place.is_dir():
                raise _unwritable(folder, "it is no folder", "name a new folder")
            if strange := _strange(place):
                hint = "name a new or empty folder, or an artifact and nothing else"
                raise _unwritable(folder, f"it holds '{strange}', which is no part of an artifact", hint)
        return place
    except (OSError, ValueError) as error:
        raise _unwritable(folder, getattr(error, "strerror", None) or str(error)) from error


def _strange(folder: Path) -> str:
    """Return the name of something in a folder that no artifact there lists; empty if there is none."""
    held = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_symlink() or not p.is_dir())
    try:
        manifest = read_manifest(folder)
        listed = {MANIFEST, *manifest["files"]} if isinstance(manifest.get("backend"), str) else set()
    except (SnnccError, KeyError, TypeError):
        listed = set()
    return next((name for name in held if name not in listed), "")


def read_manifest(artifact: Path) -> dict[str, Any]:
    """Return the manifest of an artifact.

    Raises:
        SnnccError: SNN604, there is none, or it is broken or of a newer format.
    """
    path = artifact / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise broken(artifact, f"its {MANIFEST} cannot be read: {error}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise broken(artifact, f"its {MANIFEST} is not of format {FORMAT}")
    return manifest


def broken(artifact: Path, reason: str) -> SnnccError:
    """Return the error for an artifact that is not as it was emitted."""
    return fail("SNN604", f"artifact '{artifact}' is broken: {reason}", Loc(artifact.name, ""), "emit it again")


def _manifest(name: str, program: Program, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    origin, layer = program.origin, {p.name: asdict(p.loc) for p in program.populations}
    return {
        "backend": name,
        "target": program.target,
        "program": {
            "name": program.name,
            "sha256": hashlib.sha256(program_bytes(program)).hexdigest(),
            "interval": program.interval,
            "latency": program.latency,
        },
        "model": {"sha256": origin.settings.get("model_sha256") if origin else None},
        "options": dict(origin.settings) if origin else {},
        "facts": dict(facts),
        "populations": [
            {"object": f"p{k}", "name": p.name, "shape": list(p.shape), "start": p.start, "layer": asdict(p.loc)}
            for k, p in enumerate(program.populations)
        ],
        "connections": [
            {"object": f"c{k}", "name": c.name, "source": c.source, "target": c.target, "layer": asdict(c.loc)}
            for k, c in enumerate(program.connections)
        ],
        "inputs": [
            {"object": f"i{k}", **_input(source), "layer": layer[source.population]}
            for k, source in enumerate(program.inputs)
        ],
        "outputs": [
            {
                "object": f"o{k}",
                "name": o.name,
                "population": o.population,
                "shape": list(program.output_shape(o)),
                "scale": str(o.scale),
                "layer": layer[o.population],
            }
            for k, o in enumerate(program.outputs)
        ],
        "placement": _placement(program),
        "files": {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }


def _placement(program: Program) -> dict[str, Any]:
    """Return the target that a program is placed on and the core of every slice; None and no slices if it is not."""
    number = {p.name: f"p{k}" for k, p in enumerate(program.populations)}
    return {
        "board": program.board or None,
        "slices": [
            {"name": s.name, "object": number[s.population], "lo": list(s.lo), "hi": list(s.hi), "core": s.core}
            for s in program.slices
        ],
    }


def _input(source: TensorInput | EventInput) -> dict[str, Any]:
    entry = {"name": source.name, "population": source.population, "port": source.port}
    if isinstance(source, TensorInput):
        return entry | {
            "kind": "tensor",
            "shape": list(source.shape),
            "lo": source.lo,
            "hi": source.hi,
            "scale": str(source.scale),
        }
    return entry | {"kind": "events"}


def _replace(part: Path, place: Path) -> None:
    """Put a finished folder where it belongs; an artifact that stood there goes only after that."""
    old = part.with_suffix(".old")
    if place.exists():
        os.replace(place, old)
    try:
        os.replace(part, place)
    except OSError:
        if old.exists():
            os.replace(old, place)
        raise
    with suppress(OSError):
        shutil.rmtree(old)


def _unwritable(folder: Path, reason: str, hint: str = WRITABLE) -> SnnccError:
    return fail("SNN603", f"cannot write an artifact to '{folder}': {reason}", Loc(folder.name, str(folder)), hint)
