"""Cases made from networks that are no chains: ladders, joined and selected levels, several kernels, image outputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snncc.backends.conformance.case import Case, spread
from snncc.backends.conformance.net import Net, lowered
from snncc.compiler.coding import CODINGS
from snncc.compiler.ir import Graph
from snncc.compiler.ir.ops import Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample


def ladder_cases() -> Iterator[Case]:
    """Yield neurons that count thresholds."""
    every = {"x": np.arange(-31, 32).reshape(7, 1, 9)}
    for coding in CODINGS.values():
        lo = -2 if coding.signed else 0
        about = f"thresholds on which levels rise and fall, every charge around them, in {coding.name}"
        yield lowered(f"ladder-{coding.name}", about, _ladders(lo), coding.name, inputs="graded", levels=every)
    net = Net()
    bars = np.sort(spread(-900, 900, 2, 300), axis=1)
    h = net.ladder(net.dense(net.input(4, lo=-127, hi=127), 2), thresholds=bars, lo=-150, hi=150, first=-150)
    yield lowered("ladder-long", "300 thresholds a neuron", net.graph(net.read(net.dense(h, 2))))


def _ladders(lo: int) -> Graph:
    net = Net()
    x = net.input(1, 9, lo=-31, hi=31)
    bars = [[-20, -7, -7, 0, 5, 29], [-1, 0, 0, 1, 2, 10**6], [-25, -15, -5, 5, 15, 25]]
    steps = [[1, -1, 1, 1, 1, 1], [1, -1, 1, 1, 1, 1], [1, 1, 1, 1, -1, 1]]
    charge = net.conv(x, 3, weight=np.ones(3))
    h = net.ladder(charge, thresholds=bars, steps=steps, lo=lo, hi=lo + 5, first=lo, bias=[0, 1, -2])
    return net.graph(net.read(net.dense(h, 27, np.eye(27))))


def join_cases() -> Iterator[Case]:
    """Yield networks whose layers hear several populations at once."""
    about = "convolutions, whole and in groups, and a dense layer over levels of different ranges, joined"
    yield lowered("concat", about, _joined(), "bitplane")
    about = "a population whose sources send in every coding, some of them early"
    codings = {"a": "rate", "b": "ttfs", "c": "bitplane"}
    yield lowered("kernels", about, _kernels(), inputs="graded", by_node=codings)
    yield lowered(
        "kernels-relayed", f"{about}, through relays", _kernels(), inputs="graded", by_node=codings, max_delay=3
    )
    net = Net()
    x = net.input(3, hi=7)
    wide = np.array([[3 << 9, -(5 << 9), 127 << 9], [12345, -20000, 77], [1, 0, -127]])
    h = net.fire(net.dense(x, 3, wide), hi=7, theta=[1 << 14, 1 << 13, 64])
    about = "weights of an exponent a channel, and of a high and a low part"
    yield lowered("exponents", about, net.graph(net.read(net.dense(h, 2))))


def _joined() -> Graph:
    net = Net()
    x = net.input(1, 4, 3, lo=-3)
    a = net.fire(net.conv(x, 1, 3, pads=(1, 1, 1, 1)), lo=-2, hi=6, name="a")
    b = net.fire(net.conv(a, 1), hi=2, name="b")
    both = net.concat(a, b, x, b)
    c = net.fire(net.conv(both, 2, 2), net.conv(both, 2, 2, groups=2), lo=-1, theta=2)
    return net.graph(net.read(net.dense(c, 2), net.dense(net.concat(b, x, axis=1), 2)))


def _kernels() -> Graph:
    net = Net()
    x = net.input(4, hi=7)
    a = net.fire(net.dense(x, 3), hi=5, name="a")
    b = net.fire(net.dense(x, 3), hi=4, theta=3, name="b")
    c = net.fire(net.dense(a, 4), net.dense(b, 4), net.dense(x, 4), hi=6, name="c")
    d = net.fire(*(net.dense(value, 4) for value in (a, b, c, x)), bias=3, theta=8, name="d")
    return net.graph(net.read(net.dense(d, 2), net.dense(c, 2), net.dense(b, 2)))


def selection_cases() -> Iterator[Case]:
    """Yield networks that read some levels, some of them twice, and zeros between and around them."""
    net = Net()
    x = net.input(2, 3, 3, lo=-2, hi=4)
    part = net.moved(x, Slice((0, 0, 1), (2, 3, 3), (1, 2, 1)))
    a = net.fire(net.conv(net.moved(part, Upsample((2, 1))), 2, 2), lo=-1, name="a")
    wide = net.moved(net.moved(a, Dilate((2, 3))), Pad((0, 1, 1, 0, 0, 2)))
    b = net.fire(net.conv(wide, 2, 2), net.conv(wide, 2, 2, groups=2), lo=-3)
    outer = net.moved(part, Pad((1, 0, 1, 0, 1, 0)))
    about = "sliced and repeated levels, zeros between and around them, at once and later"
    yield lowered(
        "selections", about, net.graph(net.read(net.dense(b, 2), net.dense(outer, 2), net.dense(part, 2))), "rate"
    )
    net = Net()
    read = net.read(net.conv(net.input(1, 2, 3), 4, 2, pads=(1, 0, 0, 1)))
    blocks = net.moved(net.moved(read, Reshape((1, 2, 2, 2, 3))), Transpose((0, 3, 1, 4, 2)))
    image = net.moved(blocks, Reshape((1, 4, 6)))
    yield lowered("image-output", "a readout whose channels become positions", net.graph(image, read))
