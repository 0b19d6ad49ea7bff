"""What quantization costs: the integer network's loss against float in accuracy points, on whole test sets.

``python -m bench.accuracy`` measures five examples of different kinds at 8, 4 and 3 bits with 8-bit weights, and with
4-bit weights at 4 bits; n bits are levels 0..2^n - 1. Options measure anything else that ``snncc.compile`` takes, each
in all its combinations:

    python -m bench.accuracy fashion_resnet --bits 4 --weight-bits 8 --scales mse --scales kl --rounding adaptive

The float network is the user's own file in onnxruntime, the integer network runs on the fast integer executor. How the
intervals are made stands in ``bench.paired``; they are of the test images drawn, not of the calibration images.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import typer

import snncc
from bench.paired import Estimate, Losses, estimate, losses, mean_estimate
from bench.subjects import FIVE, Subject, example, subfolder, subfolders
from snncc.compiler.program import Program
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.floats import FloatNetwork
from snncc.runtime.metrics import top1
from snncc.terminal import console, progress, table, write_json, write_table

Classes = npt.NDArray[np.int64]
THREADS = 1  # of onnxruntime; more of them only wait for one another where the cores are busy
STANDARD = ((8, 8), (4, 8), (3, 8), (4, 4))  # bits of levels, bits of weights


@dataclass(frozen=True)
class Setting:
    """What a network is quantized with; None leaves the choice to ``snncc.compile``.

    Attributes:
        bits: of the levels.
        weight_bits: of the weights, sign included.
        scales: method that chooses the scale of a level.
        rounding: method that rounds the weights.
    """

    bits: int
    weight_bits: int
    scales: str | None = None
    rounding: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Return the arguments of ``snncc.compile``."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def __str__(self) -> str:
        extra = [value for value in (self.scales, self.rounding) if value is not None]
        return " ".join([f"{self.bits} bits, weights {self.weight_bits}", *extra])


@dataclass(frozen=True)
class Result:
    """One network quantized in one way.

    Attributes:
        network: its name.
        kind: what kind of network it is.
        setting: what it was quantized with.
        images: how many test samples there are.
        floats: accuracy of the float network, 0..1.
        integers: accuracy of the integer network, 0..1.
        agreement: share of samples to which both give the same class.
        estimate: the loss in points with its interval.
        seconds: wall time of compiling.
        losses: the loss of each sample.
    """

    network: str
    kind: str
    setting: Setting
    images: int
    floats: float
    integers: float
    agreement: float
    estimate: Estimate
    seconds: float
    losses: Losses = field(repr=False)

    def row(self) -> dict[str, Any]:
        """Return the result as JSON has it, without the single samples."""
        return {name: value for name, value in asdict(self).items() if name != "losses"}


def float_classes(subject: Subject) -> Classes:
    """Return the class that the float network gives to each test sample, int64 [samples]."""
    network = FloatNetwork(subject.model.read_bytes(), threads=THREADS)
    (wanted,) = network.outputs
    feed = {snncc.import_model(subject.model).inputs[0].loc.name: subject.x}
    return np.concatenate([top1(batch[wanted]) for batch in network.batches(feed)])


def measure(subject: Subject, settings: Sequence[Setting]) -> Iterator[Result]:
    """Yield a network's results; the float network runs once."""
    graph, floats = snncc.import_model(subject.model), float_classes(subject)
    for setting in settings:
        begun = time.perf_counter()
        program = snncc.compile(graph, subject.calibration, **setting.options)
        seconds = time.perf_counter() - begun
        yield _result(subject, setting, floats, integer_classes(program, subject.x), seconds)


def integer_classes(program: Program, x: npt.NDArray[np.float32]) -> Classes:
    """Return the class that a program's integer network gives to each input, int64 [samples]."""
    assert program.origin is not None
    network = program.origin.network
    (logits,) = Collapsed(network, THREADS).run({network.inputs[0].name: x}).values()
    return top1(logits)


