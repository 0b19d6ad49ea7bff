"""Lava's fixed-point neurons as neuron programs."""

from __future__ import annotations

from snncc.backends.conformance.dynamics import LIF
from snncc.compiler.neuron import NeuronProgram, parse_neuron

# LIFReset: u = v = 0 before the dynamics of every step in which a window starts.
_RESET = """
    first = eq phase 0
    u = select first 0 u
    v = select first 0 v
"""


def lif(resets: bool = False) -> NeuronProgram:
    """Return the neuron program of Lava's LIF, or of its LIFReset."""
    return parse_neuron((_RESET if resets else "") + LIF)
