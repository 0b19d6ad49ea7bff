"""The demonstration: a bundled, trained MNIST network, compiled in every coding and verified."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from snncc import api
from snncc.compiler.coding import CODINGS
from snncc.compiler.data import read_npz
from snncc.runtime.report import Report


def demonstrate(limit: int, progress: Callable[[str, int, int], None]) -> list[Report]:
    """Compile and verify the bundled network in every coding; return the reports.

    Args:
        limit: samples to step in each coding.
        progress: called with what is being done, how much is done, and the whole.
    """
    with resources.as_file(resources.files("snncc.demo")) as folder:
        calibration, test = read_npz(folder / "calibration.npz"), read_npz(folder / "test.npz")
        graph = api.import_model(folder / "mnist_cnn.onnx")
    reports = []
    for number, coding in enumerate(CODINGS):
        progress(f"{coding}: compiling and verifying", number, len(CODINGS))
        program = api.compile(graph, calibration["x"], coding=coding)
        reports.append(api.verify(program, test["x"], test["y"], limit))
    return reports