def _result(subject: Subject, setting: Setting, floats: Classes, integers: Classes, seconds: float) -> Result:
    first, second = floats == subject.y, integers == subject.y
    lost = losses(subject.test, first, second)
    real, whole, same = (float(np.mean(hits)) for hits in (first, second, floats == integers))
    images = len(subject.y)
    return Result(subject.name, subject.kind, setting, images, real, whole, same, estimate(lost), seconds, lost)


def summary(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the mean and the worst loss of each setting over its networks."""
    found = []
    for setting in dict.fromkeys(result.setting for result in results):
        mine = [result for result in results if result.setting == setting]
        worst = max(mine, key=lambda result: result.estimate.loss)
        mean = mean_estimate([result.losses for result in mine])
        found.append({"setting": setting, "networks": len(mine), "mean": mean, "worst": worst})
    return found


def print_tables(results: Sequence[Result]) -> None:
    """Print a row for each network and setting, then one for each setting."""
    numbers = ("images", "float %", "integer %", "lost", "95% interval", "same class %", "s")
    rows = [
        (
            r.network, r.kind, r.setting, r.images, _percent(r.floats), _percent(r.integers), _points(r.estimate),
            _interval(r.estimate), _percent(r.agreement), f"{r.seconds:.1f}",
        )
        for r in results
    ]  # fmt: skip
    write_table(table(("network", "kind", "setting", *numbers), rows, numbers))
    means = [
        (
            one["setting"], one["networks"], _points(one["mean"]), _interval(one["mean"]),
            _points(one["worst"].estimate), _interval(one["worst"].estimate), one["worst"].network,
        )
        for one in summary(results)
    ]  # fmt: skip
    sums = ("networks", "mean lost", "its interval", "worst", "interval of the worst")
    console().print()
    write_table(table(("setting", *sums, "which"), means, sums))


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _points(found: Estimate) -> str:
    return f"{found.loss:.2f}"


def _interval(found: Estimate) -> str:
    return f"{found.low:.2f}..{found.high:.2f}"


def settings_of(
    bits: Sequence[int], weight_bits: Sequence[int], scales: Sequence[str], rounding: Sequence[str]
) -> list[Setting]:
    """Return every combination; the four standard widths where no bits are given, the defaults of what is left out."""
    widths = product(bits or (4,), weight_bits or (8,)) if bits or weight_bits else STANDARD
    return [
        Setting(b, w, how, turned) for (b, w), how, turned in product(widths, scales or (None,), rounding or (None,))
    ]


def chosen(names: Sequence[str], folder: Path | None) -> dict[str, Callable[[], Subject]]:
    """Return how to read each network: of the folder where there is one, else of the examples."""
    if folder is None:
        return {name: partial(example, name) for name in names or FIVE}
    return {name: partial(subfolder, folder / name) for name in names or subfolders(folder)}


def main(
    networks: Annotated[list[str] | None, typer.Argument(help="Examples, or subfolders; five by default.")] = None,
    bits: Annotated[list[int] | None, typer.Option(help="Bits of the levels.")] = None,
    weight_bits: Annotated[list[int] | None, typer.Option(help="Bits of the weights, sign included.")] = None,
    scales: Annotated[list[str] | None, typer.Option(help="Methods that choose the scale of a level.")] = None,
    rounding: Annotated[list[str] | None, typer.Option(help="Methods that round the weights.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Measure the networks in its subfolders instead.")] = None,
    images: Annotated[int | None, typer.Option(help="Use only so many test samples, the first.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure what quantization costs. An option given twice is measured both ways."""
    settings = settings_of(bits or [], weight_bits or [], scales or [], rounding or [])
    results: list[Result] = []
    readers = chosen(networks or [], folder)
    with progress(as_json) as bar:
        for name, read in readers.items():
            bar(name, len(results), len(settings) * len(readers))
            for result in measure(read().head(images), settings):
                results.append(result)
                bar(name, len(results), len(settings) * len(readers))
    if not as_json:
        print_tables(results)
        return
    means = [
        {**one, "setting": asdict(one["setting"]), "mean": asdict(one["mean"]), "worst": one["worst"].row()}
        for one in summary(results)
    ]
    write_json({"results": [result.row() for result in results], "summary": means})


if __name__ == "__main__":
    typer.run(main)
