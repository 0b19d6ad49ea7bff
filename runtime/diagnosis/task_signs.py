"""Signs that the float network does not do its task on the test data: labels, layout and scale of the data.

Whether another arrangement of the data, or another numbering of the classes, would do is tried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.graph import Array
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.scoring import Z, paired_points
from snncc.runtime.diagnosis.signs import Sign

Floats = npt.NDArray[np.floating]
Guess = Callable[[Mapping[str, Array]], npt.NDArray[np.int64]]
TRIED = 256  # samples that are tried in other arrangements
BETTER = 15.0  # points by which another arrangement must be better at least, at the lower end of the interval
RESCALED = 0.5  # the same for a factor of 255, of which one knows that it is often forgotten
LIKELY = 0.5  # accuracy from which another arrangement, or numbering of the classes, is taken for the right one
WORKS = 0.75  # accuracy from which another arrangement explains all that looks wrong
GOOD = 0.97  # accuracy from which nothing is tried
LABELS = Loc("data", "y")
RENUMBER = "look at how the labels were numbered, and that they belong to these samples in order"
CHANCE = 2.0  # times the share of the largest class: not clearly better than guessing


@dataclass(frozen=True)
class Task:
    """What the float network does on labelled samples.

    Attributes:
        inputs: float inputs by name.
        labels: class indices.
        guesses: classes that the float network gives.
        classes: number of classes.
    """

    inputs: Mapping[str, Array]
    labels: npt.NDArray[np.int64]
    guesses: npt.NDArray[np.int64]
    classes: int

    @property
    def accuracy(self) -> float:
        """Return the share of right guesses."""
        return float((self.guesses == self.labels).mean())

    @property
    def by_chance(self) -> bool:
        """Return whether the guesses are not clearly better than always naming the largest class."""
        largest = float(np.bincount(self.labels).max()) / len(self.labels)
        spread = Z * (self.accuracy * (1 - self.accuracy) / len(self.labels)) ** 0.5
        return self.accuracy - spread < largest or self.accuracy < min(CHANCE / self.classes, 0.5)

    @property
    def fails(self) -> bool:
        """Return whether the network does not do its task: something is wrong with it, the data or the labels."""
        return self.by_chance or self.accuracy < LIKELY


def task_signs(task: Task, calibrated: Task | None, guess: Guess) -> list[Sign]:
    """Return what is wrong with the task.

    Args:
        task: on the test data.
        calibrated: on the calibration data, where their labels are known.
        guess: gives the classes of inputs by name.
    """
    if task.accuracy >= GOOD:
        return []
    signs = list(_renumbered(task)) or [*_layouts(task, guess), *_labels(task, calibrated)]
    if not signs and task.by_chance:
        signs.append(_by_chance(task))
    return sorted(signs, key=lambda sign: -sign.strength)


def _renumbered(task: Task) -> Iterator[Sign]:
    """Yield that the classes are numbered otherwise, where some numbering makes most guesses right."""
    table = np.zeros((task.classes, task.classes), dtype=np.int64)
    np.add.at(table, (task.guesses, task.labels), 1)
    rows, columns = linear_sum_assignment(-table)
    best = table[rows, columns].sum() / len(task.labels)
    moved = int((rows[table.sum(axis=1) > 0] != columns[table.sum(axis=1) > 0]).sum())
    if best > max(LIKELY, task.accuracy + BETTER / 100) and moved:
        text = (
            f"the float network is right in {100 * task.accuracy:.1f}% of the samples, with the classes numbered "
            f"otherwise in {100 * best:.1f}%: {moved} of {task.classes} classes stand for each other"
        )
        yield Sign(causes.LABELS, "y", LABELS, text, RENUMBER, 10 * best)


def _labels(task: Task, calibrated: Task | None) -> Iterator[Sign]:
    if calibrated is not None and _much_better(calibrated, task):
        text = (
            f"the float network is right in {100 * calibrated.accuracy:.1f}% of the calibration samples and in "
            f"{100 * task.accuracy:.1f}% of the test samples"
        )
        yield Sign(causes.LABELS, "y", LABELS, text, RENUMBER, 5.0)
    elif task.by_chance and _spread_out(task):
        text = (
            f"the float network names {len(np.unique(task.guesses))} classes as often as they occur, but is right in "
            f"{100 * task.accuracy:.1f}% of the samples only: the labels have nothing to do with its answers"
        )
        yield Sign(causes.LABELS, "y", LABELS, text, RENUMBER, 3.0)


def _much_better(one: Task, other: Task) -> bool:
    share = [(t.accuracy, t.accuracy * (1 - t.accuracy) / len(t.labels)) for t in (one, other)]
    (a, va), (b, vb) = share
    return a - b - Z * (va + vb) ** 0.5 > BETTER / 100


def _spread_out(task: Task) -> bool:
    """Return whether the guesses are spread over the classes much as the labels are."""
    shares = [np.bincount(x, minlength=task.classes) / len(x) for x in (task.guesses, task.labels)]
    return float(np.abs(shares[0] - shares[1]).sum()) / 2 < 0.25


def _layouts(task: Task, guess: Guess) -> Iterator[Sign]:
    rows = np.unique(np.linspace(0, len(task.labels) - 1, min(TRIED, len(task.labels))).astype(np.int64))
    some = {name: array[rows] for name, array in task.inputs.items()}
    before = task.guesses[rows] == task.labels[rows]
    best: tuple[float, str, float, bool] | None = None
    for what, changed, moves in _all_arrangements(some):
        after = guess(changed) == task.labels[rows]
        _, _, most_lost = paired_points(before, after)
        gain = -most_lost  # at least so much is won
        enough = gain > (RESCALED if "255" in what else BETTER) and float(after.mean()) > LIKELY
        if enough and (best is None or gain > best[0]):
            best = (gain, what, float(after.mean()), moves)
    if best is not None:
        text = (
            f"the float network is right in {100 * before.mean():.1f}% of the samples as they are, and in "
            f"{100 * best[2]:.1f}% {best[1]}"
        )
        knob = f"prepare the data as for training: they fit {best[1]}"
        name, explains = next(iter(task.inputs)), best[2] >= WORKS and best[3]
        yield Sign(causes.DATA_LAYOUT, name, Loc("data", "x"), text, knob, 10 + best[0] / 10, first=explains)


def _all_arrangements(inputs: Mapping[str, Array]) -> Iterator[tuple[str, dict[str, Array], bool]]:
    """Yield other arrangements of data: words for each, and whether it only moves values.

    A network in which something is broken may do better on larger inputs, which drown it; it does not on values that
    are moved.
    """
    yield from ((what, changed, False) for what, changed in _rescaled(inputs))
    yield from ((what, changed, True) for what, changed in _moved(inputs))


def _rescaled(inputs: Mapping[str, Array]) -> Iterator[tuple[str, dict[str, Array]]]:
    first = next(iter(inputs.values()))
    for factor, what in ((1 / 255, "divided by 255"), (255.0, "multiplied by 255")):
        yield what, {name: array * factor for name, array in inputs.items()}
    spread, mean = max(float(first.std()), 1e-12), float(first.mean())
    yield "with mean 0 and standard deviation 1", {n: (a - mean) / spread for n, a in inputs.items()}
    low, high = float(first.min()), float(first.max())
    width = max(high - low, 1e-12)
    yield "moved to 0..1", {name: (array - low) / width for name, array in inputs.items()}
    yield "moved to -1..1", {name: 2 * (array - low) / width - 1 for name, array in inputs.items()}
    yield "with signs reversed", {name: -array for name, array in inputs.items()}
    yield "with light and dark exchanged", {name: high + low - array for name, array in inputs.items()}


def _moved(inputs: Mapping[str, Array]) -> Iterator[tuple[str, dict[str, Array]]]:
    first = next(iter(inputs.values()))
    if first.ndim < 3:
        return
    yield "with the last axis reversed", {name: array[..., ::-1] for name, array in inputs.items()}
    if first.shape[-1] == first.shape[-2]:
        yield "with the last two axes exchanged", {n: np.swapaxes(a, -1, -2) for n, a in inputs.items()}
    if first.ndim > 3:
        yield "upside down", {name: array[..., ::-1, :] for name, array in inputs.items()}
    if first.shape[1] > 1:
        yield "with the channels in reverse order", {name: array[:, ::-1] for name, array in inputs.items()}
        yield "taken as channels last", {n: _from_channels_last(a) for n, a in inputs.items()}
        yield "taken as channels first, not last", {n: _to_channels_last(a) for n, a in inputs.items()}


def _from_channels_last(array: Array) -> Array:
    """Return values that were laid out with channels last and then only reshaped, in their right places."""
    last = array.reshape(len(array), *array.shape[2:], array.shape[1])
    return np.moveaxis(last, -1, 1)


def _to_channels_last(array: Array) -> Array:
    return np.moveaxis(array, 1, -1).reshape(array.shape)


def _by_chance(task: Task) -> Sign:
    names = len(np.unique(task.guesses))
    text = (
        f"the float network is right in {100 * task.accuracy:.1f}% of the samples, no better than chance, and names "
        f"{names} of {task.classes} classes: the loss is not quantization's"
    )
    knob = "see that the float network does its task on these very arrays (weights, preparation of the data, labels)"
    return Sign(causes.FLOAT_NETWORK, "model", Loc("model", "outputs"), text, knob, 2.0)
