"""Emit a program, run the artifact, and compare every spike and membrane with the emulator's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from snncc.backends.artifact import write_artifact
from snncc.backends.base import Backend
from snncc.backends.golden import write_golden
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Sent, Trace
from snncc.runtime.emulator import Emulator, run_feed


def emit(backend: Backend, program: Program, feed: Feed, folder: Path) -> Path:
    """Emit a program with the golden vectors of a feed; return the artifact."""
    write_artifact(backend, program, folder, lambda part: write_golden(program, feed, _emulated(program, feed), part))
    return folder


def assert_same_trace(backend: Backend, artifact: Path, program: Program, feed: Feed) -> None:
    """Run an artifact and demand of every step what the emulator does."""
    assert_same_steps(backend.run(artifact, feed), _emulated(program, feed), feed.steps)


def assert_same_steps(found: Iterable[Mapping[str, Sent]], expected: Iterable[Mapping[str, Sent]], steps: int) -> None:
    """Demand of so many steps that every population did the same."""
    step = -1
    for step, (one, other) in enumerate(zip(found, expected, strict=True)):
        assert one.keys() == other.keys()
        for name, sent in other.items():
            for what in ("spikes", "membrane"):
                mine, theirs = getattr(one[name], what), getattr(sent, what)
                assert mine.dtype == np.int64
                assert np.array_equal(mine, theirs), (step, name, what, np.argwhere(mine != theirs)[0])
    assert step == steps - 1


def _emulated(program: Program, feed: Feed) -> Trace:
    return run_feed(Emulator(program), feed)
