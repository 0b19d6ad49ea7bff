"""The ``snncc`` command: options in, calls to ``snncc.api``, words or JSON out. Heavy imports wait for their use."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from snncc.failures import Interruptible, guarded, together

HELP = "Compile trained neural networks to spiking neuromorphic chips, exactly."
app = typer.Typer(
    name="snncc",
    cls=Interruptible,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=HELP,
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on the terminal.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error (or set SNNCC_DEBUG=1).")]
Data = Annotated[Path, typer.Option("--data", help=".npz with x (and y where known).")]
TargetName = Annotated[str, typer.Option("--target", help="Chip to compile for, or its file; see snncc targets.")]
Coding = Annotated[
    str | None,
    typer.Option(help="graded, bitplane, rate, ttfs or auto; rate,LAYER=ttfs for one layer [default: the chip's]."),
]
Bits = Annotated[str | None, typer.Option(help="Levels as bits: Q = 2^bits - 1; 4,LAYER=6 for one layer [default: 4].")]
Levels = Annotated[str | None, typer.Option(help="Greatest level Q, instead of --bits.")]
WeightBits = Annotated[
    str | None,
    typer.Option(help="Width of a weight, sign included: 2..8; 8,LAYER=4 for one layer [default: 8, or the chip's]."),
]
TrainedBits = Annotated[str, typer.Option(help="Width of a weight, sign included: 2..8; 8,LAYER=4 for one layer.")]
Scales = Annotated[str, typer.Option(help="How levels get their size: mse, max, percentile:99.9 or kl.")]
Rounding = Annotated[str, typer.Option(help="Of weights: adaptive, adaptive:0.5 with half of them zero, or nearest.")]
ProgramFile = Annotated[Path, typer.Argument(help="Program (.snnp).")]


def _version(show: bool) -> None:
    if show:
        from snncc import __version__

        typer.echo(f"snncc {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Compile trained neural networks to spiking neuromorphic chips, exactly."""


@app.command("compile")
def compile_command(
    model: Annotated[Path, typer.Argument(help="ONNX model.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Program to write (.snnp).")],
    calibration: Annotated[
        Path | None,
        typer.Option(help=".npz with representative inputs x; not needed for a network that is quantized already."),
    ] = None,
    target: TargetName = "loihi2",
    coding: Coding = None,
    bits: Bits = None,
    levels: Levels = None,
    weight_bits: WeightBits = None,
    schedule: Annotated[str | None, typer.Option(help="pipelined or sequential [default: the chip's].")] = None,
    scales: Scales = "mse",
    rounding: Rounding = "adaptive",
    print_after: Annotated[str | None, typer.Option(help="Print the graph after this pass, or after all: all.")] = None,
    time_passes: Annotated[bool, typer.Option("--time-passes", help="Print how long each pass took.")] = False,
    save_stages: Annotated[Path | None, typer.Option(help="Folder for the graph after every pass.")] = None,
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


@app.command()
def verify(
    program: ProgramFile,
    data: Data,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Samples to step [default: 100]; accuracies use all.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="Emit for this backend and run that, too.")] = None,
    slices: Annotated[
        int | None, typer.Option(min=0, help="Samples to step slice by slice, too [default: up to 4, if quick].")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check that a program reproduces its integer network bit for bit, and how far that is from the float one."""
    from snncc import api, show
    from snncc.backends.registry import get_backend
    from snncc.compiler.data import blame, read_npz, split_labels
    from snncc.summary import input_types, read_program
    from snncc.terminal import progress

    if on is not None:
        get_backend(on)
    loaded, arrays = together(lambda: read_program(program), lambda: read_npz(data))
    with progress(quiet or json) as bar, blame(data):
        inputs, labels = split_labels(arrays, input_types(loaded))
        report = api.verify(loaded, inputs, labels, limit, bar, on, slices)
    show.verified(report, json)
    if not report.exact:
        raise typer.Exit(1)


@app.command("diagnose")
def diagnose_command(
    model: Annotated[Path, typer.Argument(help="ONNX model, or program (.snnp).")],
    data: Data,
    calibration: Annotated[Path | None, typer.Option(help=".npz with representative inputs x.")] = None,
    target: TargetName = "loihi2",
    coding: Coding = None,
    bits: Bits = None,
    levels: Levels = None,
    weight_bits: WeightBits = None,
    schedule: Annotated[str | None, typer.Option(help="pipelined or sequential [default: the chip's].")] = None,
    scales: Scales = "mse",
    rounding: Rounding = "adaptive",
    limit: Annotated[int | None, typer.Option(min=1, help="Test samples to use [default: 1000].")] = None,
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


@app.command("tune")
def tune_command(
    model: Annotated[Path, typer.Argument(help="ONNX model.")],
    calibration: Annotated[Path, typer.Option(help=".npz with representative inputs x.")],
    data: Annotated[Path, typer.Option("--data", help=".npz with tuning inputs x (and y where known).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Program to write (.snnp).")],
    max_loss: Annotated[float, typer.Option(help="Most that may be lost on the tuning data, in points.")] = 0.5,
    minimize: Annotated[str, typer.Option(help="energy (modelled), latency, interval or synops.")] = "energy",
    test: Annotated[Path | None, typer.Option(help=".npz for one test of the chosen program.")] = None,
    study: Annotated[Path | None, typer.Option(help="File or folder to keep trials in, and to go on from.")] = None,
    trials: Annotated[int | None, typer.Option(help="Most trials of the study [default: no limit].")] = None,
    time_limit: Annotated[float, typer.Option(help="Seconds to search.")] = 480.0,
    jobs: Annotated[int | None, typer.Option(help="Points measured at a time [default: one a processor].")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the sampler.")] = 0,
    sure: Annotated[bool, typer.Option("--sure", help="The whole 95% interval must keep to --max-loss.")] = False,
    target: TargetName = "loihi2",
    coding: Annotated[
        str | None, typer.Option(help="Codings to choose from, such as rate,ttfs [default: all the chip sends].")
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


@app.command("finetune")
def finetune_command(
    model: Annotated[Path, typer.Argument(help="ONNX model.")],
    data: Annotated[Path, typer.Option("--data", help=".npz with training inputs x (and y where known).")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Fine-tuned ONNX model to write.")],
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


@app.command("place")
def place_command(
    program: ProgramFile,
    output: Annotated[Path, typer.Option("-o", "--output", help="Program to write (.snnp).")],
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


@app.command("check")
def check_command(
    program: ProgramFile,
    target: Annotated[
        str | None, typer.Option("--target", help="What a placed program is on [default: the bundled one it names].")
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Check that a program reproduces its integer network on every input, and its placement, by independent code."""
    from snncc.check_command import check_file
    from snncc.show_check import checked
    from snncc.terminal import progress

    with progress(quiet or json) as bar:
        found = check_file(program, target, bar)
    checked(found, json)
    if found.problems:
        raise typer.Exit(1)


@app.command()
def run(
    program: ProgramFile,
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help=".npz to write: y and y_integer, or so by output.")],
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


