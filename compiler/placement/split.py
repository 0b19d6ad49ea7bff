"""Cut a population so that every box fits a core: into as few boxes as can be, and of those ways the most even one."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, product
from math import prod

from snncc.compiler.placement.cuts import Cuts, even, outer, part_counts, sizes
from snncc.compiler.placement.kinds import most_kinds
from snncc.compiler.placement.loads import SUMS, Layer, loads
from snncc.compiler.placement.wiring import ListedWiring
from snncc.compiler.program import ConvSynapses
from snncc.compiler.targets.target import Target

SMALL = 100_000  # neurons up to which single ones are looked at first
CHEAP = ("neurons", "synapse_words")  # counted first: they decide for most


def split(layer: Layer, target: Target, most: int | None) -> Cuts | None:
    """Return how a population is cut, None if not even its single neurons fit a core.

    Args:
        layer: it knows the cuts of those that hear it.
        target: whose limits hold.
        most: neurons of a box; None for as many as a core holds.
    """
    if (most is None or layer.population.size <= most) and fits(layer, whole(layer), target):
        return whole(layer)
    if layer.population.size <= SMALL and not fits(layer, single(layer), target):
        return None
    for _, same in groupby(sorted(_ways(layer, target, most), key=prod), key=prod):
        fitting = [cuts for cuts in (_cuts(layer, parts) for parts in same) if fits(layer, cuts, target)]
        if fitting:
            return min(fitting, key=lambda cuts: _rank(layer, cuts))
    return None


def whole(layer: Layer) -> Cuts:
    """Return the cuts into one box."""
    return tuple((0, size) for size in layer.population.shape)


def single(layer: Layer) -> Cuts:
    """Return the cuts into one box a neuron."""
    return tuple(tuple(range(size + 1)) for size in layer.population.shape)


def fits(layer: Layer, cuts: Cuts, target: Target) -> bool:
    """Return whether every box fits a core that holds nothing else."""
    return not any(_exceeded(layer, cuts, target))


def limits(target: Target) -> dict[str, int]:
    """Return the limits of a core on what adds up over its slices, by entry of SUMS; those that are known."""
    known = {name: getattr(target.core, name) for name in SUMS}
    return {name: limit for name, limit in known.items() if limit is not None}


def _exceeded(layer: Layer, cuts: Cuts, target: Target) -> Iterator[bool]:
    bounds = limits(target)
    for name in sorted(bounds, key=lambda name: name not in CHEAP):
        yield bool((loads(layer, cuts, target, [name])[name] > bounds[name]).any())
    if target.core.thresholds is not None:
        yield most_kinds(layer.kinds, cuts) > target.core.thresholds


def _ways(layer: Layer, target: Target, most: int | None) -> Iterator[tuple[int, ...]]:
    """Yield numbers of parts an axis, all but those that the neurons of a box or its kernels rule out."""
    shape, most = layer.population.shape, target.core.neurons if most is None else most
    counts = [part_counts(size) for size in shape]
    if counts and only_kernels(layer, target):
        rest = whole(layer)[1:]  # finer parts store less, so the first that fits is found by halving
        first = bisect_left(counts[0], True, key=lambda k: fits_memory(layer, (even(shape[0], k), *rest), target))
        counts[0] = counts[0][first:]
    for parts in product(*counts):
        if most is None or prod(-(-n // k) for n, k in zip(shape, parts, strict=True)) <= most:
            yield parts


def only_kernels(layer: Layer, target: Target) -> bool:
    """Return whether all weights of a layer are shared kernels, whose memory depends on channels alone."""
    convs = all(isinstance(one.connection.synapses, ConvSynapses) for one in layer.hears.values())
    return convs and target.packing.shared_kernels and target.packing.kind == "list"


def fits_memory(layer: Layer, cuts: Cuts, target: Target) -> bool:
    """Return whether the synapses of every box, its loops apart, fit a core."""
    most, target = target.core.synapse_words, replace(target, packing=replace(target.packing, loops=0))
    return most is None or bool((loads(layer, cuts, target, ["synapse_words"])["synapse_words"] <= most).all())


def _cuts(layer: Layer, parts: tuple[int, ...]) -> Cuts:
    return tuple(even(n, k) for n, k in zip(layer.population.shape, parts, strict=True))


def _rank(layer: Layer, cuts: Cuts) -> tuple[int, int, Cuts]:
    """Return what makes cuts worse: a larger greatest box, then more in-axons over all boxes, which is traffic."""
    found = outer([sizes(bounds) for bounds in cuts])
    wires = [one.wires for one in layer.hears.values() if not isinstance(one.wires, ListedWiring)]
    heard = sum(int(one.heard(cuts).sum()) for one in wires)
    return int(found.max()), heard, cuts
