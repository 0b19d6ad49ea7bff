"""What a model or a program is made of, as data."""

from __future__ import annotations

import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from snncc import api
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.canonical import canonical_passes
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.targets import target_names
from snncc.show import program_summary


def inspect_file(path: Path) -> dict[str, Any]:
    """Return what a file holds: a program if it is a .snnp, else an ONNX model.

    The keys are kind, name, parameters, inputs, outputs, nodes, text, and for a model problems (every diagnostic that
    compiling it would give) and the targets and codings it can be compiled for.

    Raises:
        SnnccError: the file cannot be read at all.
    """
    if path.suffix == ".snnp" or zipfile.is_zipfile(path):
        return _program(api.load(path))
    return _model(api.import_model(path))


def _model(graph: Graph) -> dict[str, Any]:
    problems = []
    try:
        run_passes(graph, canonical_passes())
    except SnnccError as error:
        problems = [asdict(d) | {"text": str(d)} for d in error.diagnostics]
    rows = []
    for node in graph.nodes:
        parameters = sum(graph.constants[i].size for i in node.inputs if i in graph.constants)
        rows.append(
            {"name": node.name, "op": node.op.name, "shape": list(node.type.shape), "parameters": parameters,
             "loc": str(node.loc)}
        )
    return {
        "kind": "model", "name": graph.name, "parameters": sum(a.size for a in graph.constants.values()),
        "inputs": [
            {"name": i.name, "shape": list(i.type.shape), "dtype": i.type.dtype, "range": None, "scale": None}
            for i in graph.inputs
        ],
        "outputs": [{"name": name, "shape": list(graph.types[name].shape)} for name in graph.outputs],
        "nodes": rows, "supported": not problems, "problems": problems, "targets": list(target_names()),
        "codings": list(CODINGS), "text": str(graph),
    }


def _program(program: Program) -> dict[str, Any]:
    rows = []
    for population in program.populations:
        incoming = [c for c in program.connections if c.target == population.name]
        rows.append(
            {"name": population.name, "op": population.claim.coding or population.claim.kind if population.claim else "",
             "shape": list(population.shape), "start": population.start, "window": population.window,
             "parameters": sum(int(c.synapses.weight.size) for c in incoming), "loc": str(population.loc)}
        )
    inputs = [
        {"name": i.name, "shape": list(i.shape), "dtype": "float32", "lo": i.lo, "hi": i.hi, "scale": float(i.scale),
         "range": [i.lo * float(i.scale), i.hi * float(i.scale)]}
        for i in program.inputs if isinstance(i, TensorInput)
    ]
    return program_summary(program) | {
        "kind": "program", "name": program.name, "parameters": sum(row["parameters"] for row in rows), "inputs": inputs,
        "outputs": [{"name": o.name, "scale": float(o.scale)} for o in program.outputs], "nodes": rows,
        "text": str(program),
    }
