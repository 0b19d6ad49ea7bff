"""Rounding that lets gradients through, and the integers that weights stand for.

    levels   s clip(round(x / s), lo, hi)         s learned, as its logarithm
    weights  r_c clip(round(w / r_c), -m, m)      r_c = 2^-k_c s_out / s_in,  m = 2^(bits - 1) - 1

The gradient of rounding is taken as 1 (straight-through: Bengio, Leonard and Courville, 2013), so that s receives the
gradient of the learned step size (LSQ: Esser et al., 2020, "Learned step size quantization", equation 3); clipping at a
learned bound is PACT's (Choi et al., 2018). Weights are held in the unit in which the chip adds: one level of the
target is 2^k of them, so thresholds are powers of two. k of each channel loses least in the square.
"""

from __future__ import annotations

import torch
from torch import Tensor

EXTRA = 2  # finer exponents that are tried beyond the one that holds the largest weight
FINEST = 12  # largest k: an inner weight is then 2^-12 of a level
LEAST = 2.0**-40  # stands for the largest weight of a channel that has none


def rounded(x: Tensor) -> Tensor:
    """Return floor(x + 1/2) with the gradient of x."""
    return x + (torch.floor(x + 0.5) - x).detach()


def as_levels(x: Tensor, scale: Tensor, lo: int, hi: int) -> Tensor:
    """Return x in levels of a scale, in real units."""
    return scale * rounded(torch.clamp(x / scale, lo, hi))


def exponents(weight: Tensor, bits: int, ratio: Tensor, inner: bool) -> Tensor:
    """Return 2^-k of each channel, [channels, 1, ...]; the same for all channels of an output.

    Args:
        weight: [channels, ...].
        bits: width of an integer weight.
        ratio: s_out / s_in, the weight that makes one level of one.
        inner: whether the sum makes levels; then k lies in 0..FINEST.
    """
    most = (1 << (bits - 1)) - 1
    with torch.no_grad():
        flat = (weight / ratio).reshape(len(weight) if inner else 1, -1)
        largest = torch.ceil(torch.log2(flat.abs().amax(dim=1).clamp_min(LEAST) / most))
        tried = torch.exp2(torch.stack([largest - finer for finer in range(EXTRA + 1)]))
        if inner:
            tried = tried.clamp(2.0**-FINEST, 1.0)
        held = torch.clamp(torch.floor(flat / tried[..., None] + 0.5), -most, most) * tried[..., None]
        best = ((held - flat) ** 2).sum(dim=-1).argmin(dim=0)
        found = tried[best, torch.arange(len(flat))].expand(len(weight))
    return found.reshape(-1, *(1,) * (weight.ndim - 1))


def integers(weight: Tensor, bits: int, unit: Tensor) -> Tensor:
    """Return the weights in their unit, whole numbers with the gradient of the weights."""
    most = (1 << (bits - 1)) - 1
    return rounded(torch.clamp(weight / unit, -most, most))
