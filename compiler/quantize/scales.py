"""The real value of one level: the scale that loses least."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]

BINS = 4096
CANDIDATES = 128
UNSEEN = 1.3  # largest activation to come, over the largest seen
LEAST = BINS * float(np.finfo(np.float32).tiny)  # below this the bins of a histogram are no float32 numbers


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
