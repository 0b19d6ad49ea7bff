"""Spike codes behind one contract; ``CODINGS`` is the table of all of them."""

from snncc.compiler.coding.base import (
    Coding,
    Levels,
    PoolNeuron,
    firing_neuron,
    ladder_neuron,
    reading_neuron,
    spikes_by_level,
    train,
)
from snncc.compiler.coding.bitplane import Bitplane
from snncc.compiler.coding.graded import Graded
from snncc.compiler.coding.rate import Rate
from snncc.compiler.coding.ttfs import Ttfs

CODINGS: dict[str, Coding] = {coding.name: coding for coding in (Graded(), Bitplane(), Rate(), Ttfs())}

__all__ = [
    "CODINGS",
    "Coding",
    "Levels",
    "PoolNeuron",
    "firing_neuron",
    "ladder_neuron",
    "reading_neuron",
    "spikes_by_level",
    "train",
]
