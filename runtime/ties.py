"""Inputs that put single neurons of a first layer exactly on a threshold, or one unit below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire
from snncc.compiler.ir.ops import Conv
from snncc.compiler.mapping.edges import through_views

Ints = npt.NDArray[np.int64]
CHANNELS = 8  # channels tried in each layer
ATTEMPTS = 100  # random starts for each channel and side of the threshold


@dataclass(frozen=True)
class _Neuron:
    """A neuron that reads an input: u + b + theta // 2 = constant + sum over i of weights[i] q[where[i]]."""

    where: Ints
    weights: Ints
    constant: int
    theta: int


def threshold_inputs(graph: Graph, rng: np.random.Generator) -> Iterator[dict[str, Ints]]:
    """Yield levels by encode node, [*shape] each, with u + b + theta // 2 = k theta, and k theta - 1, for some neuron.

    A threshold, offset or comparison that is off by one shows on one of the two. Neurons of layers that read an input
    through one weighted sum are tried: levels start at random and are moved, heaviest weight first, until the charge
    is met; where it cannot be, nothing is yielded.
    """
    encodes = [node for node in graph.nodes if isinstance(node.op, Encode)]
    for node in graph.nodes:
        linear = graph.node.get(node.inputs[0])
        if not isinstance(node.op, Fire) or len(node.inputs) != 3 or linear is None:
            continue
        source, gather = through_views(graph, linear.inputs[0])
        if not isinstance(source.op, Encode):
            continue
        for channel in rng.permutation(node.type.shape[0])[:CHANNELS]:
            for below in (0, 1):
                met = _levels(graph, (node, linear, source), gather, (int(channel), below), rng)
                if met is not None:
                    others = {n.name: rng.integers(n.type.lo, n.type.hi + 1, n.type.shape) for n in encodes}
                    yield {**others, source.name: met}


def _levels(
    graph: Graph, nodes: tuple[Node, Node, Node], gather: Array | None, wanted: tuple[int, int],
    rng: np.random.Generator,
) -> Ints | None:  # fmt: skip
    """Return levels of the source that meet a threshold of a channel, or miss it by one; None if none were found."""
    node, linear, source = nodes
    channel, below = wanted
    for _ in range(ATTEMPTS):
        neuron = _neuron(graph, node, linear, channel, rng)
        where = neuron.where if gather is None else gather[neuron.where]
        levels = rng.integers(source.type.lo, source.type.hi + 1, source.type.size)
        most = int(np.maximum(neuron.weights * source.type.lo, neuron.weights * source.type.hi).sum())
        top = min(node.type.hi, (neuron.constant + most) // neuron.theta)
        level = top if rng.random() < 0.5 else int(rng.integers(1, max(top, 1) + 1))
        if level > 0 and _met(neuron, where, levels, neuron.theta * level - below, source):
            return levels.reshape(source.type.shape)
    return None


def _neuron(graph: Graph, node: Node, linear: Node, channel: int, rng: np.random.Generator) -> _Neuron:
    """Return a neuron of a channel, at a random place where there are places."""
    weight = graph.constants[linear.inputs[1]]
    place = tuple(int(rng.integers(n)) for n in node.type.shape[1:])
    bias, theta = (_at(graph.constants[name], (channel, *place)) for name in node.inputs[1:])
    if not isinstance(linear.op, Conv):
        return _Neuron(np.arange(weight.shape[1]), weight[channel], bias + theta // 2, theta)
    op, shape = linear.op, graph.types[linear.inputs[0]].shape
    first = channel // (len(weight) // op.groups) * weight.shape[1]
    where, weights = [], []
    for tap in np.ndindex(*weight.shape[1:]):
        axes = zip(place, op.strides, tap[1:], op.dilations, op.pads, strict=False)
        at = tuple(p * s + k * d - pad for p, s, k, d, pad in axes)
        if all(0 <= a < n for a, n in zip(at, shape[1:], strict=True)):
            where.append(np.ravel_multi_index((first + tap[0], *at), shape))
            weights.append(weight[channel][tap])
    return _Neuron(np.array(where, dtype=np.int64), np.array(weights, dtype=np.int64), bias + theta // 2, theta)


def _at(constant: Array, index: tuple[int, ...]) -> int:
    return int(constant[index[0]] if constant.ndim == 1 else constant[index])


def _met(neuron: _Neuron, where: Ints, levels: Ints, charge: int, source: Node) -> bool:
    """Move the levels a neuron reads, in place, until its charge is met; return whether it is."""
    missing = charge - neuron.constant - int(neuron.weights @ levels[where])
    for i in np.argsort(-np.abs(neuron.weights), kind="stable"):
        weight, level = int(neuron.weights[i]), int(levels[where[i]])
        if missing and weight:
            steps = abs(missing) // abs(weight) * (1 if missing * weight > 0 else -1)
            moved = min(max(level + steps, source.type.lo), source.type.hi)
            missing -= weight * (moved - level)
            levels[where[i]] = moved
    return missing == 0
