"""What ``snncc tune`` does: read model and data, tune, write the chosen program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from snncc import api
from snncc.compiler.data import Data, blame, read_npz
from snncc.compiler.ir import Graph
from snncc.failures import together
from snncc.files import check_output
from snncc.runtime.tuning.samples import Samples, samples
from snncc.runtime.tuning.study import study_path
from snncc.runtime.tuning.trials import Budget, Goal
from snncc.runtime.tuning.tune import tune
from snncc.runtime.tuning.tuned import Tuned
from snncc.runtime.tuning.wish import Wish, check_wish
from snncc.terminal import Bar


@dataclass(frozen=True)
class Files:
    """The files of a tuning.

    Attributes:
        model: ONNX model.
        calibration: .npz with the inputs to calibrate with.
        data: .npz with tuning inputs, and labels where they are known.
        output: program to write.
        test: .npz with test inputs, None for no test.
        study: file of the study, or a folder for it; None to keep none.
    """

    model: Path
    calibration: Path
    data: Path
    output: Path
    test: Path | None = None
    study: Path | None = None

    @property
    def read(self) -> tuple[Path, ...]:
        """Return the files that are only read."""
        return (self.model, self.calibration, self.data, *(() if self.test is None else (self.test,)))


def make_wish(
    goal: tuple[str, float, bool],
    budget: tuple[int | None, float | None],
    target: str = "loihi2",
    coding: str | None = None,
    jobs: int | None = None,
    seed: int = 0,
) -> Wish:
    """Return what the user asks for.

    Args:
        goal: objective, greatest loss, and whether the whole interval must keep to it.
        budget: most trials, and seconds.
        target: name of the chip.
        coding: names of the codings to choose from, by commas; None for all that the target can send.
        jobs: points measured at a time.
        seed: of the sampler.
    """
    codings = tuple(dict.fromkeys(word.strip() for word in (coding or "").split(",") if word.strip()))
    return Wish(Goal(*goal), target, codings, Budget(*budget), jobs, seed)


def told_study(files: Files) -> Path | None:
    """Return the file of the study, None where none is kept."""
    return None if files.study is None else study_path(files.study, files.model.name)


def tune_files(files: Files, wish: Wish, bar: Bar) -> Tuned:
    """Tune a model on data in files and save the chosen program, where there is one.

    Raises:
        SnnccError: what reading, tuning and writing find.
    """
    check_wish(wish)
    bar("reading", 0, 0)
    study = told_study(files)
    steps: list[Callable[[], Any]] = [
        lambda: api.import_model(files.model),
        lambda: read_npz(files.calibration),
        lambda: read_npz(files.data),
        lambda: None if files.test is None else read_npz(files.test),
        lambda: check_output(files.output, "SNN301", (*files.read, *(() if study is None else (study,)))),
    ]
    graph, *arrays, _ = together(*steps)
    paths = (files.calibration, files.data, files.test)
    readers = [_reader(graph, held, path) for held, path in zip(arrays, paths, strict=True)]
    calibration, data, test = together(*readers)
    found = tune(graph, calibration, data, replace(wish, study=study), test, bar)
    if found.program is not None:
        found.program.save(files.output)
    return found


def _reader(graph: Graph, arrays: Data | None, path: Path | None) -> Callable[[], Samples | None]:
    def read() -> Samples | None:
        if arrays is None or path is None:
            return None
        with blame(path):
            return samples(graph, arrays)

    return read
