"""The .snnp file: a plain zip, nothing compressed, fixed dates and order, so equal programs make equal files.

Members, in this order; the last five only where the program was compiled from a network:

- program.json: version, members, populations, connections, schedule; integers and exact fractions only
- program.safetensors: its arrays, each in the narrowest of int8, int16, int32 and int64
- network.txt: the quantized graph in its text form
- network.safetensors: the graph's constants, narrowed likewise
- model.onnx: the float model, for verification only
- compile.json: what the compiler noted, and its settings
- certificate.json: why the program reproduces the network on every input, with hashes of the first four members
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from safetensors.numpy import save as save_tensors

from snncc.compiler.diagnostics import Diagnostic, InternalError, Loc, SnnccError, fail
from snncc.compiler.ir.graph import Array, Graph, Stage
from snncc.compiler.ir.text import parse_graph, print_graph
from snncc.compiler.ir.verify import verify
from snncc.compiler.program import READS, VERSION, Origin, Program
from snncc.compiler.program_check import check_program
from snncc.compiler.program_dict import MALFORMED, SECTIONS, Builder, to_dict, to_plain

ALWAYS = ("program.json", "program.safetensors")
ORIGIN = ("network.txt", "network.safetensors", "model.onnx", "compile.json")
CERTIFICATE = "certificate.json"
CERTIFIED = ("program.json", "program.safetensors", "network.txt", "network.safetensors")
WIDTHS = (np.int8, np.int16, np.int32, np.int64)

_UNREADABLE = (OSError, zipfile.BadZipFile, EOFError, ValueError, RuntimeError, MemoryError)


def save_program(program: Program, path: str | os.PathLike[str]) -> None:
    """Write a .snnp file; the same program always gives the same bytes.

    Raises:
        SnnccError: SNN301, the file cannot be written; or what ``check_program`` finds.
    """
    if problems := check_program(program):
        raise SnnccError(problems)
    members = _members(program)
    hint = "the folder must exist, have room and be yours to write"
    try:
        whole = Path(path)
        part = whole.with_name(f".{whole.name}.{os.getpid()}.part")
    except ValueError as error:
        raise fail("SNN301", f"cannot write '{path}': {error}", hint=hint) from error
    try:
        _write(part, members)
        os.replace(part, whole)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise fail("SNN301", f"cannot write {path}: {reason}", hint=hint) from error
    finally:
        with suppress(OSError, ValueError):
            part.unlink(missing_ok=True)


def program_bytes(program: Program) -> bytes:
    """Return the bytes of the program's .snnp file."""
    buffer = io.BytesIO()
    _write(buffer, _members(program))
    return buffer.getvalue()


def _write(file: Path | IO[bytes], members: Mapping[str, bytes]) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data)


def _members(program: Program) -> dict[str, bytes]:
    members = dict(_contents(program))
    if program.origin is not None and program.origin.certificate is not None:
        sealed = {name: hashlib.sha256(members[name]).hexdigest() for name in CERTIFIED}
        members[CERTIFICATE] = _json({**program.origin.certificate, "sha256": sealed})
    return members


def _listed(program: Program) -> tuple[str, ...]:
    """Return the names of a program's members, in order."""
    if program.origin is None:
        return ALWAYS
    return ALWAYS + ORIGIN + (() if program.origin.certificate is None else (CERTIFICATE,))


def _contents(program: Program) -> Iterator[tuple[str, bytes]]:
    """Yield every member but the certificate."""
    tensors: dict[str, Array] = {}

    def put(path: str, array: Array) -> str:
        tensors[path] = array
        return path

    yield "program.json", _json({"version": VERSION, "members": _listed(program), **to_dict(program, put)})
    yield "program.safetensors", _narrowed(tensors)
    if program.origin is None:
        return
    origin = program.origin
    yield "network.txt", print_graph(origin.network).encode()
    yield "network.safetensors", _narrowed(origin.network.constants)
    yield "model.onnx", origin.model
    notes = [to_plain(note) for note in origin.notes]
    yield "compile.json", _json({"notes": notes, "settings": dict(origin.settings)})


