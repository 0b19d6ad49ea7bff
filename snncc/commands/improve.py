"""Commands that say what a network loses or costs, and make it lose or cost less."""

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
    TrainedBits,
    WeightBits,
)


def diagnose_command(
    model: Annotated[Path, typer.Argument(help="ONNX model, or program (.snnp).", readable=False)],
    data: Data,
    calibration: Annotated[Path | None, typer.Option(help=".npz with representative inputs x.", readable=False)] = None,
    target: TargetName = "loihi2",
    coding: Coding = None,
    bits: Bits = None,
    levels: Levels = None,
    weight_bits: WeightBits = None,
    schedule: Annotated[str | None, typer.Option(help="pipelined or sequential (default: the chip's).")] = None,
    scales: Scales = "mse",
    rounding: Rounding = "adaptive",
    limit: Annotated[int | None, typer.Option(min=1, help="Test samples to use (default: 1000).")] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say which layer loses how much to what, and what to do about it."""
    from snncc.diagnose_command import diagnose_files
    from snncc.show_diagnosis import diagnosed
    from snncc.terminal import progress

    settings = (target, coding, bits, levels, weight_bits, schedule, scales, rounding)
    with progress(quiet or json) as bar:
        diagnosis = diagnose_files(model, calibration, data, settings, limit, bar)
    diagnosed(diagnosis, json)


def tune_command(
    model: ModelFile,
    calibration: Annotated[Path, typer.Option(help=".npz with representative inputs x.", readable=False)],
    data: Annotated[
        Path, typer.Option("--data", help=".npz with tuning inputs x (and y where known).", readable=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Program to write (.snnp).", readable=False)],
    max_loss: Annotated[float, typer.Option(help="Most that may be lost on the tuning data, in points.")] = 0.5,
    minimize: Annotated[str, typer.Option(help="energy (modelled), latency, interval or synops.")] = "energy",
    test: Annotated[Path | None, typer.Option(help=".npz for one test of the chosen program.", readable=False)] = None,
    study: Annotated[
        Path | None, typer.Option(help="File or folder to keep trials in, and to go on from.", readable=False)
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Most trials of the study (default: no limit).")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds to search.")] = 480.0,
    jobs: Annotated[int | None, typer.Option(help="Points measured at a time (default: one a processor).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sampler.")] = 0,
    sure: Annotated[bool, typer.Option("--sure", help="The whole 95% interval must keep to --max-loss.")] = False,
    target: TargetName = "loihi2",
    coding: Annotated[
        str | None, typer.Option(help="Codings to choose from, such as rate,ttfs (default: all the chip sends).")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Find the cheapest program that loses no more than allowed, and write it."""
    from snncc.show_tuning import tuned
    from snncc.terminal import progress
    from snncc.tune_command import Files, make_wish, told_study, tune_files

    wish = make_wish((minimize, max_loss, sure), (trials, time_limit), target, coding, jobs, seed)
    files = Files(model, calibration, data, output, test, study)
    with progress(quiet or json) as bar:
        found = tune_files(files, wish, bar)
    tuned(found, output, told_study(files), json)
    if found.program is None or not found.exact:
        raise typer.Exit(1)


def finetune_command(
    model: ModelFile,
    data: Annotated[
        Path, typer.Option("--data", help=".npz with training inputs x (and y where known).", readable=False)
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Fine-tuned ONNX model to write.", readable=False)],
    bits: Annotated[str, typer.Option(help="Levels as bits: 1..7; 2,LAYER=3 for one layer.")] = "2",
    weight_bits: TrainedBits = "8",
    outer_weight_bits: Annotated[int, typer.Option(help="Least width of weights at inputs and outputs.")] = 8,
    epochs: Annotated[int, typer.Option(help="Passes over the data.")] = 10,
    rate: Annotated[float, typer.Option(help="Highest learning rate.")] = 0.001,
    batch: Annotated[int, typer.Option(help="Samples a step.")] = 64,
    distill: Annotated[float, typer.Option(help="Share of the loss that asks for the float outputs, 0..1.")] = 0.9,
    seed: Annotated[int, typer.Option(help="Of the order of the samples.")] = 0,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train a network to live with few bits, for compile to take as it is; needs torch."""
    from snncc.finetune_command import finetune_file, finetuned
    from snncc.terminal import progress

    wish = (bits, weight_bits, outer_weight_bits, epochs, rate, batch, distill, seed)
    with progress(quiet or json) as bar:
        done = finetune_file(model, data, output, wish, bar)
    finetuned(done, json)


def cost_command(
    program: ProgramFile,
    data: Data,
    table: Annotated[str | None, typer.Option(help="Cost table of the target (default: its first).")] = None,
    rate: Annotated[float | None, typer.Option(help="Inferences a second, for duty cycle and power.")] = None,
    limit: Annotated[int | None, typer.Option(help="Samples to count (default: 20).")] = None,
    target: Annotated[str | None, typer.Option(help="Chip or board (default: the program's own).")] = None,
    sanafe: Annotated[
        Path | None,
        typer.Option(help="Also write program and samples for the simulator SANA-FE into this folder.", readable=False),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Say what an inference costs in energy and time, modelled, beside an 8-bit ANN."""
    from snncc.cost_command import cost_files
    from snncc.show_cost import costed
    from snncc.terminal import progress

    with progress(quiet or json) as bar:
        report = cost_files(program, data, (target, table, rate, limit), bar, sanafe)
    costed(report, json)
    if not report.reached:
        raise typer.Exit(1)
