"""Inputs that put single neurons of a first layer exactly on a threshold, or one unit below it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Graph, Node
from snncc.runtime.first_layers import FirstLayers, Neuron

Ints = npt.NDArray[np.int64]
CHANNELS = 8  # channels tried in each layer
ATTEMPTS = 100  # random starts for each channel and side of the threshold


def threshold_inputs(graph: Graph, rng: np.random.Generator) -> Iterator[dict[str, Ints]]:
    """Yield levels by encode node, [*shape] each, that bring some neuron to a threshold, or to one unit below it.

    Of a fire node that is u + b + theta // 2 = k theta, and k theta - 1; of a ladder u + b = T_j, and T_j - 1. A
    threshold, offset or comparison that is off by one shows on one of the two. Neurons that read inputs alone are
    tried: levels start at random and are moved, heaviest weight first, until the charge is met; where it cannot be,
    nothing is yielded.
    """
    first = FirstLayers(graph)
    for node in first.nodes:
        for channel in rng.permutation(node.type.shape[0])[:CHANNELS]:
            sides = (_levels(first, node, int(channel), below, rng) for below in (0, 1))
            yield from (first.split(levels) for levels in sides if levels is not None)


def _levels(first: FirstLayers, node: Node, channel: int, below: int, rng: np.random.Generator) -> Ints | None:
    """Return levels that meet a threshold of a channel, or miss it by one; None if none were found."""
    for _ in range(ATTEMPTS):
        neuron = first.neuron(node, channel, rng)
        levels = rng.integers(first.lo, first.hi + 1)
        ends = neuron.weights * first.lo[neuron.where], neuron.weights * first.hi[neuron.where]
        least, most = int(np.minimum(*ends).sum()), int(np.maximum(*ends).sum())
        marks = neuron.marks[(neuron.marks > least) & (neuron.marks <= most)]
        if not len(marks):
            continue
        mark = marks[-1] if rng.random() < 0.5 else rng.choice(marks)
        if _met(neuron, levels, int(mark) - below, first):
            return levels
    return None


def _met(neuron: Neuron, levels: Ints, wanted: int, first: FirstLayers) -> bool:
    """Move the levels a neuron reads, in place, until its sum is the one wanted; return whether it is."""
    missing = wanted - int(neuron.weights @ levels[neuron.where])
    for i in np.argsort(-np.abs(neuron.weights), kind="stable"):
        weight, place = int(neuron.weights[i]), neuron.where[i]
        if missing and weight:
            steps = abs(missing) // abs(weight) * (1 if missing * weight > 0 else -1)
            level = int(levels[place])
            moved = min(max(level + steps, int(first.lo[place])), int(first.hi[place]))
            missing -= weight * (moved - level)
            levels[place] = moved
    return missing == 0
