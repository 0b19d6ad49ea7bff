"""Small compiled programs to put faults into; few inputs each, so that all of them can be tried."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from snncc.compiler.certificate import certify
from snncc.compiler.container import program_bytes
from snncc.compiler.ir.graph import Graph
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.passes.base import run_passes
from snncc.compiler.program import Origin, Program
from snncc.compiler.quantize.fold_sums import FoldSums
from snncc.compiler.targets import load_target
from tests.integer_nets import IntegerNet

BENT = [[1, -1, -1, 1, 1], [1, 1, -1, -1, 1]]
CODINGS = ("graded", "bitplane", "rate", "ttfs")


@dataclass(frozen=True)
class Subject:
    """A program with its network.

    Attributes:
        name: of the network and how it is sent.
        network: the integer network.
        program: what it was lowered to.
    """

    name: str
    network: Graph
    program: Program

    @property
    def data(self) -> bytes:
        """Return the .snnp file."""
        return program_bytes(self.program)


def layers() -> Graph:
    """Return two layers over [1, 2, 2] with padding, thresholds that differ, and a bias for every position."""
    net = IntegerNet(3)
    first = net.conv(net.input(1, 2, 2), 2, 2, pads=(0, 1, 1, 0))
    bias = net.random.integers(-4, 5, (2, 2, 2))
    hidden = net.fire(first, hi=5, theta=[3, 4], bias=bias, name="hidden")
    second = net.fire(net.dense(net.transpose(hidden, 1, 2, 0), 3), hi=3, theta=8, bias=[1, 0, -3], name="second")
    return net.graph(net.read(net.dense(second, 2), bias=[3, -2], name="y"))


def signed() -> Graph:
    """Return layers with negative levels, a skip, and a difference of two edges."""
    net = IntegerNet(5)
    x = net.input(2, 1, 2, lo=-2, hi=1)
    first = net.fire(net.conv(x, 2), lo=-3, hi=2, theta=2, bias=[1, -1], name="first")
    second = net.fire(net.conv(first, 2), lo=-1, hi=4, theta=3, name="second")
    joined = net.fire(net.conv(second, 2), net.conv(first, 2), net.conv(x, 2), lo=-3, hi=3, theta=4, name="joined")
    return net.graph(net.read(net.dense(joined, 2), name="y"))


def pools(lo: int = 0) -> Graph:
    """Return a max-pool with padding over a layer's levels."""
    net = IntegerNet(7)
    first = net.fire(net.conv(net.input(1, 2, 3, lo=lo, hi=2), 2), lo=lo, hi=3, theta=1, bias=[1, 0], name="first")
    pooled = net.max_pool(first, 2, 1, pads=(1, 0, 0, 0), name="pool")
    return net.graph(net.read(net.dense(pooled, 2), name="y"))


def negative_pools() -> Graph:
    """Return the same with negative levels."""
    return pools(-1)


def ladders() -> Graph:
    """Return a ladder that goes up and down and one that only counts, behind each other."""
    net = IntegerNet(11)
    rows = np.sort(net.random.integers(-9, 10, (2, 5)), axis=1)
    bent = net.ladder(net.dense(net.input(4), 2), lo=-1, hi=3, first=1, thresholds=rows, steps=BENT)
    counted = np.sort(net.random.integers(-6, 7, (3, 4)), axis=1)
    second = net.ladder(net.dense(bent, 3), hi=4, thresholds=counted, bias=[1, 0, -1], name="second")
    return net.graph(net.read(net.dense(second, 2), name="y"))


def joined() -> Graph:
    """Return a concatenation of two branches, spread and cut, and an output that is turned."""
    net = IntegerNet(13)
    x = net.input(2, 1, 2)
    left = net.fire(net.conv(x, 2), theta=4, bias=2, name="left")
    right = net.fire(net.conv(x, 1), hi=6, theta=2, name="right")
    both = net.slice(net.dilate(net.concat(0, left, right), 1, 2), (0, 0, 0), (3, 1, 3), (1, 1, 1))
    read = net.read(net.conv(net.upsample(both, 2, 1), 2, 2), bias=[1, 2], name="y")
    return net.graph(net.transpose(read, 1, 2, 0))


def sums() -> Graph:
    """Return an exact sum, which unary codings fold into its readers."""
    net = IntegerNet(17)
    first = net.fire(net.conv(net.input(1, 2, 2), 2), theta=2, bias=[1, -1], name="first")
    added = net.conv(first, 2, 2, groups=2, weight=np.ones(8))
    summed = net.fire(added, hi=12, theta=1, name="summed")
    return net.graph(net.read(net.dense(summed, 3), bias=[1, 0, -5], name="y"))


NETS = (layers, signed, pools, negative_pools, ladders, joined, sums)
MIXED: Mapping[str, dict[str, str]] = {
    "layers": {"x.levels": "rate", "hidden": "ttfs", "second": "bitplane"},
    "signed": {"x.levels": "bitplane", "first": "graded", "second": "rate", "joined": "graded"},
    "ladders": {"second": "ttfs"},
    "joined": {"left": "rate", "right": "bitplane"},
}


def subject(
    network: Graph,
    name: str,
    coding: str,
    by_node: Mapping[str, str] | None = None,
    graded: bool = True,
    max_delay: int = 62,
) -> Subject:
    """Return the program of a network, folded where that is usual, certified."""
    chip = replace(load_target("loihi2"), graded=graded, max_delay=max_delay)
    choice = choose(coding, chip, by_node)
    folded = run_passes(network, [FoldSums(unary=choice.unary(network))], lambda step, graph: None)
    program = lower(folded, choice, chip)
    certificate = certify(program, network, chip)
    return Subject(name, network, replace(program, origin=Origin(network, b"", (), {}, certificate)))


def subjects() -> Iterator[Subject]:
    """Yield every network in every coding that can send its levels, and in several at once."""
    for make in NETS:
        for coding in CODINGS:
            graded = coding in ("graded", "ttfs")  # else inputs are sent in the coding, too
            yield subject(make(), f"{make.__name__}, {coding}", coding, graded=graded)
        if make.__name__ in MIXED:
            yield subject(make(), f"{make.__name__}, mixed", "bitplane", MIXED[make.__name__], max_delay=1)
