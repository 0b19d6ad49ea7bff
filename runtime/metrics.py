"""How far two networks are apart: accuracy, agreement, signal-to-quantization-noise ratio, MAE, PSNR."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log10

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def top1(logits: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Return the index of the largest logit of each sample; ties go to the lowest index.

    Args:
        logits: [samples, classes], or [samples, ...] where all but one size are 1.
    """
    best: npt.NDArray[np.int64] = np.argmax(logits.reshape(len(logits), -1), axis=1)
    return best


def is_classification(y: npt.NDArray[np.generic] | None, shape: tuple[int, ...]) -> bool:
    """Return whether labels are class indices: integers, one a sample, for an output of several classes."""
    return y is not None and y.ndim == 1 and np.issubdtype(y.dtype, np.integer) and int(np.prod(shape)) > 1


def mae(found: Floats, wanted: Floats) -> float:
    """Return the mean absolute error, in the unit of the data."""
    return float(np.abs(found.astype(np.float64) - wanted.reshape(found.shape)).mean())


def psnr(found: Floats, wanted: Floats) -> float | None:
    """Return the peak signal-to-noise ratio in dB, the peak being the range of the wanted data; None if equal."""
    wanted = wanted.reshape(found.shape).astype(np.float64)
    noise = float(((found - wanted) ** 2).mean())
    peak = float(wanted.max() - wanted.min())
    return None if noise == 0 or peak == 0 else 10 * log10(peak**2 / noise)


@dataclass
class LayerError:
    """Running comparison of a layer's float values with its levels times their scale."""

    name: str
    signal: float = 0.0
    noise: float = 0.0
    worst: float = 0.0
    product: float = 0.0
    shown: float = 0.0

    def add(self, real: Floats, levels: Floats) -> None:
        """Take in a batch of float values and what the levels stand for, of one shape."""
        a, b = real.astype(np.float64), levels.astype(np.float64)
        self.signal += float((a * a).sum())
        self.noise += float(((a - b) ** 2).sum())
        self.product += float((a * b).sum())
        self.shown += float((b * b).sum())
        self.worst = max(self.worst, float(np.abs(a - b).max(initial=0)))

    @property
    def sqnr(self) -> float | None:
        """Return the signal-to-quantization-noise ratio in dB; None where it is not finite."""
        if self.noise == 0 or self.signal == 0:
            return None
        return 10 * log10(self.signal / self.noise)

    @property
    def cosine(self) -> float | None:
        """Return the cosine similarity of float values and levels, None where either is all zero."""
        size = (self.signal * self.shown) ** 0.5
        return self.product / size if 0 < size < inf else None
