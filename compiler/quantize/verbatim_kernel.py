"""The levels of a weighted sum that a quantizer follows directly, as integer kernels compute them.

    q = clip(round((u + b) m), lo, hi)    m = (s_x s_w / s_y), all in float32, ties to even

A runtime that computes the sum in float32 rounds in every addition, in an order of its own, so near a tie its level is
no function of the charge. Kernels that add integers have no such freedom; this is what those of onnxruntime compute
(QLinearConv, QGemm: MlasRequantizeOutput in mlas/lib/qgemm_kernel_*.cpp), so it is the definition here.
"""

from __future__ import annotations

import numpy as np

from snncc.compiler.ir.quantizer import Quantizer
from snncc.compiler.quantize.verbatim_ladder import Level
from snncc.compiler.quantize.verbatim_values import Chain, Charge, Ints

WHOLE = 1e-2  # how far a bias may lie from a multiple of the charge's unit: float32 keeps 24 bits of it


def kernel_level(chain: Chain) -> Level | None:
    """Return the function from charges to levels, None where more than a whole bias stands before the quantizer."""
    *before, last = (step.apply for step in chain.steps)
    if not isinstance(chain.base, Charge) or not isinstance(last, Quantizer):
        return None
    if last.rounding != "half_even" or last.zero or len(before) > 1:
        return None
    bias = _whole_bias(chain) if before else np.zeros((1, 1), dtype=np.int64)
    if bias is None:
        return None
    factor = (chain.base.unit.astype(np.float32) / np.float32(last.scale))[:, None]
    lo, hi, shift = last.lo, last.hi, bias

    def level(number: Ints) -> Ints:
        return np.clip(np.rint((number + shift).astype(np.float32) * factor), lo, hi).astype(np.int64)

    return level


def _whole_bias(chain: Chain) -> Ints | None:
    """Return the bias in charges, int64 [channels, 1], None where it is no whole number of them."""
    affine = chain.steps[0].affine
    if affine is None or (affine[0] != 1).any():
        return None
    steps = affine[1] / chain.base.unit
    whole = np.rint(steps)
    return whole.astype(np.int64)[:, None] if (np.abs(steps - whole) <= WHOLE).all() else None