def _json(value: object) -> bytes:
    try:
        return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()
    except (TypeError, ValueError) as error:
        raise InternalError(f"the program holds what JSON does not: {error}") from error


def _narrowed(tensors: Mapping[str, Array]) -> bytes:
    return save_tensors({name: array.astype(_width(array), order="C") for name, array in tensors.items()})


def _width(array: Array) -> type[np.signedinteger[Any]]:
    """Return the narrowest type that holds every element."""
    low, high = (array.min(), array.max()) if array.size else (0, 0)
    return next(width for width in WIDTHS if np.iinfo(width).min <= low and high <= np.iinfo(width).max)


def load_program(path: str | os.PathLike[str]) -> Program:
    """Read a .snnp file.

    Raises:
        SnnccError: SNN302 to SNN305 if the file is damaged or malformed; or what ``check_program`` and the verifier of
            graphs find in what it holds.
    """
    file = os.fspath(path)
    members = _read(file)
    plain = _listing(members, file)
    program = _program(plain, members, file)
    if "network.txt" in plain["members"]:
        notes, settings = _compilation(members["compile.json"], file)
        proof = _certificate(members[CERTIFICATE], file) if CERTIFICATE in plain["members"] else None
        network = _network(members, file)
        program = replace(program, origin=Origin(network, members["model.onnx"], notes, settings, proof))
    if problems := check_program(program):
        raise SnnccError(problems)
    return program


def _read(file: str) -> dict[str, bytes]:
    """Return the members of the zip; reading one checks its checksum."""
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _refuse_bombs(entries, os.path.getsize(file))
            return {entry.filename: archive.read(entry) for entry in entries}
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        hint = "check the path; a damaged file must be copied or compiled again"
        raise fail("SNN302", f"cannot read the program {file}: {reason}", hint=hint) from error


def _refuse_bombs(entries: list[zipfile.ZipInfo], size: int) -> None:
    """Raise ValueError unless the members, as declared, are stored as they are and fit into the file, each once."""
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size for entry in entries):
        raise ValueError("it holds compressed parts, which snncc does not write")
    if sum(entry.file_size for entry in entries) > size:
        raise ValueError("its parts are larger than the file")
    if len({entry.filename for entry in entries}) < len(entries):
        raise ValueError("it holds two parts of one name")


def _malformed(file: str, member: str, message: str, code: str = "SNN303") -> Diagnostic:
    return Diagnostic(code, f"{member} {message}", Loc(file, member), "write the file again with snncc")


def _parsed(data: bytes, file: str, member: str) -> dict[str, Any]:
    try:
        plain = json.loads(data)
    except MALFORMED as error:
        raise SnnccError([_malformed(file, member, f"is no JSON: {error}")]) from error
    if not isinstance(plain, dict):
        raise SnnccError([_malformed(file, member, "holds no object")])
    return plain


def _tensors(data: bytes, file: str, member: str) -> dict[str, Array]:
    try:
        tensors = load_tensors(data)
    except (SafetensorError, *MALFORMED) as error:
        raise SnnccError([_malformed(file, member, f"holds no tensors: {error}", "SNN305")]) from error
    if wrong := [name for name, array in tensors.items() if array.dtype not in WIDTHS]:
        listed = (f"holds {name} as {tensors[name].dtype}, not as signed integers" for name in wrong)
        raise SnnccError(_malformed(file, member, sentence, "SNN305") for sentence in listed)
    return {name: array.astype(np.int64) for name, array in tensors.items()}


def _listing(members: Mapping[str, bytes], file: str) -> dict[str, Any]:
    """Return what program.json holds, once its version is known and every member that it lists is there."""
    if "program.json" not in members:
        raise SnnccError([_malformed(file, "program.json", "is missing")])
    plain = _parsed(members["program.json"], file, "program.json")
    _check_version(plain.get("version"), file)
    listed = plain.get("members")
    if listed not in ([*ALWAYS], [*ALWAYS, *ORIGIN], [*ALWAYS, *ORIGIN, CERTIFICATE]):
        raise SnnccError([_malformed(file, "program.json", f"lists the unknown members {listed!r:.200}")])
    if missing := [name for name in listed if name not in members]:
        raise SnnccError(_malformed(file, name, "is missing") for name in missing)
    return plain


