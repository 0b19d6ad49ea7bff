"""The backend: checks a program, writes the two models, runs the one that shows every level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from snncc.backends.base import Backend
from snncc.backends.onnx.ranges import range_problems
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Readout
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Reshape, Transpose
from snncc.compiler.program import EventInput, Program
from snncc.compiler.trace import Feed, Trace

OPS = (Encode, Conv, Dense, Fire, Readout, MaxPool, Reshape, Transpose, Concat)
OTHER = "use another backend"


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
        found = [*_events(program), *_forms(graph)]
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


def _forms(graph: Graph) -> Iterator[Diagnostic]:
    for node in graph.nodes:
        if reason := _form(graph, node):
            yield Diagnostic("SNN613", f"'{node.name}' ({node.op.name}) {reason}", node.loc, OTHER)
    for name in graph.outputs:
        if name not in graph.node or not isinstance(graph.node[name].op, Readout):
            yield Diagnostic("SNN613", f"output '{name}' is no readout", Loc(graph.name, name), OTHER)


def _form(graph: Graph, node: Node) -> str:
    """Return why a node has no form in the models; empty if it has one."""
    if type(node.op) not in OPS:
        return "is an operation that the ONNX backend does not know"
    if isinstance(node.op, Conv | Dense) and (len(node.inputs) != 2 or node.inputs[1] not in graph.constants):
        return "has weights that are no constants, or a bias of its own"
    if isinstance(node.op, Fire | Readout):
        return _charges_form(graph, node)
    if isinstance(node.op, MaxPool) and not _meets_input(node.op, graph.types[node.inputs[0]].shape[1:]):
        return "has windows that lie wholly in the padding"
    return ""


def _charges_form(graph: Graph, node: Node) -> str:
    constants = 2 if isinstance(node.op, Fire) else 1
    charges, rest = node.inputs[:-constants], node.inputs[-constants:]
    if any(name not in graph.node or not isinstance(graph.node[name].op, Conv | Dense) for name in charges):
        return "adds what is no convolution or dense layer"
    return "" if all(name in graph.constants for name in rest) else "has a bias or thresholds that are no constants"


def _meets_input(op: MaxPool, sizes: tuple[int, ...]) -> bool:
    """Return whether every window of a max-pool holds a value of its input; there must be an axis to pool over."""
    for axis, size in enumerate(sizes):
        span = op.dilations[axis] * (op.kernel[axis] - 1)
        last = (size + op.pads[axis] + op.pads[len(sizes) + axis] - span - 1) // op.strides[axis]
        begins = np.arange(last + 1) * op.strides[axis] - op.pads[axis]
        taps = begins[:, None] + np.arange(op.kernel[axis]) * op.dilations[axis]
        if not ((taps >= 0) & (taps < size)).any(axis=1).all():
            return False
    return len(sizes) > 0
