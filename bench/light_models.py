"""Import the published networks that the onnx package ships, one after the other, and print how closely they agree.

Run with ``python -m bench.light_models [NAME...]``. VGG19 takes 4 GB and a minute. Errors are relative to the largest
output; the last column is for random weights instead of the shipped ones, which are alike for every class.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import numpy.typing as npt
import onnx
from rich.console import Console
from rich.table import Table

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.frontend.selfcheck import Runner
from snncc.compiler.ir import Graph
from snncc.compiler.ir.to_onnx import to_onnx
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.canonical import canonical_passes
from tests.light_models import IMPORTED, REFUSED, path_of, shipped_input, shipped_output, with_random_weights


def output(graph: Graph) -> npt.NDArray[np.float32]:
    """Return what a graph gives for the input that onnx's backend tests feed."""
    given = graph.inputs[0]
    return Runner(to_onnx(graph)).run({given.name: shipped_input(given.type.shape)})[0].astype(np.float32)


def difference(found: npt.NDArray[np.float32], wanted: npt.NDArray[np.float32]) -> str:
    """Return the largest difference relative to the largest element."""
    return f"{np.abs(found.reshape(wanted.shape) - wanted).max() / np.abs(wanted).max():.1e}"


def canonical(name: str) -> str:
    """Return how far the CANONICAL graph is from the shipped output, or the codes of what stands against it."""
    try:
        graph = run_passes(import_onnx(path_of(name)), canonical_passes())
    except SnnccError as error:
        return " ".join(sorted({d.code for d in error.diagnostics}))
    found, wanted = output(graph), shipped_output(name)
    share = np.exp(found - found.max())
    ends_in_softmax = np.isclose(wanted.sum(), 1)  # which the passes drop
    return difference(share / share.sum() if ends_in_softmax else found, wanted)


def row(name: str) -> tuple[str, ...]:
    """Return the cells of one network."""
    start = time.perf_counter()
    try:
        graph = import_onnx(path_of(name))
    except SnnccError as error:
        found = sorted({f"{d.code} {d.loc.op}" for d in error.diagnostics})
        return name, f"{time.perf_counter() - start:.1f} s", "", "", ", ".join(found), "", ""
    seconds = time.perf_counter() - start
    parameters = sum(array.size for array in graph.constants.values())
    shipped = difference(output(graph), shipped_output(name))
    return (
        name, f"{seconds:.1f} s", str(len(graph.nodes)), f"{parameters / 1e6:.1f} M", shipped, canonical(name),
        with_random(name),
    )  # fmt: skip


def with_random(name: str) -> str:
    """Return how far the imported graph is from onnxruntime on a network with random weights."""
    proto = with_random_weights(onnx.load(path_of(name)))
    graph = import_onnx(proto)
    given = graph.inputs[0]
    (wanted,) = Runner(proto).run({given.loc.name: shipped_input(given.type.shape)})
    return difference(output(graph), wanted.astype(np.float32))


def main(names: list[str]) -> None:
    """Print one row for each network."""
    heads = ("network", "import", "nodes", "parameters", "imported", "canonical", "random weights")
    table = Table(*heads)
    for name in names or (*IMPORTED, *REFUSED):
        table.add_row(*row(name))
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
