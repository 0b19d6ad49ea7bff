"""Canonical graphs to quantize, made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir import Graph, Stage, check
from tests.compiler.passes.helpers import Net

Data = dict[str, npt.NDArray[np.float32]]


def canonical(net: Net, *outputs: str) -> Graph:
    return check(replace(net.graph(*outputs), stage=Stage.CANONICAL), "the test")


def residual() -> Graph:
    """Return a net on [2, 5, 5] with a skip, a max-pool, an average pool, a view, a capped ReLU and two outputs."""
    net = Net(3)
    x = net.input(2, 5, 5)
    stem = net.relu(net.conv(x, 4, 3, pad=1, name="c1"), name="stem")
    block = net.plus(net.conv(stem, 4, 3, pad=1, name="c2"), net.conv(x, 4, 1, bias=False, name="c3"), name="sum")
    joined = net.relu(block, cap=4.0, name="joined")
    pooled = net.max_pool(joined, 2, 2, name="pool")
    mean = net.average_pool(stem, 5, 5, name="mean")
    flat = net.reshape(pooled, name="flat")
    means = net.reshape(mean, name="means")
    score = net.plus(net.dense(flat, 3, name="d1"), net.dense(means, 3, name="d2"), name="score")
    return canonical(net, score, net.conv(joined, 1, 1, name="map"))


def data(graph: Graph, samples: int = 20, seed: int = 0, low: float = 0.0) -> Data:
    rng = np.random.default_rng(seed)
    return {i.name: (rng.random((samples, *i.type.shape)) * (1 - low) + low).astype(np.float32) for i in graph.inputs}
