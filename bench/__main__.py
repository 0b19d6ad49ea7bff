"""Measure snncc on the networks in examples/ and print two tables: collapsed speed, and stepped speed by coding."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import snncc
from bench.stepping import steps_per_second
from bench.throughput import throughput

EXAMPLES = Path(__file__).parent.parent / "examples"
CODINGS = ("graded", "bitplane", "rate", "ttfs")


def networks() -> dict[str, Path]:
    """Return the example folders that hold a network, calibration and test data."""
    found = sorted(EXAMPLES.glob("*/*.onnx"))
    return {path.stem: path.parent for path in found}


def measure(name: str, folder: Path, batch: int, threads: int, streams: int) -> dict[str, Any]:
    """Return what is measured of one network."""
    calibration, test = np.load(folder / "calibration.npz")["x"], np.load(folder / "test.npz")["x"]
    graph = snncc.import_model(folder / f"{name}.onnx")
    programs = {coding: snncc.compile(graph, calibration, coding=coding) for coding in CODINGS}
    stepped = {
        coding: {"single": steps_per_second(p, test, 1), "batched": steps_per_second(p, test, streams)}
        for coding, p in programs.items()
    }
    return {
        "network": name, "batch": batch, "threads": threads, "streams": streams,
        "collapsed": asdict(throughput(programs["graded"], test, batch, threads)), "stepped": stepped,
    }


def main(
    batch: Annotated[int, typer.Option(help="Samples in a run of the collapsed executors.")] = 64,
    threads: Annotated[int, typer.Option(help="onnxruntime threads, both networks.")] = 1,
    streams: Annotated[int, typer.Option(help="Streams of the batched emulator.")] = 16,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure every example network. CPU time, medians; quote ratios from one run."""
    results = [measure(name, folder, batch, threads, streams) for name, folder in networks().items()]
    console = Console(width=110)
    if as_json:
        console.print_json(json.dumps(results))
        return
    speed = Table("network", "float /s", "integer /s", "integer / float", title=f"collapsed, batch {batch}")
    steps = Table("network", "coding", "steps/s, batch 1", f"stream-steps/s, batch {streams}", title="stepped")
    for result in results:
        found = result["collapsed"]
        speed.add_row(
            result["network"], f"{found['floats']:.0f}", f"{found['integers']:.0f}", f"{found['ratio']:.2f}"
        )
        for coding, rates in result["stepped"].items():
            steps.add_row(result["network"], coding, f"{rates['single']:.0f}", f"{rates['batched']:.0f}")
    console.print(speed)
    console.print(steps)


typer.run(main)
