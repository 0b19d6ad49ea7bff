"""The terminal: tables that lose nothing, progress where somebody watches, no meaning read into the user's strings."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

Bar = Callable[[str, int, int], None]
WIDE = 1 << 14  # columns where no terminal sets a limit
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def console(to_stderr: bool = False) -> Console:
    """Return a console that prints strings as they are, as wide as they are unless a terminal is narrower."""
    stream = sys.stderr if to_stderr else sys.stdout
    width = None if stream.isatty() else WIDE
    return Console(stderr=to_stderr, width=width, markup=False, emoji=False, highlight=False, soft_wrap=True)


def plain(text: object) -> str:
    r"""Return a text whose control characters, but line feeds and tabs, show as ``\x1b``: a name moves no cursor."""
    return _CONTROL.sub(lambda match: f"\\x{ord(match[0]):02x}", str(text))


def counted(count: int, thing: str, form: str = "") -> str:
    """Return a number with its noun: 1 step, 2 steps; ``form`` is that of the number, as format() has it."""
    return f"{count:{form}} {thing}{'' if count == 1 else 's'}"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[str] = ()) -> Table:
    """Return a table; ``numbers`` names the columns to align at the right. Narrow terminals fold, nothing is cut."""
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    for header in headers:
        made.add_column(header, overflow="fold", justify="right" if header in numbers else "left")
    for row in rows:
        made.add_row(*(plain(cell) for cell in row))
    return made


def write_table(made: Table) -> None:
    """Print a table; in a file or pipe without blanks at the ends of lines."""
    out = console()
    with out.capture() as captured:
        out.print(made)
    text = captured.get()
    sys.stdout.write(text if out.is_terminal else "".join(f"{line.rstrip()}\n" for line in text.splitlines()))


def strict(value: Any) -> Any:
    """Return a value as JSON has it: what is not finite becomes null, keys and unknown objects become strings."""
    if isinstance(value, Mapping):
        return {str(key): strict(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [strict(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return strict(value.item()) if hasattr(value, "item") else str(value)


def write_json(value: Any) -> None:
    """Print a value as JSON in which every parser agrees."""
    sys.stdout.write(json.dumps(strict(value), indent=2, allow_nan=False) + "\n")


@contextmanager
def progress(quiet: bool) -> Iterator[Bar]:
    """Give a function (what, done, total) that shows progress on a terminal, and is silent elsewhere."""
    out = Console(stderr=True, markup=False, emoji=False, highlight=False)
    if quiet or not sys.stderr.isatty() or out.is_dumb_terminal:
        yield lambda what, done, total: None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True, redirect_stdout=False, redirect_stderr=False) as bars:
        task = bars.add_task("starting", total=None)
        shown = [""]

        def update(what: str, done: int, total: int) -> None:
            count = f" {done}/{total}" if total else ""
            new = what != shown[0]  # shown at once, however short it may take; counts at the usual rate
            shown[0] = what
            bars.update(task, description=plain(what) + count, completed=done, total=total or None, refresh=new)

        yield update
