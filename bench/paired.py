"""Two classifiers on the same images: the difference of their accuracies with a 95% interval.

Of n images let b be those that the first gets right and the second wrong, c those the other way round. The difference
in accuracy is (b - c) / n. Its interval is that of Agresti and Min (2005, "Simple improved confidence intervals for
comparing matched proportions", Statistics in Medicine 24, 729-740): Wald's, after half an image is added to each of the
four cells, N = n + 2, B = b + 1/2, C = c + 1/2:

    (B - C) / N  +-  1.96 sqrt(B + C - (B - C)^2 / N) / N

Its width is above zero where no image differs. The mean over networks has Wald's interval on images: networks that
share their test images are averaged image by image first, for their mistakes go together; different sets of images are
independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NORMAL_95 = 1.959964  # quantile 0.975 of the standard normal distribution
POINTS = 100.0  # accuracy points in an accuracy of 1

Hits = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A loss in accuracy points, positive where the second classifier is worse, and the ends of its 95% interval."""

    loss: float
    low: float
    high: float


@dataclass(frozen=True)
class Losses:
    """What each test image says of one network: 1 where only float is right, -1 where only integer is, else 0.

    Attributes:
        test: name of the set of images; networks with the same name have the same images in the same order.
        each: int8 [images].
    """

    test: str
    each: npt.NDArray[np.int8]


def losses(test: str, first: Hits, second: Hits) -> Losses:
    """Return the losses of the second classifier against the first, from whether each is right, bool [images]."""
    return Losses(test, first.astype(np.int8) - second.astype(np.int8))


def estimate(found: Losses) -> Estimate:
    """Return the loss of one network in points, with the interval of Agresti and Min (2005)."""
    images = len(found.each)
    worse, better = int((found.each > 0).sum()), int((found.each < 0).sum())
    total, difference, unlike = images + 2, worse - better, worse + better + 1
    half = NORMAL_95 * (unlike - difference**2 / total) ** 0.5 / total
    middle = difference / total
    return Estimate(POINTS * difference / images, POINTS * (middle - half), POINTS * (middle + half))


def mean_estimate(found: Sequence[Losses]) -> Estimate:
    """Return the mean loss of several networks in points, each of the same weight, with its interval.

    Raises:
        ValueError: networks are said to share their test images and have different numbers of them.
    """
    variance = sum(_variance([one for one in found if one.test == test]) for test in {one.test for one in found})
    mean = float(np.mean([one.each.mean() for one in found]))
    half = NORMAL_95 * variance**0.5 / len(found)
    return Estimate(POINTS * mean, POINTS * (mean - half), POINTS * (mean + half))


def _variance(sharing: Sequence[Losses]) -> float:
    """Return the variance of the sum of the losses of networks that share their test images."""
    if len({len(one.each) for one in sharing}) > 1:
        raise ValueError(f"networks with different numbers of test images share the name '{sharing[0].test}'")
    summed = np.stack([one.each for one in sharing]).sum(axis=0, dtype=np.float64)
    return float(summed.var(ddof=1)) / len(summed)
