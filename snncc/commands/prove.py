"""Commands that say whether a program is right."""

from __future__ import annotations

from typing import Annotated

import typer

from snncc.commands.options import Data, Debug, Json, ProgramFile, Quiet
from snncc.failures import together


def verify_command(
    program: ProgramFile,
    data: Data,
    limit: Annotated[
        int | None, typer.Option(min=0, help="Samples to step (default: 100); accuracies use all.")
    ] = None,
    on: Annotated[str | None, typer.Option(help="Emit for this backend and run that, too.")] = None,
    slices: Annotated[
        int | None, typer.Option(min=0, help="Samples to step slice by slice, too (default: up to 4, if quick).")
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


def check_command(
    program: ProgramFile,
    target: Annotated[
        str | None, typer.Option("--target", help="What a placed program is on (default: the bundled one it names).")
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


def demo_command(
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