@app.command("emit")
def emit_command(
    program: ProgramFile,
    backend: Annotated[str, typer.Option(help="c, lava, onnx or another; see snncc backends.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write, new or empty.")],
    data: Annotated[Path | None, typer.Option(help=".npz with x, samples to add to the golden vectors.")] = None,
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


targets_app = typer.Typer(cls=Interruptible, invoke_without_command=True, add_completion=False)
app.add_typer(targets_app, name="targets", help="List the chips and boards that programs are made for.")


@targets_app.callback()
def targets_command(context: typer.Context, json: Json = False, debug: Debug = False) -> None:
    """List the chips and boards that programs are made for."""
    from snncc.targets_command import listed, summaries

    if context.invoked_subcommand is None:
        listed(summaries(), json)


@targets_app.command("show")
def show_target_command(
    target: Annotated[str, typer.Argument(help="Name of a target, or path of a target file (.toml).")],
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Show every figure of a target with its unit and its source, absent ones too."""
    from snncc.targets_command import details, shown

    shown(details(target), json)


@app.command("backends")
def backends_command(json: Json = False, debug: Debug = False) -> None:
    """List what programs can be emitted for, and whether it can be run here."""
    from snncc import show
    from snncc.emission import backend_summary

    show.backends(backend_summary(), json)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="ONNX model or program (.snnp).")],
    target: Annotated[
        list[str] | None, typer.Option("--target", help="Chip or board that it is to fit; may be given several times.")
    ] = None,
    coding: Coding = None,
    bits: Bits = None,
    weight_bits: WeightBits = None,
    signed: Annotated[bool, typer.Option("--signed", help="Inputs have negative values.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Print the whole text form.")] = False,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Show what a model or a program is made of; with --target, whether it fits chips and what it needs of them."""
    from snncc import show
    from snncc.fit_command import Wish, fit_file
    from snncc.inspection import inspect_file

    wish = Wish(tuple(target or ()), coding, bits, weight_bits, signed)
    if wish != Wish(()):
        raise typer.Exit(fit_file(file, wish, json, quiet, text))
    found = inspect_file(file)
    show.inspected(found, json, text)
    if found["diagnostics"]:
        raise typer.Exit(1)


@app.command("cost")
def cost_command(
    program: ProgramFile,
    data: Data,
    table: Annotated[str | None, typer.Option(help="Cost table of the target [default: its first].")] = None,
    rate: Annotated[float | None, typer.Option(help="Inferences a second, for duty cycle and power.")] = None,
    limit: Annotated[int | None, typer.Option(help="Samples to count [default: 20].")] = None,
    target: Annotated[str | None, typer.Option(help="Chip or board [default: the program's own].")] = None,
    sanafe: Annotated[
        Path | None, typer.Option(help="Also write program and samples for the simulator SANA-FE into this folder.")
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


@app.command()
def explain(
    code: Annotated[str | None, typer.Argument(help="Diagnostic code, such as SNN102; all are listed without.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Explain a diagnostic: what it means and what to do."""
    from snncc import show

    show.explained(code, json)


@app.command()
def demo(
    limit: Annotated[int, typer.Option(min=0, help="Samples to step in each coding.")] = 100,
    json: Json = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compile a bundled, trained MNIST network in all four codings and verify each."""
    from snncc import show
    from snncc.demonstration import demonstrate
    from snncc.terminal import progress

    with progress(quiet or json) as bar:
        reports = demonstrate(limit, bar)
    show.demonstrated(reports, json)
    if not all(report.exact for report in reports):
        raise typer.Exit(1)


@cache
def _command() -> Any:
    return get_command(app)


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line, ``sys.argv``'s unless another is given, and exit; see ``snncc.failures`` for the codes."""
    words = list(sys.argv[1:] if words is None else words)
    as_json = "--json" in words
    debug = "--debug" in words or os.environ.get("SNNCC_DEBUG", "0") not in ("", "0")
    command = partial(_command().main, words, "snncc", standalone_mode=not as_json)
    sys.exit(guarded(command, words, as_json, debug))
