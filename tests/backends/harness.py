"""Emit a program, run the artifact, and compare every spike and membrane with the emulator's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snncc.backends.artifact import write_artifact
from snncc.backends.base import Backend
from snncc.backends.golden import write_golden
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Trace
from snncc.runtime.emulator import Emulator, run_feed


def emit(backend: Backend, program: Program, feed: Feed, folder: Path) -> Path:
    """Emit a program with the golden vectors of a feed; return the artifact."""
    write_artifact(backend, program, folder, lambda part: write_golden(program, feed, _emulated(program, feed), part))
    return folder


def assert_same_trace(backend: Backend, artifact: Path, program: Program, feed: Feed) -> None:
    """Run an artifact and demand of every step what the emulator does."""
    step = -1
    for step, (found, expected) in enumerate(zip(backend.run(artifact, feed), _emulated(program, feed), strict=True)):
        assert found.keys() == expected.keys()
        for name, sent in expected.items():
            for what in ("spikes", "membrane"):
                mine, theirs = getattr(found[name], what), getattr(sent, what)
                assert mine.dtype == np.int64
                assert np.array_equal(mine, theirs), (step, name, what, np.argwhere(mine != theirs)[0])
    assert step == feed.steps - 1


def _emulated(program: Program, feed: Feed) -> Trace:
    return run_feed(Emulator(program), feed)
