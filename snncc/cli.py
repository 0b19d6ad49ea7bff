"""The ``snncc`` command: its words, and where each is answered."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Annotated, Any

import typer
from typer.main import get_command

from snncc.commands import build, improve, look, prove
from snncc.commands.options import Debug
from snncc.commands.targets import targets_app
from snncc.failures import Interruptible, guarded

HELP = "Compile trained neural networks to spiking neuromorphic chips, exactly."
COMMANDS: dict[str, Callable[..., None]] = {
    "compile": build.compile_command,
    "verify": prove.verify_command,
    "diagnose": improve.diagnose_command,
    "tune": improve.tune_command,
    "finetune": improve.finetune_command,
    "place": build.place_command,
    "check": prove.check_command,
    "run": build.run_command,
    "emit": build.emit_command,
    "backends": look.backends_command,
    "inspect": look.inspect_command,
    "cost": improve.cost_command,
    "explain": look.explain_command,
    "demo": prove.demo_command,
}
app = typer.Typer(
    name="snncc",
    cls=Interruptible,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help=HELP,
)
for word, function in COMMANDS.items():
    app.command(word)(function)
app.add_typer(targets_app, name="targets", help="List the chips and boards that programs are made for.")


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
