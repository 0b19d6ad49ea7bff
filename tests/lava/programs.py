"""Programs by hand that use every kind of connection Lava has, and feeds for them."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import (
    Connection,
    ConvSynapses,
    DenseSynapses,
    EventInput,
    Population,
    Program,
    SparseSynapses,
    Synapses,
)
from snncc.compiler.trace import Arrivals, Feed
from tests.lava.neurons import lif

Ints = npt.NDArray[np.int64]

ECHO = parse_neuron("port x\nstate v:16\nv = copy in.x\nemit v")
EAR = parse_neuron("port x\nstate v:2\nv = copy in.x\nemit v")
HEAR = parse_neuron("port a\nstate v:32\nv = copy in.a")  # the membrane is what arrives
CLOCK = parse_neuron("state v:12\nv = add v 3\ns = gt v 40\nv = select s 0 v\nemit s")

IMAGE = (4, 6, 5)  # of the source "eyes", whose payloads are signed
EARS = 12  # neurons that send spikes without payload
STEPS = 90
RNG = np.random.default_rng(5)


def weights(*shape: int, most: int = 127) -> Ints:
    return RNG.integers(-most, most + 1, shape)


def conv(
    weight: Ints,
    shape: tuple[int, ...] = IMAGE,
    stride: int = 1,
    pads: tuple[int, ...] = (),
    dilation: int = 1,
    groups: int = 1,
) -> ConvSynapses:
    rank = len(shape) - 1
    return ConvSynapses(weight, shape, (stride,) * rank, pads or (0,) * 2 * rank, (dilation,) * rank, groups)


def pairs(count: int, sources: int, targets: int) -> SparseSynapses:
    """Return single synapses, some pairs of neurons more than once."""
    source, target = RNG.integers(0, sources, count), RNG.integers(0, targets, count)
    source[-9:], target[-9:] = source[:9], target[:9]
    return SparseSynapses(source, target, weights(count, most=200))


TRANSPOSED = np.arange(prod(IMAGE)).reshape(IMAGE).transpose(2, 0, 1).ravel()
SHUFFLED = RNG.permutation(prod(IMAGE))
REPEATED = RNG.integers(0, prod(IMAGE), 40)
KERNEL = weights(6, 4, 3, 3)
TAPS = np.array([1, 16, 256, 4096]).reshape(1, 1, 2, 2).repeat(4, axis=0)

# name: (synapses, delay, gather, what Lava process it becomes, steps of the delay line in front)
WIRES: dict[str, tuple[Synapses, int, Ints | None, str, int]] = {
    "dense": (DenseSynapses(weights(7, 120)), 1, None, "Dense", 0),
    "dense of the lowest 8-bit weights": (DenseSynapses(np.full((3, 120), -128)), 1, None, "Dense", 0),
    "dense of wide weights": (DenseSynapses(weights(3, 120, most=1 << 16)), 1, None, "Dense", 0),
    "dense of what is gathered, some twice": (DenseSynapses(weights(7, 40)), 1, REPEATED, "Dense", 0),
    "dense after two steps": (DenseSynapses(weights(7, 120)), 2, None, "DelayDense", 0),
    "dense after 64 steps": (DenseSynapses(weights(3, 40)), 64, REPEATED, "DelayDense", 0),
    "large dense after a delay line": (DenseSynapses(weights(750, 120)), 3, None, "Dense", 2),
    "sparse": (pairs(60, 120, 9), 1, None, "Sparse", 0),
    "sparse after a while": (pairs(60, 40, 9), 7, REPEATED, "DelaySparse", 0),
    "no weight": (DenseSynapses(np.zeros((2, 120), dtype=np.int64)), 4, None, "DelayDense", 0),
    "conv": (conv(KERNEL, pads=(1, 1, 1, 1)), 1, None, "Conv", 0),
    "conv with stride": (conv(KERNEL, stride=2, pads=(1, 0, 1, 0)), 1, None, "Conv", 0),
    "conv with dilation": (conv(KERNEL, dilation=2, pads=(2, 2, 2, 2)), 1, None, "Conv", 0),
    "conv in groups": (conv(weights(6, 2, 3, 2), groups=2), 1, None, "Conv", 0),
    "conv with pads that agree": (conv(KERNEL, stride=2, pads=(1, 1, 0, 1)), 1, None, "Conv", 0),
    "conv with pads that do not": (conv(KERNEL, pads=(1, 0, 2, 2)), 1, None, "Sparse", 0),
    "conv with packed taps": (conv(TAPS, stride=2, groups=4), 1, None, "Conv", 0),
    "conv after two steps": (conv(KERNEL), 2, None, "Conv", 1),
    "conv after a while": (conv(KERNEL), 6, None, "Conv", 5),
    "conv of a transposed image": (conv(weights(3, 5, 2, 2), (5, 4, 6)), 1, TRANSPOSED, "Conv", 0),
    "conv of another image": (conv(weights(3, 5, 2, 2), (5, 4, 6)), 1, SHUFFLED, "Sparse", 0),
    "conv of another image later": (conv(weights(3, 5, 2, 2), (5, 4, 6)), 3, SHUFFLED, "Conv", 2),
    "conv of one axis": (conv(weights(3, 4, 5), (4, 30), stride=2, pads=(2, 2)), 1, None, "Conv", 0),
    "conv of no axis": (conv(weights(3, 40), (120,), groups=3), 1, None, "Conv", 0),
}


def wired() -> Program:
    """Return a free-running program with each wire from ``eyes`` to a population of its own, and then some.

    ``ears`` send spikes without payload to a dense and a conv; ``cells`` are leaky, recurrent, and hear an input of
    their own; ``clock`` is connected to nothing.
    """
    populations = [
        Population("eyes", IMAGE, ECHO, {}, payload_bits=9, signed=True),
        Population("ears", (1, 3, 4), EAR, {}),
        Population("clock", (2,), CLOCK, {}, start=4),
    ]
    wires = []
    for name, (synapses, delay, gather, _, _) in WIRES.items():
        populations.append(Population(name, (targets(synapses),), HEAR, {}, loc=Loc("net", name)))
        wires.append(Connection(name, "eyes", name, "a", synapses, delay, gather, Loc("net", name)))
    ear_dense, ear_conv = DenseSynapses(weights(5, EARS)), conv(weights(2, 1, 2, 2), (1, 3, 4))
    for name, heard in (("ear dense", ear_dense), ("ear conv", ear_conv)):
        populations.append(Population(name, (targets(heard),), HEAR, {}))
        wires.append(Connection(name, "ears", name, "a", heard))
    params = {"du": 300, "dv": 100, "bias": 40, "vth": [900 << 6, 1500 << 6, 300 << 6]}
    cells = Population("cells", (3,), lif(), {name: np.asarray(value) for name, value in params.items()})
    recurrent = Connection("cells", "cells", "cells", "x", DenseSynapses(weights(3, 3)), 2)
    wires += [Connection("ear cells", "ears", "cells", "x", DenseSynapses(weights(3, EARS))), recurrent]
    inputs = (EventInput("seen", "eyes", "x"), EventInput("heard", "ears", "x"), EventInput("shock", "cells", "x"))
    return Program("wired", "lava", 0, (*populations, cells), tuple(wires), inputs)


def targets(synapses: Synapses) -> int:
    """Return how many neurons synapses reach."""
    if isinstance(synapses, DenseSynapses):
        return len(synapses.weight)
    return prod(synapses.out_shape) if isinstance(synapses, ConvSynapses) else int(synapses.target.max()) + 1


def noise() -> Feed:
    """Return a feed of the wired program: payloads of every size, for long enough that the longest delay ends."""
    seen = [(t, int(i), int(RNG.integers(-256, 256))) for t in range(0, 30, 2) for i in RNG.integers(0, 120, 30)]
    seen = list({(t, i): (t, i, value) for t, i, value in seen}.values())  # payloads that meet would not fit 9 bits
    heard = [(t, int(i), 1) for t in range(STEPS - 5) for i in RNG.permutation(EARS)[:4]]
    shock = [(t, int(i), int(RNG.integers(-20, 90))) for t in range(0, STEPS, 3) for i in range(3)]
    events = {"seen": seen, "heard": heard, "shock": shock}
    return Feed(STEPS, {name: Arrivals.of(rows) for name, rows in events.items()})


def pair(names: tuple[str, str] = ("eyes", "hears"), neuron: str = "", loc: Loc = Loc("net", "layer1")) -> Program:
    """Return two populations and one connection; the second runs ``neuron``, else it hears."""
    eyes = Population(names[0], (4,), ECHO, {}, payload_bits=9, signed=True)
    hears = Population(names[1], (3,), parse_neuron(neuron) if neuron else HEAR, {}, loc=loc)
    wire = Connection(f"{names[0]} wire", names[0], names[1], "a", DenseSynapses(np.arange(12).reshape(3, 4)), loc=loc)
    return Program("pair", "lava", 0, (eyes, hears), (wire,), (EventInput(f"{names[0]} in", names[0], "x"),))


def pair_feed(program: Program, steps: int = 6) -> Feed:
    """Return a feed that lets every weight of ``pair`` count."""
    events = [(t, i, t * 7 + i + 1) for t in range(steps - 1) for i in range(4)]
    return Feed(steps, {program.inputs[0].name: Arrivals.of(events)})
