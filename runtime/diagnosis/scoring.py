"""How good outputs are, and whether a difference is more than chance: accuracies and errors with 95% intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array
from snncc.runtime.metrics import is_classification, psnr, top1

Floats = npt.NDArray[np.floating]
Z = 1.959963984540054  # 97.5% point of the standard normal distribution
POINTS, CHANGED, ERROR = "points", "changed", "error"


@dataclass(frozen=True)
class Loss:
    """What some effects cost.

    Attributes:
        measure: ``points``, accuracy lost in percentage points; ``changed``, percentage of predictions that changed,
            where there are no labels; ``error``, growth of the mean absolute error in percent of the mean absolute
            output, where the output is no class score.
        value: best estimate, positive for a loss.
        low: lower end of the 95% interval.
        high: upper end.
        sqnr_db: signal-to-quantization-noise ratio of the first output, None where it is not finite.
        noise: mean square of the output's error, for comparing effects.
    """

    measure: str
    value: float
    low: float
    high: float
    sqnr_db: float | None
    noise: float

    @property
    def significant(self) -> bool:
        """Return whether the interval lies above zero: else there is no telling that anything is lost."""
        return self.low > 0


class Scorer:
    """Compares outputs with those of the float network.

    Attributes:
        measure: see ``Loss``.
        labels: class indices or target values, None where unknown.
        real: outputs of the float network.
    """

    def __init__(self, real: Floats, labels: Array | None) -> None:
        """Keep the float network's first output [samples, *shape] and the labels of the samples."""
        shape = real.shape[1:]
        self.real, self.labels = real.astype(np.float64), labels
        self.classes = is_class_score(shape, labels)
        self.measure = ERROR if not self.classes else CHANGED if labels is None else POINTS
        self._signal = _centred(self.real) if self.classes else self.real

    def loss(self, shown: Floats, rows: slice | npt.NDArray[np.int64] | None = None) -> Loss:
        """Return what outputs lose against the float network's, on all samples or those of some rows."""
        rows = slice(None) if rows is None else rows
        real, shown = self._signal[rows], shown.astype(np.float64)
        error = (_centred(shown) if self.classes else shown) - real
        noise, signal = float((error**2).mean()), float((real**2).mean())
        quotient = signal / noise if noise > 0 and signal > 0 else None
        sqnr = 10 * float(np.log10(quotient)) if quotient and np.isfinite(quotient) else None
        return Loss(self.measure, *self._lost(shown, rows), sqnr, noise)

    def correct(self, outputs: Floats) -> npt.NDArray[np.bool_]:
        """Return which samples get the right class; where labels are unknown, which get the float network's."""
        wanted = top1(self.real) if self.labels is None else self.labels
        found: npt.NDArray[np.bool_] = top1(outputs) == wanted
        return found

    def _lost(self, shown: Floats, rows: slice | npt.NDArray[np.int64]) -> tuple[float, float, float]:
        real = self.real[rows]
        if self.measure == POINTS:
            assert self.labels is not None
            labels = self.labels[rows]
            return paired_points(top1(real) == labels, top1(shown) == labels)
        if self.measure == CHANGED:
            return share_interval(top1(real) != top1(shown))
        size = float(np.abs(real).mean()) or 1.0
        wanted = real if self.labels is None else self.labels[rows].reshape(real.shape)
        axes = tuple(range(1, real.ndim))
        growth = (np.abs(shown - wanted) - np.abs(real - wanted)).mean(axis=axes) * (100 / size)
        spread = Z * float(growth.std()) / max(len(growth), 1) ** 0.5
        mean = float(growth.mean())
        return mean, mean - spread, mean + spread

    def score(self, outputs: Floats) -> float | None:
        """Return accuracy (0..1) or, against target values, PSNR in dB; None without labels."""
        if self.labels is None:
            return None
        return float(self.correct(outputs).mean()) if self.classes else psnr(outputs, self.labels)


def is_class_score(shape: tuple[int, ...], labels: Array | None) -> bool:
    """Return whether an output is one score a class, as far as shape and labels tell."""
    one_axis = int(np.prod(shape)) > 1 and max(shape) == int(np.prod(shape))
    return one_axis and (labels is None or is_classification(labels, shape))


def paired_points(before: npt.NDArray[np.bool_], after: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return accuracy lost in points and its 95% interval, from which samples were right before and after.

    Agresti and Min, 2005, "Simple improved confidence intervals for comparing matched proportions": a half is added
    to each of the four cells, so that the interval never has no width.
    """
    lost, won = int((before & ~after).sum()), int((~before & after).sum())
    samples = len(before) + 2
    lost_more, won_more = lost + 0.5, won + 0.5
    middle = (lost_more - won_more) / samples
    spread = Z * np.sqrt(lost_more + won_more - (lost_more - won_more) ** 2 / samples) / samples
    value = (lost - won) / max(len(before), 1)
    return 100 * value, 100 * float(middle - spread), 100 * float(middle + spread)


def share_interval(hits: npt.NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return a share in percent and its 95% interval (Wilson, 1927)."""
    samples, share = len(hits), float(hits.mean())
    middle = (share + Z**2 / (2 * samples)) / (1 + Z**2 / samples)
    spread = Z / (1 + Z**2 / samples) * np.sqrt(share * (1 - share) / samples + Z**2 / (4 * samples**2))
    low = 0.0 if not hits.any() else 100 * float(middle - spread)
    return 100 * share, low, 100 * float(middle + spread)


def _centred(outputs: Floats) -> Floats:
    """Return class scores less their mean over classes, which no prediction depends on."""
    flat = outputs.reshape(len(outputs), -1)
    return flat - flat.mean(axis=1, keepdims=True)
