"""A problem as files, for the workers: the graph as text, arrays as safetensors, the rest as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from snncc.compiler.ir.text import parse_graph, print_graph
from snncc.runtime.tuning.laboratory import Problem

GROUPS = ("calibration", "inputs")


def pack(problem: Problem, folder: Path) -> None:
    """Write a problem into a folder."""
    (folder / "graph.txt").write_text(print_graph(problem.graph), encoding="utf-8")
    arrays = {f"constant/{name}": array for name, array in problem.graph.constants.items()}
    arrays |= {f"{group}/{name}": array for group in GROUPS for name, array in getattr(problem, group).items()}
    arrays["real/"] = problem.real
    if problem.labels is not None:
        arrays["labels/"] = problem.labels
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, folder / "arrays.safetensors")
    rest = {"target": problem.target, "codings": problem.codings, "minimize": problem.minimize}
    (folder / "problem.json").write_text(json.dumps(rest), encoding="utf-8")


def unpack(folder: Path) -> Problem:
    """Read what ``pack`` wrote."""
    grouped: dict[str, dict[str, Any]] = {}
    for name, array in load_file(folder / "arrays.safetensors").items():
        group, _, key = name.partition("/")
        grouped.setdefault(group, {})[key] = array
    graph = parse_graph((folder / "graph.txt").read_text(encoding="utf-8"), grouped.get("constant", {}))
    rest = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
    return Problem(
        graph,
        grouped["calibration"],
        grouped["inputs"],
        grouped.get("labels", {}).get(""),
        grouped["real"][""],
        rest["target"],
        tuple(rest["codings"]),
        rest["minimize"],
    )