def _program(plain: Mapping[str, Any], members: Mapping[str, bytes], file: str) -> Program:
    tensors = _tensors(members["program.safetensors"], file, "program.safetensors")

    def get(path: str, name: str) -> Array:
        if name not in tensors:
            raise ValueError(f"{path} is in tensor '{name}', which program.safetensors does not hold")
        return tensors[name]

    builder = Builder(get, "SNN303", file)
    lists: dict[str, Any] = {name: plain.get(name) for name in ("neurons", *SECTIONS)}
    lists["slices"] = plain.get("slices", [])
    for name in [name for name, value in lists.items() if not isinstance(value, list)]:
        builder.problem("program.json", f"{name} is no list")
        lists[name] = []
    rest = {name: value for name, value in plain.items() if name not in ("version", "members", *lists)}
    builder.header(rest, "program.json")
    for number, lines in enumerate(lists.pop("neurons")):
        builder.neuron(lines, f"program.json, neurons[{number}]")
    for section, items in lists.items():
        for number, item in enumerate(items):
            builder.item(section, item, f"program.json, {section}[{number}]")
    return builder.build()


def _check_version(version: object, file: str) -> None:
    if type(version) is int and version in READS:
        return
    newer = type(version) is int and version > VERSION
    hint = "upgrade snncc" if newer else "compile the program again"
    message = f"the file has format version {version!r:.40}, this snncc reads {VERSION}"
    raise SnnccError([Diagnostic("SNN304", message, Loc(file, "program.json"), hint)])


def _network(members: Mapping[str, bytes], file: str) -> Graph:
    constants = _tensors(members["network.safetensors"], file, "network.safetensors")
    try:
        graph = parse_graph(members["network.txt"].decode(), constants, f"{file}/network.txt")
        problems = verify(graph)
        _ = graph.named_outputs  # as many labels as outputs
    except (AttributeError, *MALFORMED) as error:
        raise SnnccError([_malformed(file, "network.txt", f"holds no graph: {error}")]) from error
    if problems:
        raise SnnccError(problems)
    if graph.stage is not Stage.QUANTIZED:
        raise SnnccError([_malformed(file, "network.txt", f"holds a graph that is {graph.stage.value}, not quantized")])
    return graph


def _compilation(data: bytes, file: str) -> tuple[tuple[Diagnostic, ...], dict[str, object]]:
    """Return notes and settings."""
    plain = _parsed(data, file, "compile.json")
    builder = Builder(lambda path, name: np.zeros(0), "SNN303", file)
    try:
        notes = builder.read(tuple[Diagnostic, ...], plain.get("notes"), "notes")
    except MALFORMED as error:
        raise SnnccError([_malformed(file, "compile.json", f"holds no notes: {error}")]) from error
    settings = plain.get("settings")
    if not isinstance(settings, dict):
        raise SnnccError([_malformed(file, "compile.json", "holds no settings")])
    return notes, settings


def _certificate(data: bytes, file: str) -> dict[str, Any]:
    """Return the certificate without the hashes, which saving computes anew; ``snncc check`` compares them."""
    plain = _parsed(data, file, CERTIFICATE)
    plain.pop("sha256", None)
    try:
        counts = [entry["proof"][name] for entry in plain["populations"].values() for name in ("rows", "classes")]
    except (AttributeError, *MALFORMED) as error:
        raise SnnccError([_malformed(file, CERTIFICATE, f"holds no proofs: {error}")]) from error
    if not all(type(count) is int for count in counts):
        raise SnnccError([_malformed(file, CERTIFICATE, "counts rows or classes in something else than integers")])
    return plain
