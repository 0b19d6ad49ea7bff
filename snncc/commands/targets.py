"""``snncc targets``: a command with one below it."""

from __future__ import annotations

from typing import Annotated

import typer

from snncc.commands.options import Debug, Json
from snncc.failures import Interruptible

targets_app = typer.Typer(cls=Interruptible, invoke_without_command=True, add_completion=False)


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
