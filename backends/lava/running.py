"""Run an emitted artifact on Lava, in a process of its own, and read what it did."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from snncc.backends.artifact import broken, read_manifest
from snncc.backends.lava.interpreter import lava_python
from snncc.backends.process import run_limited
from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.trace import Feed, Sent, Trace

TIMEOUT = "SNNCC_LAVA_TIMEOUT"  # seconds, in the environment
START_UP = 120  # seconds for imports and for Lava to start its processes, generously
LONGEST = 1e7  # seconds that can be waited for
STOPPING = 60  # seconds the artifact has beyond its limit to stop by itself


def run_artifact(artifact: Path, feed: Feed) -> Trace:
    """Yield what every population did in each step.

    Args:
        artifact: a folder that the backend emitted.
        feed: what arrives.

    Raises:
        SnnccError: SNN604 the artifact is broken; SNN605 there is no Lava; SNN606 it failed or took too long.
    """
    manifest, python = read_manifest(artifact), lava_python()
    with tempfile.TemporaryDirectory(prefix="snncc-lava-") as name:
        folder = Path(name)
        try:
            fed = {entry["name"]: f"{entry['object']}_events" for entry in manifest["inputs"]}
            limit = time_limit(feed.steps, float(manifest["facts"]["seconds_per_step"]))
            types = _types(manifest)
        except (KeyError, TypeError, ValueError) as error:
            raise broken(artifact, f"its manifest lacks {error}") from error
        _write_feed(folder / "in.npz", feed, fed)
        script = str((artifact / "run.py").resolve())
        command = [python, "-B", script, "--inputs", str(folder / "in.npz"), "--trace", str(folder)]
        run_limited([*command, "--limit", f"{limit:g}"], "Lava", limit + STOPPING)
        yield from _read(folder, types, feed.steps)


def _write_feed(path: Path, feed: Feed, names: Mapping[str, str]) -> None:
    rows = {
        names[name]: np.stack([a.step, a.neuron, a.value], axis=1).astype(np.int64)
        for name, a in feed.arrivals.items()
        if name in names
    }
    np.savez(path, steps=np.int64(feed.steps), **rows)  # type: ignore[arg-type,unused-ignore]


def time_limit(steps: int, each: float) -> float:
    """Return how long a run may take. A process that fails is noticed at once, so this may be generous."""
    given = os.environ.get(TIMEOUT, "")
    if not given:
        return START_UP + steps * each
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < LONGEST:
        raise fail("SNN606", f"{TIMEOUT} is '{given}', which is no number of seconds", Loc("lava", TIMEOUT))
    return seconds


def _types(manifest: Mapping[str, Any]) -> dict[str, tuple[str, np.dtype[Any]]]:
    """Return (object, what a step of its trace holds) by the population's name."""
    found = {}
    for entry in manifest["populations"]:
        size = int(np.prod(entry["shape"], dtype=np.int64))
        payload, membrane = manifest["facts"]["trace"][entry["object"]]
        fields = [("spikes", payload, (size,)), ("membrane", membrane, (size,))]
        found[entry["name"]] = (entry["object"], np.dtype(fields))
    return found


def _read(folder: Path, types: Mapping[str, tuple[str, np.dtype[Any]]], steps: int) -> Iterator[dict[str, Sent]]:
    traces = {name: _trace(folder / f"{label}.trace", kind, steps) for name, (label, kind) in types.items()}
    for now in range(steps):
        yield {name: Sent(_column(t["spikes"][now]), _column(t["membrane"][now])) for name, t in traces.items()}


def _trace(path: Path, kind: np.dtype[Any], steps: int) -> Any:
    """Return the steps of a trace; they are read when they are looked at.

    Raises:
        SnnccError: SNN606, there are fewer.
    """
    if not path.is_file() or path.stat().st_size != steps * kind.itemsize:
        raise fail("SNN606", f"Lava ended without the trace of {path.stem}, {steps} steps", Loc("lava", path.stem))
    return np.memmap(path, kind, "r")


def _column(values: Any) -> Any:
    return values.astype(np.int64)[:, None]
