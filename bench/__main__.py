"""Measure snncc on the networks in examples/ and print tables: collapsed speed, stepped speed by coding, by engine."""

from __future__ import annotations

import json
import resource
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

import snncc
from bench.engines import EngineSpeed, engine_speeds
from bench.stepping import steps_per_second
from bench.throughput import throughput

EXAMPLES = Path(__file__).parent.parent / "examples"
SMALL = ("fashion_cnn", "fashion_resnet", "mnist_cnn", "vowels_cnn")
CODINGS = ("graded", "bitplane", "rate", "ttfs")
ENGINE_CODINGS = ("graded", "rate")


@dataclass(frozen=True)
class Subject:
    """A network to measure: its ONNX file, and .npz files with x."""

    model: Path
    calibration: Path
    data: Path


def examples() -> list[Subject]:
    """Return the networks in examples/ whose neurons can be stepped in seconds."""
    found = [EXAMPLES / name / f"{name}.onnx" for name in SMALL]
    return [Subject(path, path.with_name("calibration.npz"), path.with_name("test.npz")) for path in found]


def measure(subject: Subject, batch: int, threads: int, streams: int) -> dict[str, Any]:
    """Return what is measured of one network."""
    calibration, test = np.load(subject.calibration)["x"], np.load(subject.data)["x"]
    graph = snncc.import_model(subject.model)
    programs = {coding: snncc.compile(graph, calibration, coding=coding) for coding in CODINGS}
    stepped = {
        coding: {"single": steps_per_second(p, test, 1), "batched": steps_per_second(p, test, streams)}
        for coding, p in programs.items()
    }
    return {
        "network": subject.model.stem,
        "batch": batch,
        "threads": threads,
        "streams": streams,
        "collapsed": asdict(throughput(programs["graded"], test, batch, threads)),
        "stepped": stepped,
        "engines": {coding: asdict(engine_speeds(programs[coding], test)) for coding in ENGINE_CODINGS},
    }


def engine_table(results: list[dict[str, Any]]) -> Table:
    """Return the table of engines: steps a second, and how many times Lava's."""
    made = Table(
        "network",
        "coding",
        "Python",
        "C, traced",
        "C",
        "Lava",
        "C / Python",
        "traced / Lava",
        "C / Lava",
        title="engines",
    )
    for result in results:
        for coding, values in result["engines"].items():
            speed = EngineSpeed(**values)
            cells = [_rate(v) for v in (speed.python, speed.c_traced, speed.c, speed.lava)]
            pairs = ((speed.c, speed.python), (speed.c_traced, speed.lava), (speed.c, speed.lava))
            ratios = [_ratio(a, b) for a, b in pairs]
            made.add_row(result["network"], coding, *cells, *ratios)
    return made


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _ratio(a: float | None, b: float | None) -> str:
    return "-" if a is None or b is None else f"{a / b:.1f}"


def main(
    model: Annotated[Path | None, typer.Option(help="ONNX model to measure instead of the examples.")] = None,
    calibration: Annotated[Path | None, typer.Option(help="Its calibration inputs, .npz with x.")] = None,
    data: Annotated[Path | None, typer.Option(help="Inputs to run it on, .npz with x.")] = None,
    batch: Annotated[int, typer.Option(help="Samples in a run of the collapsed executors.")] = 64,
    threads: Annotated[int, typer.Option(help="onnxruntime threads, both networks.")] = 1,
    streams: Annotated[int, typer.Option(help="Streams of the batched emulator.")] = 16,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure one network, or the smaller examples. CPU time, medians; quote ratios from one run."""
    subjects = examples()
    if model is not None:
        if calibration is None:
            raise typer.BadParameter("a model needs --calibration")
        subjects = [Subject(model, calibration, data or calibration)]
    results = [measure(subject, batch, threads, streams) for subject in subjects]
    console = Console(width=120)
    if as_json:
        console.print_json(json.dumps(results))
        return
    speed = Table("network", "float /s", "integer /s", "integer / float", title=f"collapsed, batch {batch}")
    steps = Table("network", "coding", "steps/s, batch 1", f"stream-steps/s, batch {streams}", title="stepped")
    for result in results:
        found = result["collapsed"]
        speed.add_row(result["network"], f"{found['floats']:.0f}", f"{found['integers']:.0f}", f"{found['ratio']:.2f}")
        for coding, rates in result["stepped"].items():
            steps.add_row(result["network"], coding, f"{rates['single']:.0f}", f"{rates['batched']:.0f}")
    console.print(speed)
    console.print(steps)
    console.print(engine_table(results))
    console.print(
        "engines: timesteps a second, wall time, start-up not included; Lava where SNNCC_LAVA_PYTHON names it"
    )
    console.print(f"peak memory of the whole run: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


typer.run(main)
