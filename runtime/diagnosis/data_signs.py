"""Signs in the data: too few calibration samples, or others than those of the test; wrong scales; wrong labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.graph import Array
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.signs import Sign

Floats = npt.NDArray[np.floating]
FEW, VERY_FEW = 64, 20  # different calibration samples
BEYOND = 1.5  # largest test value over the largest calibrated one from which it is worth a word
MANY, FAR = 0.05, 3.0  # share of values cut off, the same quotient, from which it must be what is wrong
UNUSED = 0.2  # largest test value over the largest calibrated one below which levels are wasted
APART = 0.75  # standard deviations between the means of calibration and test
MORE = "calibrate with some hundred inputs like those to come, of all kinds"
SAME = "prepare calibration and test data in the same way: the same scaling, offset and order"


def calibration_signs(
    calibration: Mapping[str, Array], guesses: npt.NDArray[np.int64] | None, expected: npt.NDArray[np.int64] | None
) -> Iterator[Sign]:
    """Yield what is wrong with the calibration data alone.

    Args:
        calibration: float inputs [samples, *shape] by name.
        guesses: classes that the float network sees in them, None where it has no classes.
        expected: classes that it sees in the test data.
    """
    name, first = next(iter(calibration.items()))
    loc = Loc("calibration", name)
    for key, values in calibration.items():
        if values.min() == values.max():
            text = f"calibration input '{key}' is {values.flat[0]:g} everywhere, so no range can be told from it"
            yield Sign(causes.CALIBRATION_CONSTANT, key, Loc("calibration", key), text, MORE, 10.0, first=True)
            return
    different = len(np.unique(first.reshape(len(first), -1), axis=0))
    if different < FEW:
        copies = f" ({len(first)} in all)" if different < len(first) else ""
        text = f"there are only {different} different calibration samples{copies}"
        strength = FEW / different
        yield Sign(causes.CALIBRATION_SIZE, name, loc, text, MORE, strength, decisive=different <= VERY_FEW)
    if guesses is None or expected is None:
        return
    shown, wanted = set(guesses.tolist()), np.bincount(expected)
    usual = {int(kind) for kind in np.flatnonzero(wanted > 0.02 * len(expected))}
    missing = usual - shown
    if len(usual) > 1 and len(missing) >= max(1, len(usual) / 3) and different > len(usual):
        text = (
            f"the calibration samples show {len(shown)} classes by the float network's guess, the test data "
            f"{len(usual)}: nothing of class {', '.join(map(str, sorted(missing)[:6]))}"
        )
        strength = 1 + 4 * len(missing) / len(usual)
        only = len(shown & usual) <= max(1, len(usual) // 4)
        yield Sign(causes.CALIBRATION_CLASSES, name, loc, text, MORE, strength, decisive=only)


def range_signs(
    layers: Mapping[str, Layer], data: Mapping[str, Array], calibration: Mapping[str, Array]
) -> Iterator[Sign]:
    """Yield where test inputs do not fill, or go beyond, the range that was calibrated.

    Args:
        layers: the input layers by the name of the input.
        data: float test inputs by name.
        calibration: float calibration inputs by name; empty where they are unknown.
    """
    for name, layer in layers.items():
        assert layer.levels is not None
        values = data[name]
        low, high = layer.levels.lo * layer.scale, layer.levels.hi * layer.scale
        least, most = float(values.min()), float(values.max())
        outside = float(((values < low - layer.scale / 2) | (values > high + layer.scale / 2)).mean())
        reach = max(most / high, least / low if low < 0 else (1.0 + BEYOND if least < -high / 10 else 0.0))
        told = _apart(values, calibration[name]) if name in calibration else ""
        loc = layer.loc
        span = (
            f"test input '{name}' runs from {least:.4g} to {most:.4g}, the calibrated one from {low:.4g} to {high:.4g}"
        )
        if reach > BEYOND and outside > 1e-3:
            text = f"{span}: {100 * outside:.1f}% of the values are cut off{told}"
            decisive = outside > MANY or reach > FAR
            yield Sign(causes.INPUT_SCALE, layer.name, loc, text, SAME, 1 + reach + 10 * outside, decisive)
        elif max(abs(most) / high, abs(least) / high) < UNUSED:
            used = max(1, round(max(abs(most), abs(least)) / layer.scale))
            text = f"{span}: it takes {used} of {layer.levels.hi} levels{told}"
            yield Sign(causes.INPUT_SCALE, layer.name, loc, text, SAME, 2 + high / max(abs(most), 1e-12) / 10)
        elif told:
            yield Sign(causes.INPUT_SCALE, layer.name, loc, f"{span}{told}", SAME, 1.0)


def _apart(values: Array, calibration: Array) -> str:
    """Return in words how test and calibration inputs differ in mean and spread, empty where they do not."""
    spread, other = float(values.std()), float(calibration.std())
    distance = abs(float(values.mean()) - float(calibration.mean())) / max(spread, other, 1e-12)
    if distance < APART and 0.4 < (spread or 1e-12) / (other or 1e-12) < 2.5:
        return ""
    return (
        f"; their means are {values.mean():.4g} and {calibration.mean():.4g}, their standard deviations {spread:.4g} "
        f"and {other:.4g}"
    )
