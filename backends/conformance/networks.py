"""Cases made from quantized networks: every coding, max-pools, geometries, skips and readouts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snncc.backends.conformance.case import Case, spread
from snncc.backends.conformance.net import Net, lowered
from snncc.compiler.coding import CODINGS
from snncc.compiler.ir import Graph

SIGNS = ((0, ""), (-2, "-signed"))  # least level, and what it adds to a case's name


def coding_cases() -> Iterator[Case]:
    """Yield each coding on a network of three layers; Q is no power of two less one."""
    for coding in CODINGS.values():
        for lo, suffix in SIGNS[: 1 + coding.signed]:
            about = f"levels {lo}..5 in {coding.name}: convolved, then dense, then read"
            yield lowered(f"{coding.name}{suffix}", about, _layers(lo), coding.name)
    about = "thresholds that are no powers of two, one for each neuron: long division"
    net = Net()
    x = net.input(5, lo=-3, hi=3)
    theta, bias = [1, 3, 5, 7, 4, 6, 10, 9], spread(-5, 5, 8)
    h = net.fire(net.dense(x, 8), lo=-4, hi=6, theta=theta, bias=bias)
    yield lowered("division", about, net.graph(net.read(net.dense(h, 2))))


def _layers(lo: int) -> Graph:
    net = Net()
    x = net.input(2, 4, 4, lo=lo, hi=5)
    a = net.fire(net.conv(x, 2, 3, pads=(1, 1, 1, 1)), lo=lo, hi=5, theta=[4, 8], bias=[3, -4])
    b = net.fire(net.dense(a, 3), lo=lo, hi=5, theta=8, bias=[0, 5, -5])
    return net.graph(net.read(net.dense(b, 2), bias=[7, -7]))


def pool_cases() -> Iterator[Case]:
    """Yield a max-pool in each coding: taps share an in-port where they can, else each has its own."""
    for coding in CODINGS.values():
        for lo, suffix in SIGNS[: 1 + coding.signed]:
            about = f"max-pool of levels {lo}..3 in {coding.name}, overlapping and padded"
            yield lowered(f"pool-{coding.name}{suffix}", about, _pooled(lo, 3), coding.name)
    yield lowered("pool-one-port-a-tap", "max-pool of levels too large to share an in-port", _pooled(0, 200))


def _pooled(lo: int, hi: int) -> Graph:
    net = Net()
    x = net.input(2, 4, 3, lo=lo, hi=hi)
    return net.graph(net.read(net.dense(net.max_pool(x, 2, 1, (1, 0, 0, 1)), 2)))


def geometry_cases() -> Iterator[Case]:
    """Yield convolutions of every kind."""
    net = Net()
    x = net.input(1, 5, 4)
    h = net.fire(net.conv(x, 2, 3, stride=2, pads=(2, 0, 1, 3)))
    yield lowered("conv-stride-pads", "a stride of 2, other pads on each side", net.graph(net.read(net.dense(h, 2))))
    net = Net()
    x = net.input(1, 6, 5)
    h = net.fire(net.conv(x, 2, 2, dilation=3, pads=(1, 0, 0, 1)))
    yield lowered("conv-dilation", "a dilation of 3", net.graph(net.read(net.dense(h, 2))))
    net = Net()
    x = net.input(4, 3, 3, lo=-3)
    h = net.fire(net.conv(x, 4, 2, groups=2), lo=-3)
    h = net.fire(net.conv(h, 8, 2, groups=4, pads=(1, 1, 0, 0)), lo=-3)
    yield lowered(
        "conv-groups", "two groups, then depthwise with two outputs a channel", net.graph(net.read(net.dense(h, 2)))
    )
    net = Net()
    x = net.input(2, 9)
    h = net.fire(net.conv(x, 3, 3, stride=2, pads=(0, 1), dilation=2))
    h = net.max_pool(h, 2, 1)
    yield lowered("conv-1d", "one spatial axis", net.graph(net.read(net.dense(h, 2))), "bitplane")


def view_cases() -> Iterator[Case]:
    """Yield networks that read views, and sums over windows."""
    net = Net()
    x = net.transpose(net.input(2, 3, 4), 2, 0, 1)
    h = net.transpose(net.max_pool(net.fire(net.conv(x, 3, 2)), 1, 1), 1, 2, 0)
    yield lowered(
        "views", "transposes before a convolution and before a dense layer", net.graph(net.read(net.dense(h, 2)))
    )
    net = Net()
    x = net.input(2, 4, 4, hi=7)
    summed = net.fire(net.conv(x, 2, 2, stride=2, groups=2, weight=np.ones(8)), hi=28, theta=1)
    rounded = net.fire(net.conv(x, 2, 2, stride=2, groups=2, weight=np.ones(8)), hi=7, theta=4)
    reads = net.dense(summed, 2), net.dense(rounded, 2)
    yield lowered("average-pool", "windows summed up, and rounded halves up", net.graph(net.read(*reads)), "bitplane")


def skip_cases() -> Iterator[Case]:
    """Yield networks in which spikes wait for others."""
    yield lowered("skip", "spikes that wait in their synapses", _skipping(), "rate")
    yield lowered("relay", "spikes that wait in relay populations", _skipping(), "rate", max_delay=1)
    net = Net()
    x = net.input(6)
    a = net.fire(net.dense(x, 4))
    b = net.fire(net.dense(a, 4))
    c = net.fire(net.dense(b, 4), net.dense(x, 4))
    flat = net.graph(net.read(net.dense(c, 2), net.dense(x, 2)))
    yield lowered("relay-vector", "relays of a vector, in bit-planes", flat, "bitplane", max_delay=0)
    yield lowered(
        "sequential", "one sample at a time: windows far apart", _skipping(), "bitplane", schedule="sequential"
    )
    about = "windows of 1, 2, 4 and 5 steps side by side, and every kernel at one readout"
    codings = {"a": "rate", "b": "ttfs", "c": "bitplane"}
    yield lowered("mixed-windows", about, _mixed(), inputs="graded", by_node=codings)


def _skipping() -> Graph:
    net = Net()
    x = net.input(1, 3, 3)
    a = net.fire(net.conv(x, 2, 2, pads=(0, 0, 1, 1)))
    b = net.fire(net.conv(a, 2, 1), lo=-2)
    c = net.fire(net.conv(b, 2, 3, pads=(1, 1, 1, 1)), net.conv(x, 2), bias=[1, -1])
    return net.graph(net.read(net.dense(c, 2), net.dense(a, 2), net.dense(x, 2)))


def _mixed() -> Graph:
    net = Net()
    x = net.input(6, hi=7)
    a = net.fire(net.dense(x, 4), hi=5, name="a")
    b = net.fire(net.dense(x, 3), hi=4, theta=3, name="b")
    c = net.fire(net.dense(a, 4), net.dense(b, 4), net.dense(x, 4), name="c")
    return net.graph(net.read(net.dense(c, 2), net.dense(a, 2), net.dense(b, 2), net.dense(x, 2), bias=[100, -100]))


def rounding_cases() -> Iterator[Case]:
    """Yield networks at the corners of the integer neuron, and with several ends."""
    net = Net()
    x = net.input(1, lo=-20, hi=20)
    theta = [1, 2, 3, 4, 5, 8]
    h = net.fire(net.dense(x, 6, np.ones(6)), lo=-3, hi=3, theta=theta, bias=[0, 1, 0, -2, 2, 4])
    every = {"x": np.arange(-20, 21).reshape(-1, 1)}
    graph = net.graph(net.read(net.dense(h, 6, np.eye(6))))
    for coding in ("graded", "bitplane", "rate"):
        about = f"every charge from below the least level to above the greatest, ties among them, in {coding}"
        yield lowered(f"ties-{coding}", about, graph, coding, inputs="graded", levels=every)
    net = Net()
    x, z = net.input(3, lo=-3, name="x"), net.input(2, 2, 2, hi=7, name="z")
    h = net.fire(net.dense(x, 4), net.dense(z, 4))
    first, second = net.read(net.dense(h, 2), name="y"), net.read(net.dense(z, 3), net.dense(x, 3), name="w")
    about = "two inputs, of vectors and of images; two outputs, read in other steps"
    yield lowered("two-inputs-outputs", about, net.graph(first, second))
