"""Commands that make something: programs, their place on a chip, artifacts, results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snncc.commands.options import (
    Bits,
    Coding,
    Data,
    Debug,
    Json,
    Levels,
    ModelFile,
    ProgramFile,
    Quiet,
    Rounding,
    Scales,
    TargetName,
    WeightBits,
)
from snncc.failures import together


def compile_command(
    model: ModelFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Program to write (.snnp).", readable=False)],
    calibration: Annotated[
        Path | None,
        typer.Option(
            help=".npz with representative inputs x; not needed for a network that is quantized already.",
            readable=False,
        ),
    ] = None,
    target: TargetName = "loihi2",
    coding: Coding = None,
    bits: Bits = None,
    levels: Levels = None,
    weight_bits: WeightBits = None,
    schedule: Annotated[str | None, typer.Option(help="pipelined or sequential (default: the chip's).")] = None,
    scales: Scales = "mse",
    rounding: Rounding = "adaptive",
    print_after: Annotated[str | None, typer.Option(help="Print the graph after this pass, or after all: all.")] = None,
    time_passes: Annotated[bool, typer.Option("--time-passes", help="Print how long each pass took.")] = False,
    save_stages: Annotated[
        Path | None, typer.Option(help="Folder for the graph after every pass.", readable=False)
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compile a trained network into a spiking program."""
    from snncc import show
    from snncc.compilation import Compilation

    job = Compilation(model, calibration, output, print_after, time_passes, save_stages)
    summary = job.run((target, coding, bits, levels, weight_bits, schedule, scales, rounding), json, quiet)
    show.compiled(summary, json)


def place_command(
    program: ProgramFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Program to write (.snnp).", readable=False)],
    target: Annotated[str, typer.Option("--target", help="Chip or board: a name or a .toml file.")] = "loihi2",
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Put every neuron of a program on a core of a chip or board; its spikes do not change."""
    from snncc import show
    from snncc.place_command import place_file
    from snncc.terminal import progress

    with progress(quiet or json) as bar:
        bar("placing", 0, 0)
        summary = place_file(program, target, output)
    show.place_done(summary, json)


def emit_command(
    program: ProgramFile,
    backend: Annotated[str, typer.Option(help="c, lava, onnx or another; see snncc backends.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write, new or empty.", readable=False)],
    data: Annotated[
        Path | None, typer.Option(help=".npz with x, samples to add to the golden vectors.", readable=False)
    ] = None,
    slices: Annotated[bool, typer.Option("--slices", help="A population for every slice of the placement.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Write a program as code that runs without snncc, with golden vectors and a self-test."""
    from snncc import show
    from snncc.emit_command import emit_file
    from snncc.terminal import progress

    with progress(quiet or json) as bar:
        manifest = emit_file(program, backend, output, data, slices, bar)
    show.emitted(manifest | {"folder": str(output)}, json)


def run_command(
    program: ProgramFile,
    data: Data,
    output: Annotated[
        Path, typer.Option("-o", "--output", help=".npz to write: y and y_integer, or so by output.", readable=False)
    ],
    engine: Annotated[str | None, typer.Option(help="levels (fast, default), emulator or c (every step).")] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run a program on data; outputs are in real units, their integers beside them."""
    from snncc import show
    from snncc.compiler.data import blame, read_npz
    from snncc.engines import check_engine
    from snncc.files import check_output, write_npz
    from snncc.summary import read_program, run_on
    from snncc.terminal import progress

    check_engine(engine)
    loaded, arrays, _ = together(
        lambda: read_program(program), lambda: read_npz(data), lambda: check_output(output, inputs=(program, data))
    )
    with progress(quiet or json) as bar, blame(data):
        outputs = run_on(loaded, arrays, engine, bar)
    write_npz(output, outputs.arrays())
    show.ran(outputs.summary() | {"file": str(output)}, json)
