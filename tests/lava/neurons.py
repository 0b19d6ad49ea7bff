"""Lava's fixed-point neurons as neuron programs."""

from __future__ import annotations

from snncc.compiler.neuron import NeuronProgram, parse_neuron

# PyLifModelBitAcc of lava-nc 0.10 (lava/proc/lif/models.py): decays truncate toward zero, u wraps once into
# (-2^23, 2^23], v saturates at +-(2^23 - 1). bias and vth are as v sees them: bias_mant << bias_exp and vth << 6.
_TRUNCATED_DECAY = """
    p = mul {x} keep
    n = sub 0 p
    m = max p n
    m = shr m 12
    n = sub 0 m
    negative = lt p 0
    decayed = select negative n m
"""
_LIF = f"""
    keep = sub 4095 du                     # 4096 - (du + 1)
    {_TRUNCATED_DECAY.format(x="u")}
    charge = shl in.a 6
    u = add decayed charge
    wrapped = sub u 16777216
    over = gt u 8388608
    u = select over wrapped u
    wrapped = add u 16777216
    under = lt u -8388607
    u = select under wrapped u
    keep = sub 4096 dv
    {_TRUNCATED_DECAY.format(x="v")}
    v = add decayed u
    v = add v bias
    v = clip v -8388607 8388607
    s = gt v vth
    v = select s 0 v
    emit s
"""
_HEAD = """
    port a
    param du dv bias vth
    state v:24 u:25
"""
# LIFReset: u = v = 0 before the dynamics of every step in which a window starts.
_RESET = """
    first = eq phase 0
    u = select first 0 u
    v = select first 0 v
"""


def lif(resets: bool = False) -> NeuronProgram:
    """Return the neuron program of Lava's LIF, or of its LIFReset."""
    return parse_neuron(_HEAD + (_RESET if resets else "") + _LIF)
