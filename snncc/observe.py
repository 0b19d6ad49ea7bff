"""The one callback between passes, as the command line uses it: print, time and save the graph after a pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from snncc.compiler.diagnostics import Loc, fail
from snncc.compiler.ir import Graph
from snncc.compiler.passes.base import Pass
from snncc.compiler.per_layer import choices
from snncc.files import WRITABLE

ALL = "all"


def check_pass_name(name: str | None, names: Sequence[str]) -> None:
    """Find out whether there is a pass to print after.

    Raises:
        SnnccError: SNN509, exit code 2.
    """
    if name not in (None, ALL, *names):
        hint = choices("passes", [*names, ALL], str(name))
        raise fail("SNN509", f"there is no pass '{name}'", Loc("options", "print_after"), hint, 2)


class Observer:
    """Watches passes go by.

    Attributes:
        times: name and seconds of each pass so far.
        printed: name and text of each graph that was asked for.
    """

    def __init__(
        self,
        print_after: str | None = None,
        save_stages: Path | None = None,
        show: Callable[[str, str], None] = lambda name, text: None,
    ) -> None:
        """Choose what to do after a pass.

        Args:
            print_after: name of a pass, or ``all``.
            save_stages: folder for text and constants of every graph; made with the first.
            show: called with the name of a pass to print after, and its graph's text.
        """
        self.times: list[tuple[str, float]] = []
        self.printed: list[tuple[str, str]] = []
        self._print_after, self._folder, self._show = print_after, save_stages, show
        self._last = time.perf_counter()

    def after(self, step: Pass, graph: Graph) -> None:
        """Take note of a pass and its graph."""
        self.times.append((step.name, time.perf_counter() - self._last))
        if self._print_after in (step.name, ALL):
            self.printed.append((step.name, str(graph)))
            self._show(*self.printed[-1])
        if self._folder is not None:
            self._save(self._folder, f"{len(self.times):02d}-{step.name}", graph)
        self._last = time.perf_counter()

    def _save(self, folder: Path, stem: str, graph: Graph) -> None:
        from safetensors.numpy import save

        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{stem}.txt").write_text(str(graph), encoding="utf-8")
            (folder / f"{stem}.safetensors").write_bytes(save(dict(graph.constants)))
        except OSError as error:
            message = f"cannot write stages to '{folder}': {error.strerror or error}"
            raise fail("SNN407", message, Loc(folder.name, stem), WRITABLE) from error
