"""The one callback between passes, as the command line uses it: print, time and save the graph after a pass."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from snncc.compiler.diagnostics import fail
from snncc.compiler.ir import Graph
from snncc.compiler.passes.base import Pass


class Observer:
    """Watches passes go by.

    Attributes:
        seen: names of the passes run so far.
    """

    def __init__(self, print_after: str | None = None, time_passes: bool = False, save_stages: Path | None = None) -> None:
        """Choose what to do after a pass; ``print_after`` is a pass name or ``all``."""
        self.print_after, self.time_passes, self.folder = print_after, time_passes, save_stages
        self.seen: list[str] = []
        self._last = time.perf_counter()
        if save_stages is not None:
            try:
                save_stages.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise fail("SNN407", f"cannot write '{save_stages}': {error.strerror}") from error

    def after(self, step: Pass, graph: Graph) -> None:
        """Take note of a pass and its graph."""
        self.seen.append(step.name)
        now = time.perf_counter()
        if self.time_passes:
            sys.stderr.write(f"{(now - self._last) * 1000:9.1f} ms  {step.name}\n")
        if self.print_after in (step.name, "all"):
            sys.stdout.write(f"# after {step.name}\n{graph}")
        if self.folder is not None:
            self._save(step, graph)
        self._last = time.perf_counter()

    def finish(self) -> None:
        """Complain if the pass to print after never ran.

        Raises:
            SnnccError: SNN509, exit code 2.
        """
        if self.print_after and self.print_after not in (*self.seen, "all"):
            hint = f"passes are: {', '.join(dict.fromkeys(self.seen))}"
            raise fail("SNN509", f"there is no pass '{self.print_after}'", hint=hint, exit_code=2)

    def _save(self, step: Pass, graph: Graph) -> None:
        from safetensors.numpy import save_file

        assert self.folder is not None
        stem = f"{len(self.seen):02d}-{step.name}"
        (self.folder / f"{stem}.txt").write_text(str(graph), encoding="utf-8")
        save_file(dict(graph.constants), self.folder / f"{stem}.safetensors")
