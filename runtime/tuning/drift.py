"""How far outputs are from the float network's: finer than a loss, so that points that lose alike can be told apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def drift(real: Floats, shown: Floats, classes: bool) -> float:
    """Return how far outputs [samples, ...] drift from the float network's, 0 where they are the same.

    Of class scores, whose common offset and size decide nothing, it is the mean over samples of sin^2 of the angle
    between the two, both without their means over classes; else the square of the error over the square of the output.
    """
    a, b = (array.reshape(len(array), -1).astype(np.float64) for array in (real, shown))
    if not classes:
        return float(((a - b) ** 2).sum() / max(float((a**2).sum()), 1e-300))
    a, b = (array - array.mean(axis=1, keepdims=True) for array in (a, b))
    product, size = (a * b).sum(axis=1), (a**2).sum(axis=1) * (b**2).sum(axis=1)
    cosine = product / np.sqrt(np.maximum(size, 1e-300))
    return float(np.where(cosine > 0, 1 - cosine**2, 1.0).mean())
