"""The text form of a graph: canonical, one node a line, read back by ``parse_graph``.

    graph @net stage=canonical {
      input %x : float32[1, 28, 28] loc("net.onnx", "x", "", "", "")
      const @w : float32[8, 1, 3, 3] sha256:0f3a...
      %c = conv(%x, %w) {strides=(1, 1), ...} : float32[8, 26, 26] loc(...)
      return %c
    }

Constants of up to eight elements are written out; larger ones by digest, and the reader needs their arrays.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Mapping
from dataclasses import astuple, fields

import numpy as np

import snncc.compiler.ir.curve
import snncc.compiler.ir.integer_ops
import snncc.compiler.ir.ops
import snncc.compiler.ir.quantizer
import snncc.compiler.ir.view_ops  # noqa: F401  all enter their ops into OPS
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.ir.graph import Array, Graph, Input, Node, Stage, constant_type
from snncc.compiler.ir.op import OPS, Op
from snncc.compiler.ir.types import parse_type

INLINE = 8


def print_graph(graph: Graph) -> str:
    """Return the canonical text of a graph."""
    lines = [f"graph @{graph.name} stage={graph.stage.value} {{"]
    lines += [f"  input %{i.name} : {i.type}{_print_loc(i.loc)}" for i in graph.inputs]
    lines += [f"  const @{name} : {constant_type(a)} {_print_value(a)}" for name, a in sorted(graph.constants.items())]
    lines += [_print_node(node, graph) for node in graph.nodes]
    outputs = ", ".join(f"%{name}" for name in graph.outputs)
    labels = f" as {list(graph.labels)!r}" if graph.labels else ""
    return "\n".join([*lines, f"  return {outputs}{labels}", "}"]) + "\n"


def _print_node(node: Node, graph: Graph) -> str:
    marks = ", ".join(("@" if name in graph.constants else "%") + name for name in node.inputs)
    attributes = ", ".join(f"{f.name}={getattr(node.op, f.name)!r}" for f in fields(node.op))
    braces = f" {{{attributes}}}" if attributes else ""
    return f"  %{node.name} = {node.op.name}({marks}){braces} : {node.type}{_print_loc(node.loc)}"


def _print_loc(loc: Loc) -> str:
    return "" if loc == Loc() else f" loc{astuple(loc)!r}"


def _print_value(array: Array) -> str:
    if array.size <= INLINE:
        return repr(array.ravel().tolist())
    return f"sha256:{digest(array)}"


def digest(array: Array) -> str:
    """Return the SHA-256 of an array's bytes in row-major order."""
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


_HEADER = re.compile(r"graph @(\S+) stage=(\w+) \{")
_INPUT = re.compile(r"input %(\S+) : ([^\]]*\])(?: loc(\(.*\)))?")
_CONST = re.compile(r"const @(\S+) : ([^\]]*\]) (.*)")
_NODE = re.compile(r"%(\S+) = (\w+)\(([^)]*)\)(?: \{(.*?)\})? : ([^\]]*\])(?: loc(\(.*\)))?")


class _Reader:
    """Collects what the lines of a text hold."""

    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.given = constants
        self.name, self.stage = "", Stage.IMPORTED
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self.outputs: tuple[str, ...] = ()
        self.labels: tuple[str, ...] = ()
        self.constants: dict[str, Array] = {}

    def read(self, line: str) -> None:
        """Take one line in; raise ValueError with a sentence if it cannot be read."""
        if m := _HEADER.fullmatch(line):
            self.name, self.stage = m[1], Stage(m[2])
        elif m := _INPUT.fullmatch(line):
            self.inputs.append(Input(m[1], parse_type(m[2]), _parse_loc(m[3])))
        elif m := _CONST.fullmatch(line):
            self.constants[m[1]] = self._constant(m[1], m[2], m[3])
        elif m := _NODE.fullmatch(line):
            operands = tuple(name.strip()[1:] for name in m[3].split(",") if name.strip())
            self.nodes.append(Node(m[1], _parse_op(m[2], m[4]), operands, parse_type(m[5]), _parse_loc(m[6])))
        elif line.startswith("return "):
            values, _, labels = line[7:].partition(" as ")
            self.outputs = tuple(name.strip()[1:] for name in values.split(","))
            self.labels = tuple(ast.literal_eval(labels)) if labels else ()
        elif line not in ("", "}") and not line.startswith("#"):
            raise ValueError(f"cannot read '{line}'")

    def _constant(self, name: str, type_text: str, value: str) -> Array:
        kind = parse_type(type_text)
        if not value.startswith("sha256:"):
            return np.array(ast.literal_eval(value), dtype=kind.dtype).reshape(kind.shape)
        if name not in self.given:
            raise ValueError(f"constant @{name} is given by digest, its array is missing")
        array = self.given[name]
        if constant_type(array) != kind or digest(array) != value[7:]:
            raise ValueError(f"the array of constant @{name} is not the one the text names")
        return array


def parse_graph(text: str, constants: Mapping[str, Array] | None = None, file: str = "<text>") -> Graph:
    """Read the text form.

    Args:
        text: what ``print_graph`` wrote.
        constants: arrays of the constants that stand in the text by digest.
        file: name for messages.

    Raises:
        SnnccError: SNN002 for every line that cannot be read.
    """
    reader = _Reader(constants or {})
    problems = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            reader.read(line.strip())
        except (ValueError, SyntaxError, TypeError) as error:
            problems.append(Diagnostic("SNN002", str(error), Loc(file, f"line {number}")))
    if problems:
        raise SnnccError(problems)
    return Graph(
        reader.name,
        reader.stage,
        tuple(reader.inputs),
        tuple(reader.nodes),
        reader.outputs,
        reader.constants,
        reader.labels,
    )


def _parse_op(name: str, attributes: str | None) -> Op:
    if name not in OPS:
        raise ValueError(f"unknown op '{name}'")
    call = ast.parse(f"f({attributes or ''})", mode="eval").body
    if not isinstance(call, ast.Call):
        raise ValueError(f"cannot read attributes '{attributes}'")
    return OPS[name](**{k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg})


def _parse_loc(text: str | None) -> Loc:
    return Loc(*ast.literal_eval(text)) if text else Loc()
