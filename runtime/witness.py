"""Generated inputs on which a wrong program shows itself: extremes, ties, single spikes, opposites back to back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder
from snncc.runtime.first_layers import FirstLayers
from snncc.runtime.reference import execute, samples_at_once
from snncc.runtime.ties import threshold_inputs

Ints = npt.NDArray[np.int64]
POOL = 32  # random inputs among which those with most ties are kept
KEPT = 6
SINGLES = 6
EXTREMES = 6


@dataclass(frozen=True)
class Witnesses:
    """Inputs and what they are for.

    Attributes:
        levels: int64 [count, *shape] by encode node.
        ties: rounding ties (charge plus half threshold a multiple of the threshold; of a ladder, a charge equal to a
            threshold) that they cause in the integer network.
    """

    levels: dict[str, Ints]
    ties: int

    @property
    def count(self) -> int:
        """Return the number of witnesses."""
        return len(next(iter(self.levels.values())))


def witnesses(graph: Graph, seed: int = 0) -> Witnesses:
    """Return the witnesses of an integer network, in the order in which they are to be fed.

    All least levels, all greatest, single spikes at random places, inputs whose signs follow the weights of random
    first-layer neurons (their accumulators' extremes) each followed by its opposite, random inputs with as many
    rounding ties as could be found, and inputs that put first-layer neurons on a threshold and just below it.
    """
    rng = np.random.default_rng(seed)
    encodes = [node for node in graph.nodes if isinstance(node.op, Encode)]
    first = FirstLayers(graph)
    parts = [_constant(encodes, "lo"), _constant(encodes, "hi"), _constant(encodes, "lo")]
    parts += [_single(encodes, rng) for _ in range(SINGLES)]
    for _ in range(EXTREMES):
        signs = {node.name: rng.random(node.type.shape) < 0.5 for node in encodes}
        for chosen in (_aligned(graph, first, signs, rng), signs):
            parts += [_signed(encodes, chosen), _signed(encodes, {name: ~s for name, s in chosen.items()})]
    parts += [*threshold_inputs(graph, rng), *_ties(graph, encodes, rng)]
    ties = sum(int(_tie_counts(graph, {name: a[None] for name, a in part.items()})[0]) for part in parts)
    return Witnesses({node.name: np.stack([part[node.name] for part in parts]) for node in encodes}, ties)


def _constant(encodes: list[Node], end: str) -> dict[str, Ints]:
    return {n.name: np.full(n.type.shape, getattr(n.op, end), dtype=np.int64) for n in encodes}


def _single(encodes: list[Node], rng: np.random.Generator) -> dict[str, Ints]:
    part = {n.name: np.zeros(n.type.shape, dtype=np.int64) for n in encodes}
    for node in encodes:
        ends = [value for value in (node.type.lo, node.type.hi, 1) if value]
        part[node.name].flat[rng.integers(node.type.size)] = rng.choice(ends)
    return part


def _signed(encodes: list[Node], signs: Mapping[str, npt.NDArray[np.bool_]]) -> dict[str, Ints]:
    return {n.name: np.where(signs[n.name], n.type.hi, n.type.lo).astype(np.int64) for n in encodes}


def _aligned(
    graph: Graph, first: FirstLayers, signs: Mapping[str, npt.NDArray[np.bool_]], rng: np.random.Generator
) -> dict[str, npt.NDArray[np.bool_]]:
    """Return signs that drive neurons of first layers to their extremes: those of their weights.

    Where a convolution reads an input as it is, its kernel's signs are laid side by side over the whole of it;
    elsewhere one neuron's are put where it reads.
    """
    aligned = dict(signs)
    direct = set()
    for node in graph.nodes:
        source = graph.types.get(node.inputs[0])
        if not node.op.linear or node.inputs[0] not in aligned or source is None:
            continue
        weight = graph.constants[node.inputs[1]]
        kernel = weight[rng.integers(len(weight))] > 0
        if kernel.ndim == len(source.shape) and kernel.shape[0] == source.shape[0]:
            reps = [-(-n // k) for n, k in zip(source.shape, kernel.shape, strict=True)]
            aligned[node.inputs[0]] = np.tile(kernel, reps)[tuple(slice(0, n) for n in source.shape)]
            direct.add(node.name)
    flat = np.concatenate([aligned[n.name].ravel() for n in first.encodes])
    for node in first.nodes:
        if direct.isdisjoint(node.inputs):
            neuron = first.neuron(node, int(rng.integers(node.type.shape[0])), rng)
            flat[neuron.where] = neuron.weights > 0
    return first.split(flat)


def _ties(graph: Graph, encodes: list[Node], rng: np.random.Generator) -> list[dict[str, Ints]]:
    size = samples_at_once(graph, POOL)
    pool = {n.name: rng.integers(n.type.lo, n.type.hi + 1, (size, *n.type.shape)) for n in encodes}
    counts = _tie_counts(graph, pool)
    best = np.argsort(-counts, kind="stable")[:KEPT]
    return [{name: array[i] for name, array in pool.items()} for i in best]


def _tie_counts(graph: Graph, levels: Mapping[str, Ints]) -> Ints:
    """Return the rounding ties that each sample causes."""
    values = execute(graph, levels)
    counts = np.zeros(len(next(iter(levels.values()))), dtype=np.int64)
    for node in graph.nodes:
        if isinstance(node.op, Fire | Ladder):
            counts += _on_threshold(graph, node, values[f"{node.name}.charge"]).reshape(len(counts), -1).sum(axis=1)
    return counts


def _on_threshold(graph: Graph, node: Node, charge: Ints) -> npt.NDArray[np.bool_]:
    """Return where the charge of a node is a tie: bool [samples, *shape]."""
    if isinstance(node.op, Ladder):
        thresholds = graph.constants[node.inputs[-2]]
        return np.stack([np.isin(charge[:, c], thresholds[c]) for c in range(len(thresholds))], axis=1)
    theta = graph.constants[node.inputs[-1]]
    if theta.shape != node.type.shape:
        theta = theta.reshape(-1, *(1,) * (len(node.type.shape) - 1))
    within = (charge > theta * node.type.lo) & (charge <= theta * node.type.hi)
    tie: npt.NDArray[np.bool_] = (charge % theta == 0) & (theta % 2 == 0) & within
    return tie
