"""Run levels.onnx in onnxruntime, some samples at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.backends.artifact import broken, read_manifest
from snncc.compiler.diagnostics import Loc, SnnccError, fail
from snncc.compiler.trace import Feed, Sent

Ints = npt.NDArray[np.int64]
LEVELS = "levels.onnx"
MOST_SAMPLES = 64  # run at a time
MOST_VALUES = 1 << 22  # held at a time, of all that the model gives


def run_levels(artifact: Path, feed: Feed) -> Iterator[Mapping[str, Sent]]:
    """Yield for each sample what every node of the integer network carries, levels in both fields.

    Args:
        artifact: a folder that the backend wrote.
        feed: its ``levels`` count, int64 [samples, neurons] by input.

    Raises:
        SnnccError: SNN604 the artifact is broken; SNN606 onnxruntime failed, or the feed does not fit the artifact.
    """
    try:
        facts = read_manifest(artifact)["facts"]
        inputs, values = facts["inputs"], facts["values"]
        levels = {entry["node"]: _fed(entry, feed) for entry in inputs}
        fed = {entry["node"]: entry["levels"] for entry in inputs}
        shapes = {entry["node"]: tuple(entry["shape"]) for entry in inputs}
        told = {entry["node"]: entry["value"] for entry in values}
        step = max(1, min(MOST_SAMPLES, MOST_VALUES // sum(prod(entry["shape"]) for entry in values)))
    except (KeyError, TypeError) as error:
        raise broken(artifact, f"its manifest.json is not one of the ONNX backend ({error})") from error
    session = _session(artifact)
    for begin in range(0, min(map(len, levels.values()), default=0), step):
        part = {node: array[begin : begin + step] for node, array in levels.items()}
        arrays = {fed[node]: a.reshape(len(a), *shapes[node]).astype(np.int32) for node, a in part.items()}
        found = _run(session, list(told.values()), arrays)
        flat = part | {node: a.reshape(len(a), -1).astype(np.int64) for node, a in zip(told, found, strict=True)}
        for sample in range(len(found[0])):
            yield {node: Sent(a[sample][:, None], a[sample][:, None]) for node, a in flat.items()}


def _fed(entry: Mapping[str, Any], feed: Feed) -> Ints:
    """Return the levels fed to an input, int64 [samples, neurons]."""
    name, neurons = entry["name"], prod(entry["shape"])
    levels = feed.levels.get(name)
    if levels is None or levels.shape[1:] != (neurons,):
        raise _refused(f"input '{name}' takes samples of {neurons} levels, and the feed holds none such")
    if levels.size and not (entry["lo"] <= levels.min() and levels.max() <= entry["hi"]):
        raise _refused(f"input '{name}' takes levels {entry['lo']}..{entry['hi']}, and the feed holds others")
    return levels


def _session(artifact: Path) -> Any:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4  # its errors are raised, too
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other work may want the processors
    try:
        data = (artifact / LEVELS).read_bytes()
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has many of its own
        raise broken(artifact, f"its {LEVELS} cannot be loaded: {_first_line(error)}") from error


def _run(session: Any, outputs: list[str], arrays: Mapping[str, npt.NDArray[np.int32]]) -> list[npt.NDArray[np.int32]]:
    try:
        found: list[npt.NDArray[np.int32]] = session.run(outputs, dict(arrays))
        return found
    except Exception as error:
        raise _refused(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _refused(reason: str) -> SnnccError:
    hint = "run the artifact's selftest.py, as its README says"
    return fail("SNN606", f"{LEVELS} failed to run: {reason}", Loc(LEVELS, ""), hint)
