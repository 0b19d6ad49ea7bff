"""The demonstration: a bundled, trained MNIST network, compiled in every coding and verified."""

from __future__ import annotations

from importlib import resources

from snncc import api
from snncc.compiler.coding import CODINGS
from snncc.compiler.data import Data, read_npz
from snncc.compiler.ir import Graph
from snncc.runtime.report import Report
from snncc.runtime.verify import Progress


def demonstrate(limit: int, progress: Progress) -> list[Report]:
    """Compile and verify the bundled network in every coding; return the reports.

    Args:
        limit: samples to step in each coding.
        progress: called with what is being done, how much is done, and the whole.
    """
    with resources.as_file(resources.files("snncc.demo")) as folder:
        calibration, test = read_npz(folder / "calibration.npz"), read_npz(folder / "test.npz")
        graph = api.import_model(folder / "mnist_cnn.onnx")
    reports = []
    for coding in CODINGS:
        reports.append(_verified(graph, calibration, test, coding, limit, progress))
    return reports


def _verified(graph: Graph, calibration: Data, test: Data, coding: str, limit: int, progress: Progress) -> Report:
    def tell(what: str, done: int = 0, total: int = 0) -> None:
        progress(f"{coding}: {what}", done, total)

    program = api.compile(graph, calibration["x"], coding=coding, progress=lambda layer: tell(f"quantizing {layer}"))
    return api.verify(program, test["x"], test["y"], limit, tell)
