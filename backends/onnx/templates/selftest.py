"""Check this artifact: its files against manifest.json, its models against golden.npz. Needs onnxruntime and numpy.

Run it with ``python selftest.py``. It prints PASS and ends with status 0, or prints what is wrong and ends with 1.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
MODELS = ("levels.onnx", "network.onnx")
NEEDED = (*MODELS, "golden.npz", "selftest.py")
GRAPH, CONSTANT, NAME = 7, 5, 8  # field numbers of ModelProto.graph, GraphProto.initializer, TensorProto.name
BATCH = 16  # samples run at a time


def main() -> int:
    """Run every check and return the exit status."""
    try:
        manifest = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))
        faults = [*changed_files(manifest["files"]), *changed_models(manifest["facts"]["constants"])]
        faults = faults or [*differences(manifest["facts"])]
    except ImportError as error:
        faults = [f"{error}; install onnxruntime and numpy"]
    except Exception as error:  # what a damaged file makes of onnxruntime, numpy and json
        faults = [f"{type(error).__name__}: {error}"]
    for fault in faults:
        print(fault.encode("ascii", "backslashreplace").decode())  # a terminal may take no more
    print("FAIL" if faults else "PASS: every level and every output is that of the integer network")
    return 1 if faults else 0


def changed_files(files: Mapping[str, str]) -> Iterator[str]:
    """Yield which files of this folder are not as they were emitted; the manifest must hold the hash of each needed."""
    for name in NEEDED:
        if name not in files:
            yield f"manifest.json holds no hash of {name}"
    for name, expected in files.items():
        path = FOLDER / name
        if not path.is_file():
            yield f"{name} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            yield f"{name} is not as it was emitted"


def changed_models(expected: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the constants of the models that are not as they were emitted."""
    for model in MODELS:
        if (FOLDER / model).is_file():
            yield from changed_constants(model, [entry for entry in expected if model in entry["models"]])


def changed_constants(model: str, expected: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the constants of a model whose values differ from those emitted, each with its layer, and any others."""
    try:
        found = list(constants((FOLDER / model).read_bytes()))
    except (IndexError, ValueError) as error:
        yield f"{model} is no ONNX model: {error}"
        return
    emitted = {constant["name"]: constant["sha256"] for constant in expected}
    changed = {name for name, digest in found if digest != emitted.get(name)}
    missing = emitted.keys() - dict(found).keys()
    for constant in expected:
        name = constant["name"]
        if name in changed or name in missing:
            state = "is changed" if name in changed else "is missing"
            yield f"{model}: constant {name} of layer {constant['layer']} {state}"
    yield from (f"{model}: constant {name} was not emitted" for name in sorted(changed - emitted.keys()))


def constants(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield name and checksum of every constant of an ONNX model."""
    for number, graph in fields(data):
        if number == GRAPH:
            tensors = [value for key, value in fields(graph) if key == CONSTANT]
            yield from ((dict(fields(t)).get(NAME, b"").decode(), hashlib.sha256(t).hexdigest()) for t in tensors)


def fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of every field of a protocol buffer; numbers are skipped."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind, size = key & 7, 0
        if kind == 0:
            _, at = varint(data, at)
            continue
        if kind == 2:
            size, at = varint(data, at)
            yield key >> 3, data[at : at + size]
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"field of type {kind} at byte {at}")
        at += size
        if at > len(data):
            raise ValueError("it is cut short")


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return the variable-length integer that starts at a byte, and where the next field starts."""
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def differences(facts: Mapping[str, Any]) -> Iterator[str]:
    """Yield the first difference between each model and the golden vectors."""
    import numpy as np

    with np.load(FOLDER / "golden.npz", allow_pickle=False) as archive:
        golden = {name: archive[name] for name in archive.files}
    inputs, values = facts["inputs"], facts["values"]
    levels = {entry["levels"]: golden[f"input/{entry['name']}"] for entry in inputs}
    found = run("levels.onnx", {name: a.astype(np.int32) for name, a in levels.items()})
    expected = {entry["value"]: golden[f"level/{entry['node']}"] for entry in values}
    yield from first_difference("levels.onnx", values, expected, found)
    scales = {entry["real"]: Fraction(entry["scale"]) for entry in inputs}
    reals = {entry["real"]: golden[f"input/{entry['name']}"] * float(scales[entry["real"]]) for entry in inputs}
    found = run("network.onnx", {name: a.astype(np.float32) for name, a in reals.items()})
    layers = {entry["node"]: entry["layer"] for entry in values}
    for output in facts["outputs"]:
        charge, scale = golden[f"level/{output['node']}"], float(Fraction(output["scale"]))
        entries = [
            {"node": output["node"], "value": output[kind], "layer": layers[output["node"]]}
            for kind in ("integer", "real")
        ]
        wanted = {output["integer"]: charge, output["real"]: (charge * scale).astype(np.float32)}
        yield from first_difference("network.onnx", entries, wanted, found)


def run(model: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return every output of a model, by name."""
    import numpy as np
    import onnxruntime

    data = (FOLDER / model).read_bytes()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    total = len(next(iter(inputs.values())))
    parts = [
        session.run(names, {name: array[begin : begin + BATCH] for name, array in inputs.items()})
        for begin in range(0, total, BATCH)
    ]
    return {name: np.concatenate(arrays) for name, arrays in zip(names, zip(*parts, strict=True), strict=True)}


def first_difference(
    model: str, entries: list[dict[str, Any]], expected: Mapping[str, Any], found: Mapping[str, Any]
) -> Iterator[str]:
    """Yield where a model first differs: the first sample, and in it the first value in the order of the network."""
    import numpy as np

    wrong = []
    for order, entry in enumerate(entries):
        mine, theirs = found[entry["value"]], expected[entry["value"]]
        if mine.shape != theirs.shape:
            yield f"{model}: {entry['value']} has the shape {mine.shape}, not {theirs.shape}"
            return
        places = np.argwhere(mine != theirs)
        if len(places):
            wrong.append((int(places[0][0]), order, tuple(int(i) for i in places[0])))
    if wrong:
        sample, order, place = min(wrong)
        entry = entries[order]
        name, layer = entry["value"], entry["layer"]
        yield (
            f"{model}: sample {sample}, node {entry['node']} (value {name}, layer {layer}), index {place[1:]}: "
            f"expected {expected[name][place]}, found {found[name][place]}"
        )


if __name__ == "__main__":
    sys.exit(main())
