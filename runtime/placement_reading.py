"""Read a .snnp file and the file of a target for the checker of placements, which shares no code with the rest."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from math import prod
from pathlib import Path
from types import SimpleNamespace as Record
from typing import Any

import numpy as np

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Array = Any
BUNDLED = Path(__file__).resolve().parent.parent / "compiler" / "targets"
CORE = ("neurons", "programs", "thresholds", "in_axons", "out_axons", "synapse_words")  # limits of a core
NEURON = ("fan_in", "fan_out")
DEFAULTS: dict[str, dict[str, Any]] = {  # what a target's file need not say
    "core": dict.fromkeys((*CORE, *NEURON)),
    "packing": {
        "kind": "list",
        "word_bits": 64,
        "shared_kernels": True,
        "kernel_bits": 0,
        "list_bits": 0,
        "delay_bits": 0,
        "header_bits": 0,
        "block_synapses": 0,
        "widths": (),
        "rows": 0,
        "loops": 0,
    },
    "board": {"chips": 1, "cores": 1},
    "host": {"encoders": "cores"},
    "arithmetic": {"weight_bits": None, "max_delay": None, "state_bits": None, "payload_bits": None},
    "features": {"codings": (), "graded": True, "signed": True, "ports": None},
}


def read_sections(target: str, folder: Path) -> dict[str, Any]:
    """Return the sections of a target's file, a board's laid over those of its chip; paths start in a folder."""
    path = folder / target if is_path(target) else BUNDLED / f"{target}.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    chip = read_sections(table["chip"], path.parent) if "chip" in table else {}
    return {name: {**chip.get(name, {}), **table.get(name, {})} for name in DEFAULTS}


def is_path(target: str) -> bool:
    """Return whether a target is told by its file and not by the name of a bundled one."""
    return target.endswith(".toml") or "/" in target or "\\" in target


def read_target(target: str) -> Record:
    """Return the figures of a target by section; limits that are not stated are None."""
    found, sections = Record(name=Path(target).name.removesuffix(".toml")), read_sections(target, Path())
    for name, defaults in DEFAULTS.items():
        told = {key: v.get("value") if isinstance(v, dict) else v for key, v in sections[name].items()}
        stated = {key: told[key] for key in defaults if told.get(key) is not None}
        setattr(found, name, Record(**{**defaults, **stated}))
    return found


def read_tensors(data: bytes) -> dict[str, Array]:
    """Return the arrays of a safetensors file: length of the header, JSON header, the arrays' bytes."""
    begin, tensors = 8 + int.from_bytes(data[:8], "little"), {}
    for name, entry in json.loads(data[8:begin]).items():
        low, high = entry["data_offsets"]
        kind = {"I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8"}[entry["dtype"]]
        tensors[name] = np.frombuffer(data[begin + low : begin + high], kind).reshape(entry["shape"])
    return tensors


def read_plain(source: str | Path | bytes) -> tuple[dict[str, Any], bytes]:
    """Return what program.json of a .snnp file holds, and the bytes of its arrays."""
    with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
        return json.loads(archive.read("program.json")), archive.read("program.safetensors")


def read_program(source: str | Path | bytes) -> Record:
    """Return the board, populations by name, connections and slices of a .snnp file."""
    plain, arrays = read_plain(source)
    tensors = read_tensors(arrays)
    program = Record(board=plain.get("board", ""), slices=[Record(**s) for s in plain.get("slices", [])])
    program.populations = {p["name"]: Record(**{"claim": {}, **p}) for p in plain["populations"]}
    program.connections = [read_connection(c, program.populations, tensors) for c in plain["connections"]]
    fed = {i["population"] for i in plain["inputs"]} - {c["target"] for c in plain["connections"]}
    for name, p in program.populations.items():
        p.shape, p.code, p.is_input = tuple(p.shape), "\n".join(plain["neurons"][p.neuron]), name in fed
        p.ports, p.states = heads(p.code)
        p.params = [tensors[path] for name, path in sorted(p.params.items()) if name != "offset"]
    return program


def heads(code: str) -> tuple[list[str], dict[str, int]]:
    """Return the in-ports of a neuron program's text, and the bits of its states by name."""
    ports, states = list[str](), dict[str, int]()
    for line in code.splitlines():
        word, *rest = line.split("#")[0].split() or [""]
        ports += rest if word == "port" else []
        for name, colon, figures in (item.partition(":") for item in rest if word == "state"):
            if not colon:
                raise ValueError(f"state {name} has no width")
            states[name] = max(states.get(name, 0), int(figures.split("=")[0]))
    return ports, states


def read_connection(plain: dict[str, Any], populations: dict[str, Record], tensors: dict[str, Array]) -> Record:
    """Return a connection with its arrays; ``inputs`` is the number of inputs that its synapses have."""
    c, synapses = Record(**{"gather": None, **plain}), Record(**plain["synapses"])
    c.type, c.shape, weight = synapses.type, tuple(populations[c.target].shape), tensors[synapses.weight]
    c.gather, c.computes = c.gather and tensors[c.gather], c.shape
    c.inputs = prod(populations[c.source].shape) if c.gather is None else len(c.gather)
    c.width = width_of(weight, c.type == "sparse" or populations[c.target].claim.get("kind") == "pool")
    if c.type == "sparse":
        c.ends = tensors[synapses.source], tensors[synapses.target]
    if c.type == "conv":
        (c.outs, c.ins, *c.kernel), (channels, *c.sizes) = weight.shape, synapses.in_shape
        rank = len(c.sizes)
        c.groups, c.before, c.after = channels // c.ins, synapses.pads[:rank], synapses.pads[rank:]
        c.strides, c.dilations = synapses.strides, synapses.dilations
        axes = zip(c.sizes, c.before, c.after, c.kernel, c.strides, c.dilations, strict=True)
        c.computes = (c.outs, *((n + a + b - d * (k - 1) - 1) // s + 1 for n, a, b, k, s, d in axes))
    return c


def width_of(weight: Array, alone: bool) -> int:
    """Return the bits of the widest mantissa, sign included: one exponent an output channel, or each its own."""
    whole = np.abs(weight.astype(np.int64))
    rows = whole.reshape(-1, 1) if alone else whole.reshape(len(whole), -1)
    bits = np.bitwise_or.reduce(rows, axis=1, keepdims=True)
    return 1 + int(np.max(rows // np.maximum(bits & -bits, 1), initial=0)).bit_length()
