"""The ``snncc`` command: options in, calls to ``snncc.api``, words or JSON out. Heavy imports wait until they are needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="snncc", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Compile trained neural networks to spiking neuromorphic chips, exactly.",
)
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of words.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on the terminal.")]
Data = Annotated[Path, typer.Option("--data", help=".npz with x (and y where known).")]


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
) -> None:
    """Compile trained neural networks to spiking neuromorphic chips, exactly."""


@app.command("compile")
def compile_command(
    model: Annotated[Path, typer.Argument(help="ONNX model.")],
    calibration: Annotated[Path, typer.Option(help=".npz with representative inputs x.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="Program to write (.snnp).")],
    target: Annotated[str, typer.Option(help="Chip to compile for.")] = "loihi2",
    coding: Annotated[
        str | None, typer.Option(help="graded, bitplane, rate or ttfs [default: the chip's].")
    ] = None,
    bits: Annotated[int | None, typer.Option(help="Levels as bits: Q = 2^bits - 1 [default: 4].")] = None,
    levels: Annotated[int | None, typer.Option(help="Greatest level Q, instead of --bits.")] = None,
    weight_bits: Annotated[int, typer.Option(help="Width of a weight, sign included: 2..8.")] = 8,
    schedule: Annotated[
        str | None, typer.Option(help="pipelined or sequential [default: the chip's].")
    ] = None,
    print_after: Annotated[
        str | None, typer.Option(help="Print the graph after this pass, or after all: all.")
    ] = None,
    time_passes: Annotated[bool, typer.Option("--time-passes", help="Print how long each pass took.")] = False,
    save_stages: Annotated[Path | None, typer.Option(help="Folder for the graph after every pass.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compile a trained network into a spiking program."""
    from snncc import api, show
    from snncc.compiler.data import read_npz
    from snncc.observe import Observer

    arrays = read_npz(calibration)
    observer = Observer(print_after, time_passes, save_stages)
    with show.progress(quiet or json) as bar:
        graph = api.import_model(model)
        program = api.compile(
            graph, _inputs(arrays, graph), target, coding, bits, levels, weight_bits, schedule, observer.after,
            lambda layer: bar(f"quantizing {layer}", 0, 0),
        )
    observer.finish()
    program.save(output)
    show.compiled(program, output, json)


@app.command()
def verify(
    program: Annotated[Path, typer.Argument(help="Program (.snnp).")],
    data: Data,
    limit: Annotated[int | None, typer.Option(min=0, help="Samples to step [default: 100]; accuracies use all.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check that a program reproduces its integer network bit for bit, and how far that is from the float one."""
    from snncc import api, show
    from snncc.compiler.data import read_npz

    loaded, arrays = api.load(program), read_npz(data)
    with show.progress(quiet or json) as bar:
        report = api.verify(loaded, _inputs(arrays, loaded), arrays.get("y"), limit, bar)
    show.verified(report, json)
    if not report.exact:
        raise typer.Exit(1)


@app.command()
def run(
    program: Annotated[Path, typer.Argument(help="Program (.snnp).")],
    data: Data,
    output: Annotated[Path, typer.Option("-o", "--output", help=".npz to write: y, or one array an output.")],
    engine: Annotated[str | None, typer.Option(help="levels (fast, default) or emulator (every step).")] = None,
    json: Json = False,
) -> None:
    """Run a program on data; outputs are in real units, their integers beside them."""
    from snncc import api, show
    from snncc.compiler.data import read_npz
    from snncc.files import write_npz

    loaded, arrays = api.load(program), read_npz(data)
    outputs = api.run(loaded, _inputs(arrays, loaded), engine)
    write_npz(output, show.named_outputs(loaded, outputs))
    show.ran(loaded, outputs, output, json)


@app.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="ONNX model or program (.snnp).")],
    text: Annotated[bool, typer.Option("--text", help="Print the whole text form.")] = False,
    json: Json = False,
) -> None:
    """Show what a model or a program is made of: ops, shapes, parameters, support, input contract."""
    from snncc import show
    from snncc.inspection import inspect_file

    found = inspect_file(file)
    show.inspected(found, json, text)
    if found.get("problems"):
        raise typer.Exit(1)


@app.command()
def explain(code: Annotated[str, typer.Argument(help="Diagnostic code, such as SNN102.")], json: Json = False) -> None:
    """Explain a diagnostic: what it means and what to do."""
    from snncc import show

    show.explained(code.upper(), json)


@app.command()
def demo(
    limit: Annotated[int, typer.Option(min=0, help="Samples to step in each coding.")] = 100,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Compile a bundled, trained MNIST network in all four codings and verify each."""
    from snncc import show
    from snncc.demonstration import demonstrate

    with show.progress(quiet or json) as bar:
        reports = demonstrate(limit, bar)
    show.demonstrated(reports, json)
    if not all(report.exact for report in reports):
        raise typer.Exit(1)


def _inputs(arrays: dict[str, Any], of: Any) -> dict[str, Any]:
    """Return the inputs of a graph or program from the arrays of a data file."""
    from snncc.compiler.data import split_labels
    from snncc.compiler.ir.types import FLOAT, TensorType
    from snncc.compiler.program import TensorInput

    tensors = [i for i in of.inputs if hasattr(i, "type") or isinstance(i, TensorInput)]
    kinds = {i.name: getattr(i, "type", None) or TensorType(FLOAT, i.shape) for i in tensors}
    return split_labels(arrays, kinds)[0]


def main() -> None:
    """Run the command; turn errors into diagnostics and exit codes (0 ok, 1 input or verdict, 2 options, 70 bug)."""
    from snncc.compiler.diagnostics import InternalError, SnnccError

    try:
        app(standalone_mode=True)
    except SnnccError as error:
        from snncc import show

        show.failed(error, "--json" in sys.argv)
        sys.exit(error.exit_code)
    except (InternalError, ArithmeticError, LookupError, TypeError, ValueError, AssertionError, MemoryError) as error:
        from snncc import show

        show.crashed(error)
        sys.exit(70)
