"""What ``snncc compile`` does: everything that can fail early first, then the compilation, then the file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snncc import api, show
from snncc.compiler.data import Data, blame, read_npz
from snncc.compiler.ir import Graph
from snncc.compiler.options import make_options
from snncc.compiler.pipeline import known_passes
from snncc.compiler.program import Program
from snncc.failures import together
from snncc.files import check_folder, check_output
from snncc.observe import Observer, check_pass_name
from snncc.summary import program_summary
from snncc.terminal import Bar, progress

Settings = tuple[str, str | None, str | None, str | None, str | None, str | None, str, str]


@dataclass(frozen=True)
class Compilation:
    """The files and wishes of one compilation.

    Attributes:
        model: ONNX model.
        calibration: .npz with representative inputs; None for a network that brings its own levels.
        output: program to write.
        print_after: pass after which to print the graph, or ``all``.
        time_passes: whether to tell how long each pass took.
        save_stages: folder for the graph after every pass.
    """

    model: Path
    calibration: Path | None
    output: Path
    print_after: str | None
    time_passes: bool
    save_stages: Path | None

    def run(self, settings: Settings, as_json: bool, quiet: bool) -> dict[str, Any]:
        """Compile and save; return the program's summary.

        Args:
            settings: target, coding, bits, levels, weight_bits, schedule, scales and rounding, as
                ``snncc.compile`` takes them.
            as_json: collect what is printed on the way in the summary, too.
            quiet: show no progress.
        """
        check_pass_name(self.print_after, known_passes(make_options(*settings)))
        with progress(quiet or as_json or self.print_after is not None) as bar:
            bar("reading", 0, 0)
            graph, data = self._read()
            observer = Observer(self.print_after, self.save_stages, _silent if as_json else show.printed)
            try:
                program = self._compile(graph, data, settings, observer, bar)
            finally:
                if self.time_passes and not as_json:
                    show.timed(observer.times)
            program.save(self.output)
        return program_summary(program) | {"file": str(self.output)} | self._seen(observer)

    def _read(self) -> tuple[Graph, Data | None]:
        """Return model and calibration data, both readable, when all that will be written can be."""
        data, taken = self.calibration, tuple(path for path in (self.model, self.calibration) if path is not None)
        steps: list[Callable[[], Any]] = [
            lambda: api.import_model(self.model),
            lambda: None if data is None else read_npz(data),
            lambda: check_output(self.output, "SNN301", taken),
        ]
        if self.save_stages is not None:
            stages = self.save_stages
            steps.append(lambda: check_folder(stages))
        graph, found, *_ = together(*steps)
        return graph, found

    def _compile(self, graph: Graph, data: Data | None, settings: Settings, observer: Observer, bar: Bar) -> Program:
        def after(step: Any, graph: Graph) -> None:
            observer.after(step, graph)
            bar(f"pass {step.name}", 0, 0)

        with blame(self.calibration) if self.calibration is not None else nullcontext():
            return api.compile(
                graph, data, *settings, observe=after, progress=lambda layer: bar(f"quantizing {layer}", 0, 0)
            )

    def _seen(self, observer: Observer) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        if self.time_passes:
            seen["passes"] = [{"name": name, "seconds": seconds} for name, seconds in observer.times]
        if self.print_after:
            seen["printed"] = [{"after": name, "graph": text} for name, text in observer.printed]
        return seen


def _silent(name: str, text: str) -> None:
    pass
