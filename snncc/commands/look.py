"""Commands that show what there is: models, programs, backends, diagnostics."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from snncc.commands.options import Bits, Coding, Debug, Json, Quiet, WeightBits


def inspect_command(
    file: Annotated[Path, typer.Argument(help="ONNX model or program (.snnp).", readable=False)],
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


def backends_command(json: Json = False, debug: Debug = False) -> None:
    """List what programs can be emitted for, and whether it can be run here."""
    from snncc import show
    from snncc.emission import backend_summary

    show.backends(backend_summary(), json)


def explain_command(
    code: Annotated[str | None, typer.Argument(help="Diagnostic code, such as SNN102; all are listed without.")] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Explain a diagnostic: what it means and what to do."""
    from snncc import show

    show.explained(code, json)
