"""The real value of one level: the scale that loses least, by one of several measures of loss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

BINS = 4096
CANDIDATES = 128
TRACE = 1e-4  # count of a bin that shows nothing, so that a divergence from it is large but finite
UNSEEN = 1.3  # largest activation to come, over the largest seen
METHODS = ("mse", "max", "percentile", "kl")
PERCENTILE = 99.9  # unless a number is given, "percentile:99.9"
LEAST = BINS * float(np.finfo(np.float32).tiny)  # below this the bins of a histogram are no float32 numbers


def is_method(text: str) -> bool:
    """Return whether a text names a measure: a key of METHODS, for a percentile with a number in (0, 100] behind it."""
    name, colon, number = text.partition(":")
    if not colon:
        return name in METHODS
    try:
        return name == "percentile" and 0 < float(number) <= 100
    except ValueError:
        return False


def find_scale(method: str, values: Floats, hi: int, cap: float | None = None) -> float:
    """Return the real value of one level.

    Args:
        method: ``mse``, see ``activation_scale``; ``max``, the largest activation seen is the greatest level;
            ``percentile:P``, the P-th percentile of the activations is; ``kl``, see ``divergence_scale``.
        values: pre-activations of any shape, in the network's real unit.
        hi: greatest level (Q).
        cap: upper bound of the activation, None for an unbounded one.

    Returns:
        A positive scale; 1 / hi where no activation is positive, or none but denormal ones.
    """
    name, _, number = method.partition(":")
    if name == "mse":
        return activation_scale(values, hi, cap, unseen=1)
    active = np.clip(values, 0, cap).ravel()
    top = float(active.max(initial=0.0))
    if top <= LEAST:
        return 1.0 / hi
    if name == "kl":
        return divergence_scale(active, hi)
    if name == "percentile":
        most = float(np.percentile(active, float(number or PERCENTILE)))
        top = most if most > LEAST else top
    return top / hi


def divergence_scale(active: Floats, hi: int) -> float:
    """Return the scale whose levels' distribution diverges least from that of the activations.

    Candidates are clipping points; P are the counts of the bins up to one, all beyond in the last; Q spreads the counts
    that share a level evenly over their bins that are not empty; the least sum of P log(P / Q) wins (Migacz, 2017,
    "8-bit inference with TensorRT", with bins for levels that are rounded to nearest).

    Args:
        active: activations, not negative, at least one above LEAST.
        hi: greatest level (Q).
    """
    top = float(active.max())
    counts, _ = np.histogram(active[active > 0], bins=BINS, range=(0.0, top))
    ends = np.unique(np.linspace(max(1, BINS // CANDIDATES), BINS, CANDIDATES).astype(np.int64))
    losses = [_divergence(counts, int(end), hi) for end in ends]
    return top * float(ends[int(np.argmin(losses))]) / BINS / hi


def _divergence(counts: npt.NDArray[np.int64], end: int, hi: int) -> float:
    """Return KL(P || Q) of a clipping point after so many bins."""
    wanted = counts[:end].astype(np.float64)
    level = np.floor((np.arange(end) + 0.5) / end * hi + 0.5).astype(np.int64)
    filled = np.bincount(level, weights=wanted > 0, minlength=hi + 1)
    shared = np.bincount(level, weights=wanted, minlength=hi + 1)
    shown = np.where(wanted > 0, (shared / np.maximum(filled, 1))[level], 0.0)
    wanted[-1] += counts[end:].sum()
    shown[-1] = max(float(shown[-1]), TRACE)
    p, q = wanted / wanted.sum(), shown / shown.sum()
    there = p > 0
    return float((p[there] * np.log(p[there] / q[there])).sum())


def activation_scale(values: Floats, hi: int, cap: float | None = None, unseen: int = 0) -> float:
    """Return the scale s that minimizes the mean of (clip(floor(z / s + 1/2), 0, hi) s - clip(z, 0, cap))^2.

    The minimum is searched over clipping points, in steps of 1/128 of the largest activation, on a histogram of 4096
    bins (the mean-squared-error criterion of Sung, Shin and Hwang, 2015, "Resiliency of deep neural networks under
    quantization").

    Args:
        values: pre-activations of any shape, in the network's real unit.
        hi: greatest level (Q).
        cap: upper bound of the activation, None for an unbounded one.
        unseen: activations to come, each 1.3 times as large as the largest seen, that are counted beside those that
            were: with few values and many levels one makes room for them, else it weighs nothing.

    Returns:
        A positive scale; 1 / hi where no activation is positive, or none but denormal ones.
    """
    active = np.clip(values, 0, cap).ravel()
    top = float(active.max(initial=0.0))
    if top <= LEAST:
        return 1.0 / hi
    counts, edges = np.histogram(active[active > 0], bins=BINS, range=(0.0, top))
    centres, most = (edges[:-1] + edges[1:]) / 2, top
    if unseen:
        most = min(UNSEEN * top, np.inf if cap is None else cap)
        centres, counts = np.append(centres, most), np.append(counts, unseen)
    scales = top * np.arange(1, round(CANDIDATES * most / top) + 1) / CANDIDATES / hi
    losses = [_loss(centres, counts, scale, hi) for scale in scales]
    return float(scales[int(np.argmin(losses))])


def channel_scales(channels: Floats, hi: int, unseen: int = 0) -> npt.NDArray[np.float64]:
    """Return ``activation_scale`` of each row of [channels, values], float64; NaN where no value is positive.

    All rows share one table of losses, for bins and candidates are the same relative to a row's largest value.
    """
    tops = channels.max(axis=1, initial=0.0).astype(np.float64)
    centres, most = (np.arange(BINS) + 0.5) / BINS, 1.0
    if unseen:
        most = UNSEEN
        centres = np.append(centres, most)
    scales = np.arange(1, round(CANDIDATES * most) + 1) / CANDIDATES / hi
    levels = np.minimum(np.floor(centres / scales[:, None] + 0.5), hi)
    losses = (levels * scales[:, None] - centres) ** 2
    counts = np.zeros((len(channels), len(centres)))
    counts[:, BINS:] = unseen
    for row, (values, top) in enumerate(zip(channels, tops, strict=True)):
        if top > LEAST:
            counts[row, :BINS] = np.histogram(values[values > 0], bins=BINS, range=(0.0, float(top)))[0]
    best = scales[np.argmin(counts @ losses.T, axis=1)] * tops
    return np.where(tops > LEAST, best, np.nan)


def _loss(centres: Floats, counts: npt.NDArray[np.int64], scale: float, hi: int) -> float:
    levels = np.minimum(np.floor(centres / scale + 0.5), hi)
    return float((counts * (levels * scale - centres) ** 2).sum())


def input_range(values: Floats, graded: bool, hi: int, widest: int = 255) -> tuple[float, int, int]:
    """Return (scale, lo, hi) of an input: all of the calibrated range is shown, and 0 is a level.

    Args:
        values: calibration inputs.
        graded: whether inputs are injected with payloads: then 255 levels, or -127..127 where values are negative.
        hi: greatest level where they are not.
        widest: greatest level that a payload can carry.
    """
    most, least = float(values.max()), float(values.min())
    if least >= 0:
        top = min(255, widest) if graded else hi
        return (most or 1.0) / top, 0, top
    top = min(127, widest) if graded else hi
    return max(most, -least) / top, -top, top
