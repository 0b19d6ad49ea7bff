"""The backend: checks a program, writes the two models, runs the one that shows every level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from snncc.backends.base import Backend
from snncc.backends.onnx.forms import OTHER, form_problems
from snncc.backends.onnx.ranges import range_problems
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.program import EventInput, Program
from snncc.compiler.trace import Feed, Trace


class OnnxBackend(Backend):
    """The integer network in integer ONNX operators; no spikes, no time."""

    name: ClassVar[str] = "onnx"
    about: ClassVar[str] = "the integer network as ONNX models in integer arithmetic, for any ONNX tool"
    gives: ClassVar[str] = "levels"

    def check(self, program: Program) -> list[Diagnostic]:
        """Return why there is no such network, or what in it needs more than 32-bit integers."""
        if program.origin is None:
            message = f"program '{program.name}' holds no integer network, which is what the ONNX backend writes"
            hint = f"compile a model to get a program with its network, or {OTHER}"
            return [Diagnostic("SNN613", message, Loc(program.name, ""), hint)]
        graph = program.origin.network
        found = [*_events(program), *form_problems(graph)]
        return found or range_problems(graph)

    def emit(self, program: Program, folder: Path) -> Mapping[str, Any]:
        """Write network.onnx, levels.onnx, README.md and selftest.py."""
        from snncc.backends.onnx.models import models  # imports onnx_ir, which is slow

        assert program.origin is not None
        files, facts = models(program.origin.network)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        templates = resources.files(__package__) / "templates"
        for name in ("README.md", "selftest.py"):
            (folder / name).write_bytes((templates / name).read_bytes())
        return facts

    def run(self, artifact: Path, feed: Feed) -> Trace:
        """Run levels.onnx in onnxruntime and yield the levels of every node, sample by sample.

        Raises:
            SnnccError: SNN604 the artifact is broken; SNN606 the feed holds no samples of some input, or onnxruntime
                failed.
        """
        from snncc.backends.onnx.execute import run_levels

        return run_levels(artifact, feed)

    def missing(self) -> str:
        """Return whether onnxruntime is missing."""
        return "" if find_spec("onnxruntime") else "the package onnxruntime is not installed"


def _events(program: Program) -> Iterator[Diagnostic]:
    for source in program.inputs:
        if isinstance(source, EventInput):
            message = f"input '{source.name}' is a stream of events, and the integer network takes tensors"
            yield Diagnostic("SNN613", message, Loc(program.name, source.name), OTHER)
