"""Adaptive rounding: the integer weights that reproduce a layer's float charges best on calibration data.

Over rows of what a neuron hears, levels X [rows, fan-in], and the charges y [rows] that the float network has there,
in units and both without their means (the bias takes those), weights w lose

    |X w - y|^2 + d |w - w_float|^2  =  w'G w - 2 w'r + ...,    G = X'X + d I,  r = X'y + d w_float

Rounding one weight shifts the best values of all others. So weights are rounded one after the other, each error handed
on to those still free (Frantar et al., 2022, "Optimal brain compression", the rule that GPTQ applies column by column),
and then single weights are moved while that lowers the loss. The same moves are made from the nearest weights, and the
better end is kept. It serves the aim of AdaRound (Nagel et al., 2020, "Up or down?"): fewer lost charges, not smaller
weight errors. Nothing is drawn at random.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
DAMPING = 0.1  # d over the mean of G's diagonal, with many rows
REACH = 2.0  # steps by which a weight may leave its float value
SWEEPS = 20
ROUNDS = 3  # in which zeros are chosen: those that stay change as others go, and with them what they are worth
IDLE = 0.02  # spikes a source is taken to send at least, as a share of rows


def rounded(
    gram: Floats,
    cross: Floats,
    wanted: Floats,
    step: Floats,
    most: Floats,
    rows: int,
    zeros: float = 0.0,
    busy: Floats | None = None,
) -> Ints:
    """Return integer weights, int64 [channels, fan-in].

    Args:
        gram: X'X, [fan-in, fan-in].
        cross: y'X, [channels, fan-in].
        wanted: float weights in units, [channels, fan-in]; what is 0 stays 0, and takes no synapse.
        step: by what weights are multiples, powers of two, [channels, fan-in].
        most: greatest |weight| over its step, [channels, fan-in].
        rows: how many there were; the fewer, the less they are trusted.
        zeros: share of each channel's weights that are to be zero, but never all of them: those whose loss is least for
            the synaptic events they save, w^2 / (G^-1)_ii (Hassibi and Stork, 1993, "Second order derivatives for
            network pruning") over how often their source spikes.
        busy: share of the rows in which a source is not 0, [fan-in]; all the same where it is not given.
    """
    damping = DAMPING * (1 + len(gram) / rows) * float(np.mean(np.diagonal(gram))) or 1.0
    gram = gram + damping * np.eye(len(gram))
    cross = cross + damping * wanted
    inverse = np.linalg.inv(gram)
    events = np.diagonal(inverse) * (1.0 if busy is None else busy + IDLE)
    low, high = _range(wanted / step, most, 2 * most if zeros else REACH)  # what stays must stand in for what goes
    low, high = np.where(wanted == 0, 0.0, low), np.where(wanted == 0, 0.0, high)  # there is no synapse there
    order = np.argsort(-np.diagonal(gram), kind="stable")  # those with the most to lose first
    factor = cholesky((inverse + inverse.T)[np.ix_(order, order)] / 2)
    best, first = cross @ inverse, wanted
    for share in np.linspace(0, zeros, ROUNDS + 1)[1:] if zeros else (0.0,):
        gone = _least(first**2 / events, share)
        low, high = np.where(gone, 0.0, low), np.where(gone, 0.0, high)
        first = best.copy()
        _round_in_order(first, factor, order, step, low, high)
        _improve(first, gram, np.ascontiguousarray(first @ gram - cross), step, low, high)
    second = np.clip(np.rint(wanted / step), low, high) * step
    _improve(second, gram, np.ascontiguousarray(second @ gram - cross), step, low, high)
    losses = [((chosen @ gram - 2 * cross) * chosen).sum(axis=1) for chosen in (first, second)]
    return np.rint(np.where((losses[0] <= losses[1])[:, None], first, second)).astype(np.int64)


def _range(wanted: Floats, most: Floats, reach: Floats | float) -> tuple[Floats, Floats]:
    """Return the least and the greatest number of steps of each weight."""
    low = np.clip(np.ceil(wanted - reach), -most, most)
    return low, np.clip(np.floor(wanted + reach), low, most)


def _least(costs: Floats, share: float) -> npt.NDArray[np.bool_]:
    """Return a share of each row, those that cost least."""
    ranks = np.argsort(np.argsort(costs, axis=1, kind="stable"), axis=1)
    fewest: npt.NDArray[np.bool_] = ranks < min(int(share * costs.shape[1]), costs.shape[1] - 1)
    return fewest


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _round_in_order(weights: Floats, factor: Floats, order: Ints, step: Floats, low: Floats, high: Floats) -> None:
    """Round weights in place; row i of the factor tells how the error of the i-th moves the best values after it."""
    for channel in range(len(weights)):
        left = weights[channel][order]
        for i in range(len(order)):
            weight = order[i]
            unit = step[channel, weight]
            value = min(max(np.rint(left[i] / unit), low[channel, weight]), high[channel, weight]) * unit
            weights[channel, weight] = value
            left[i:] -= factor[i, i:] * ((left[i] - value) / factor[i, i])


@numba.njit(cache=True)  # type: ignore[untyped-decorator,unused-ignore]
def _improve(weights: Floats, gram: Floats, slope: Floats, step: Floats, low: Floats, high: Floats) -> None:
    """Move single weights in place until none betters the loss, or SWEEPS times; slope is half the loss's gradient."""
    for channel in range(len(weights)):
        for _ in range(SWEEPS):
            moved = False
            for i in range(len(gram)):
                unit = step[channel, i]
                best = (weights[channel, i] - slope[channel, i] / gram[i, i]) / unit
                value = min(max(np.rint(best), low[channel, i]), high[channel, i]) * unit
                change = value - weights[channel, i]
                if change != 0.0:
                    weights[channel, i] = value
                    slope[channel] += gram[i] * change
                    moved = True
            if not moved:
                break
