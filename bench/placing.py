"""Place networks of published size without calibration, and print what they take.

Run with ``python -m bench.placing [NAME...]``. Every network runs in a process of its own, for its peak memory.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnx
from rich.console import Console
from rich.table import Table

import snncc
from bench.chip_nets import mobilenet, pilotnet, stack
from snncc.compiler.mapping.draft import draft
from snncc.compiler.options import make_options
from snncc.compiler.placement.fit import Fit, fit
from snncc.compiler.placement.place import place
from snncc.compiler.targets import load_target
from tests.light_models import path_of

INTEL = {"pilotnet": (25, 13, 3, 3, 2, 12, 1, 1, 1)}  # cores a layer, lava-dl's public notebook of PilotNet-SDNN
SUBJECTS: dict[str, tuple[Callable[[], onnx.ModelProto] | None, str]] = {
    "pilotnet": (pilotnet, "loihi2"),
    "mobilenet": (mobilenet, "nahuku"),
    "resnet50": (None, "alia-point"),
    "stack": (stack, "hala-point"),
}


@dataclass(frozen=True)
class Placed:
    """What placing took: seconds and mebibytes of the process, and what it found."""

    fit: Fit
    slices: int
    seconds: float
    peak_mb: int


def measure(name: str, path: str, target: str) -> Placed:
    """Import, draft and place a network."""
    start = time.perf_counter()
    program = draft(snncc.import_model(path), make_options(target))
    found = fit(program, load_target(target))
    slices = len(place(program, load_target(target)).slices) if found.fits else 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return Placed(found, slices, time.perf_counter() - start, peak)


def main(names: list[str]) -> None:
    """Print a row for each network, and the layers of those that have published figures."""
    table = Table("network", "target", "neurons", "cores", "chips", "slices", "s", "MB", "problems")
    with tempfile.TemporaryDirectory() as folder:
        for name in names or list(SUBJECTS):
            build, target = SUBJECTS[name]
            path = str(Path(folder) / f"{name}.onnx")
            path = path_of(name) if build is None else path
            if build is not None:
                onnx.save(build(), path)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                done = pool.apply(measure, (name, path, target))
            found = done.fit
            figures = (sum(n.neurons for n in found.layers), found.cores, found.chips, done.slices)
            problems = " ".join(sorted({p.code for p in found.violations}))
            table.add_row(name, target, *map(str, figures), f"{done.seconds:.1f}", str(done.peak_mb), problems)
            if name in INTEL:
                layers = [n.cores for n in found.layers if n.kind != "input"]
                Console().print(f"{name}: cores a layer {layers}, Intel {list(INTEL[name])}, all {sum(INTEL[name])}")
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
