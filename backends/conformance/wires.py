"""Cases for connections: kinds of synapses, delays, gathers, and weights of any width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from snncc.backends.conformance.case import (
    ECHO,
    Case,
    Ints,
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
from snncc.compiler.program import ConvSynapses, Synapses

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
    yield _silence()
    yield _many()
    q = cells("q", (4,), SUM.replace("v:24", "v:32"), bits=4)
    wide = [wire(p, q, spread(-(1 << 20), 1 << 20, 4, 5)), wire(p, q, sparse((0, 0, 255), (1, 1, -257)), delay=2)]
    yield on_samples("wide-weights", "weights of up to 21 bits", [p, q], wide, fed)


def _silence() -> Case:
    """Return a case in which synapses of every kind, early and late, have inputs that nobody feeds."""
    p, q = cells("p", (2, 3), ECHO, bits=4), cells("q", (8,), SUM, bits=4)
    between = [0, -1, 1, -1, 2, -1, -1, -1, 3, -1, 4, -1, 5, -1]  # zeros between two rows, and a column of them
    conv = ConvSynapses(spread(-3, 3, 4, 2, 2), (2, 7), (3,), (0, 0), (1,))
    grouped = ConvSynapses(spread(-3, 3, 4, 1, 2, seed=1), (2, 7), (3,), (0, 0), (2,), 2)
    kinds: list[tuple[Ints | Synapses, list[int]]] = [
        (spread(-9, 9, 8, 14), between),
        (sparse((0, 3, 2), (1, 1, -5), (2, 0, 1), (2, 7, -1), (3, 5, 9)), [-1, 4, 2, -1]),
        (conv, between),
        (grouped, between),
        (spread(-9, 9, 8, 2), [-1, -1]),
    ]
    wires = [wire(p, q, synapses, delay=1 + late, gather=gather) for synapses, gather in kinds for late in (0, 3)]
    wires = [replace(each, name=f"c{number}") for number, each in enumerate(wires)]
    fed = [(tensor(p, -8, 7), spread(-8, 7, 10, 2, 3))]
    return on_samples("silent-inputs", "synapses of every kind whose inputs are in part always 0", [p, q], wires, fed)


def _many() -> Case:
    """Return a case in which an in-port hears many connections."""
    p, q = cells("p", (1, 2, 3), ECHO, bits=4), cells("q", (2, 2, 3), SUM, bits=4)
    same = (1, 1)
    convs = [
        ConvSynapses(spread(-3, 3, 2, 1, k, k, seed=k), (1, 2, 3), same, (0, 0, k - 1, k - 1), same) for k in (1, 2, 3)
    ]
    few = sparse((0, 1, 2), (5, 11, -7), (3, 0, 1))
    each: list[Ints | Synapses] = [
        *convs,
        few,
        *(spread(-2, 2, 12, 6, seed=k) for k in range(4)),
        spread(-(1 << 9), 1 << 9, 12, 6),
    ]
    wires = [wire(p, q, synapses, delay=1 + number % 3) for number, synapses in enumerate(each)]
    wires = [replace(one, name=f"c{number}") for number, one in enumerate(wires)]
    fed = [(tensor(p, -8, 7), spread(-8, 7, 8, 1, 2, 3))]
    return on_samples("many-wires", "an in-port that hears connections of every kind", [p, q], wires, fed)


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
