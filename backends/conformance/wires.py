"""Cases for connections: kinds of synapses, delays, gathers, and weights of any width."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snncc.backends.conformance.case import (
    ECHO,
    Case,
    cells,
    events,
    on_events,
    on_samples,
    rain,
    sparse,
    spread,
    tensor,
    wire,
)
from snncc.compiler.program import ConvSynapses

SUM = "port x\nstate v:24\nv = add v in.x\nv = shr v 1\ns = clip v -7 7\nemit s"


def synapse_cases() -> Iterator[Case]:
    """Yield the cases of synapses."""
    p, q = cells("p", (5,), ECHO, bits=4), cells("q", (4,), SUM, bits=4)
    fed = [(tensor(p, -8, 7), spread(-8, 7, 8, 5))]
    yield on_samples("dense", "signed payloads times signed weights", [p, q], [wire(p, q, spread(-9, 9, 4, 5))], fed)
    few = sparse((4, 0, 3), (0, 3, -2), (4, 0, 5), (1, 3, 7), (2, 1, 0), (0, 0, -9))
    about = "synapses in any order, two of one pair, one of weight 0; neurons that have none"
    yield on_samples("sparse", about, [p, q], [wire(p, q, few)], fed)
    none = [wire(p, q, sparse()), wire(p, q, np.zeros((4, 5)), delay=2), wire(p, q, [[0] * 4 + [1]] * 4, delay=3)]
    yield on_samples("no-synapse", "connections without a synapse, or with weights of 0 only", [p, q], none, fed)
    picked = [wire(p, q, spread(-9, 9, 4, 6), gather=[4, 0, 0, 2, 4, 1])]
    picked += [wire(p, q, sparse((0, 3, 2), (1, 1, -5), (1, 0, 1)), delay=2, gather=[3, 3])]
    conv = ConvSynapses(spread(-3, 3, 1, 2, 2), (2, 5), (1,), (0, 0), (1,))
    picked += [wire(p, q, conv, delay=3, gather=[0, 4, 1, 1, 2, 2, 1, 3, 4, 0])]
    yield on_samples("gather", "views that repeat some neurons and leave out others", [p, q], picked, fed)
    q = cells("q", (4,), SUM.replace("v:24", "v:32"), bits=4)
    wide = [wire(p, q, spread(-(1 << 20), 1 << 20, 4, 5)), wire(p, q, sparse((0, 0, 255), (1, 1, -257)), delay=2)]
    yield on_samples("wide-weights", "weights of up to 21 bits", [p, q], wide, fed)


def delay_cases() -> Iterator[Case]:
    """Yield the cases of delays."""
    p, q = cells("p", (2,), ECHO, bits=4), cells("q", (2,), SUM, bits=4)
    weight = [[1, 2], [-3, 4]]
    wires = [wire(p, q, weight, delay=delay) for delay in (1, 2, 62)]
    fed = [(events(p), rain(2, -8, 7, 20))]
    yield on_events("delays", "delays of 1, 2 and 62 steps side by side", [p, q], wires, fed, steps=90)
    ring = [cells(f"p{k}", (1,), ECHO, bits=4) for k in range(3)]
    wires = [wire(ring[k], ring[(k + 1) % 3], [[1 - 2 * (k == 1)]], delay=delay) for k, delay in enumerate((1, 5, 3))]
    wires += [wire(ring[2], ring[2], [[0]], delay=7)]
    about = "a spike that goes round and comes back to populations listed before"
    yield on_events("ring", about, ring, wires, [(events(ring[1]), [(0, 0, 5)])], steps=40)
