"""What a model or a program is made of, as data."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict
from math import prod
from pathlib import Path
from typing import Any

import onnx

from snncc import api
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.frontend.onnx_load import load_onnx
from snncc.compiler.ir import Graph, Node
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.canonical import canonical_passes
from snncc.compiler.program import EventInput, Population, Program, TensorInput
from snncc.compiler.quantize.support import unsupported
from snncc.compiler.targets import target_names
from snncc.summary import program_summary, read_program


def inspect_file(path: Path) -> dict[str, Any]:
    """Return what a file holds: a program if it is a .snnp, else an ONNX model.

    The keys are kind, name, parameters, inputs, outputs, nodes, text, and for a model supported, diagnostics (every one
    that compiling it would give) and the targets and codings it can be compiled for.

    Raises:
        SnnccError: the file cannot be read at all.
    """
    if holds_program(path):
        return describe_program(read_program(path))
    try:
        graph = api.import_model(path)
    except SnnccError as error:
        return describe_unsupported(path, error.diagnostics)
    return describe_model(graph)


def holds_program(path: Path) -> bool:
    """Return whether a file is a program, by its name or by what it holds."""
    if path.suffix == ".snnp":
        return True
    with suppress(OSError, zipfile.BadZipFile, ValueError), zipfile.ZipFile(path) as archive:
        return "program.json" in archive.namelist()
    return False


def describe_model(graph: Graph) -> dict[str, Any]:
    """Return what a model that could be imported holds; see ``inspect_file``."""
    problems: tuple[Diagnostic, ...] = ()
    try:
        problems = tuple(unsupported(run_passes(graph, canonical_passes())))
    except SnnccError as error:
        problems = error.diagnostics
    inputs = [
        {"name": i.name, "shape": list(i.type.shape), "dtype": i.type.dtype, "range": None, "scale": None}
        for i in graph.inputs
    ]
    named = zip(graph.labels or graph.outputs, graph.outputs, strict=True)
    outputs = [{"name": label, "shape": list(graph.types[value].shape)} for label, value in named]
    return {
        "kind": "model",
        "name": graph.name,
        "parameters": sum(a.size for a in graph.constants.values()),
        "inputs": inputs,
        "outputs": outputs,
        "nodes": [_node(graph, node, problems) for node in graph.nodes],
        **_support(problems),
        "text": str(graph),
    }


def _node(graph: Graph, node: Node, problems: Iterable[Diagnostic]) -> dict[str, Any]:
    parameters = sum(graph.constants[i].size for i in node.inputs if i in graph.constants)
    return {
        "name": node.name,
        "op": node.op.name,
        "shape": list(node.type.shape),
        "parameters": parameters,
        "support": _codes(problems, {node.loc.name}),
        "loc": str(node.loc),
    }


def _codes(problems: Iterable[Diagnostic], names: set[str]) -> list[str]:
    """Return the codes of what is wrong with a node, none if nothing is."""
    return list(dict.fromkeys(p.code for p in problems if p.loc.name in names and p.severity == "error"))


def _support(problems: Sequence[Diagnostic]) -> dict[str, Any]:
    return {
        "supported": not problems,
        "diagnostics": [asdict(p) | {"text": str(p)} for p in problems],
        "targets": list(target_names()),
        "codings": list(CODINGS),
    }


def describe_unsupported(path: Path, problems: Sequence[Diagnostic]) -> dict[str, Any]:
    """Return what a model that cannot be imported holds, as its file has it; shapes inside are unknown."""
    proto, file = load_onnx(path)[0], path.name
    weights = {tensor.name: prod(tensor.dims) for tensor in proto.graph.initializer}
    nodes = []
    for node in proto.graph.node:
        name = node.name or next(iter(node.output), "") or node.op_type
        nodes.append(
            {
                "name": name,
                "op": node.op_type,
                "shape": None,
                "parameters": sum(weights.get(i, 0) for i in node.input),
                "support": _codes(problems, {name, *node.output}),
                "loc": f"{file}:{name} ({node.op_type})",
            }
        )
    return {
        "kind": "model",
        "name": proto.graph.name or file,
        "parameters": sum(weights.values()),
        "inputs": [
            {"name": i.name, "shape": _dims(i)[1:], "dtype": _dtype(i), "range": None, "scale": None}
            for i in proto.graph.input
            if i.name not in weights
        ],
        "outputs": [{"name": o.name, "shape": _dims(o)[1:]} for o in proto.graph.output],
        "nodes": nodes,
        **_support(problems),
        "text": onnx.printer.to_text(proto),
    }


def _dims(value: onnx.ValueInfoProto) -> list[int | str]:
    return [d.dim_value if d.HasField("dim_value") else d.dim_param or "?" for d in value.type.tensor_type.shape.dim]


def _dtype(value: onnx.ValueInfoProto) -> str:
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type))
    except KeyError:
        return "?"


def describe_program(program: Program) -> dict[str, Any]:
    """Return what a program holds; see ``inspect_file``."""
    rows = [_population(program, population) for population in program.populations]
    outputs = [
        {
            "name": o.name,
            "shape": list(program.population[o.population].shape),
            "dtype": "float32",
            "scale": float(o.scale),
        }
        for o in program.outputs
    ]
    return program_summary(program) | {
        "kind": "program",
        "name": program.name,
        "parameters": sum(row["parameters"] for row in rows),
        "inputs": [_contract(item) for item in program.inputs],
        "outputs": outputs,
        "nodes": rows,
        "diagnostics": [],
        "text": str(program),
    }


def _contract(item: TensorInput | EventInput) -> dict[str, Any]:
    """Return what an input takes; ``range`` is in real units, what lies outside is clipped."""
    if isinstance(item, EventInput):
        return {"name": item.name, "shape": None, "dtype": "events", "range": None, "scale": None}
    scale = float(item.scale)
    return {
        "name": item.name,
        "shape": list(item.shape),
        "dtype": "float32",
        "lo": item.lo,
        "hi": item.hi,
        "scale": scale,
        "range": [item.lo * scale, item.hi * scale],
    }


def _population(program: Program, population: Population) -> dict[str, Any]:
    incoming = [c for c in program.connections if c.target == population.name]
    claim = population.claim
    return {
        "name": population.name,
        "op": (claim.coding or claim.kind) if claim else "",
        "shape": list(population.shape),
        "start": population.start,
        "window": population.window,
        "parameters": sum(int(c.synapses.weight.size) for c in incoming),
        "loc": str(population.loc),
    }
