"""Integer weights, thresholds and biases of one layer, in one unit a channel.

    U_c = s_out / theta_c,  theta_c = 2^k_c,  w^e_int = 2^x round(w^e s_e / (2^x U_c)),  b_int = round(b / U_c)

The weight scale is chosen so that theta is a power of two; theta is never rounded afterwards. x = x_ec >= 0 is the
exponent of an edge's channel: edges of very different size meet in one unit, which is fine enough for the smallest, and
the larger ones keep their mantissas by an exponent (an identity skip beside small convolution weights).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.quantize.ranges import bounds, fits
from snncc.compiler.targets import Target

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating]
EXTRA = 2  # exponents tried beyond the one that holds the largest weight; they clip it and keep finer steps
NEGLIGIBLE = 2.0**-10  # share of a level; a channel whose sources cannot move it by so much has no weights
HEARD = 0.5  # level; a layer that can be moved by so much must keep a weight
SPREAD = 8  # bits by which the unit may be finer than what a channel's largest edge alone would take
MOST_FAN_IN = 2.0**20  # weights so small that no more of them could be heard are zeros
MOST_EXPONENT = 40  # keeps theta Q within 64 bits, far beyond any state
MOST_BIAS = 2.0**62  # the same for biases; none of this size fits a state


@dataclass(frozen=True)
class Edge:
    """A float edge of a layer: weights [channels, ...], the real value of one source level, the source's levels."""

    weight: Floats
    scale: float
    levels: Levels


@dataclass(frozen=True)
class IntegerLayer:
    """A layer in integers.

    Attributes:
        weights: one int64 array an edge, of the shape of the float weights.
        bias: int64, of the shape of the float bias.
        theta: int64 [channels]; ones for a readout.
        unit: float64 [channels], the real value of one unit of charge.
        halvings: int64 [channels], bits of weight precision given up so that every state fits; -1 where giving up
            all of them was not enough.
        steps: int64 [edges, channels], by what an edge's weights are multiples, powers of two.
        mosts: greatest |weight| of an edge, in its steps.
        coarsening: how many times coarser a level had to become than asked, a power of two.
    """

    weights: tuple[Ints, ...]
    bias: Ints
    theta: Ints
    unit: npt.NDArray[np.float64]
    halvings: Ints
    steps: Ints
    mosts: tuple[int, ...]
    coarsening: int = 1


def firing_layer(
    edges: Sequence[Edge], bias: Floats, scale: float, levels: Levels, weight_bits: int, target: Target
) -> IntegerLayer:
    """Return the integer layer with the finest per-channel unit that the weights and the range proof allow.

    Where not even theta = 1 fits, levels are made coarser, by powers of two: fewer of them are then reached, but at
    least one, else the layer counts as one that does not fit.

    Args:
        edges: float edges.
        bias: float bias, [channels] or [channels, ...].
        scale: s_out, the real value of one level.
        levels: levels of the layer.
        weight_bits: width of a weight, sign included.
        target: gives the widths of states.
    """
    heard = _reach(edges, scale) >= HEARD
    for doublings in range(levels.hi.bit_length()):
        layer = _fitted(edges, bias, scale * 2.0**doublings, levels, weight_bits, target)
        if not any(weight.any() for weight in layer.weights):
            layer = replace(layer, halvings=np.where(heard, -1, layer.halvings))
        if (layer.halvings >= 0).all():
            break
    return replace(layer, coarsening=1 << doublings)


def _fitted(
    edges: Sequence[Edge], bias: Floats, scale: float, levels: Levels, weight_bits: int, target: Target
) -> IntegerLayer:
    own = _exponents(edges, scale, weight_bits)
    best = own.max(axis=0)
    exponents = best.copy()
    while True:
        shifts = _shifts(edges, own, exponents, weight_bits)
        layer = _build(edges, bias, scale / np.exp2(exponents), np.int64(1) << exponents, weight_bits, shifts)
        reach = bounds((w, e.levels) for w, e in zip(layer.weights, edges, strict=True))
        tight = ~fits(reach, layer.bias, layer.theta, levels, target)
        if not (tight & (exponents > 0)).any():
            return replace(layer, halvings=np.where(tight, -1, best - exponents).astype(np.int64))
        exponents = exponents - (tight & (exponents > 0))


def reading_layer(edges: Sequence[Edge], bias: Floats, weight_bits: int, target: Target) -> IntegerLayer:
    """Return the integer readout: one unit for all channels, the finest that weights and range proof allow.

    The unit is doubled only while the largest weight of the finest edge stays above one unit.
    """
    channels = len(edges[0].weight)
    sizes = np.array([float(np.abs(e.weight).max(initial=0)) * e.scale for e in edges])
    smallest = sizes[sizes >= sizes.max() / np.exp2(SPREAD)].min() or 1.0
    own = np.floor(np.log2(smallest / np.maximum(sizes, smallest)))  # 0 for the finest edge, below it for larger ones
    for halvings in range(weight_bits - 1):
        unit = np.full(channels, smallest / _most(weight_bits) * 2.0**halvings)
        shifts = np.maximum(-own[:, None] - halvings, 0).repeat(channels, axis=1).astype(np.int64)
        layer = _build(edges, bias, unit, np.ones(channels, dtype=np.int64), weight_bits, shifts)
        reach = bounds((w, e.levels) for w, e in zip(layer.weights, edges, strict=True))
        fit = fits(reach, layer.bias, layer.theta, Levels(0, 1), target)
        if fit.all():
            break
    return replace(layer, halvings=np.where(fit, halvings, -1).astype(np.int64))


def _exponents(edges: Sequence[Edge], scale: float, weight_bits: int) -> Ints:
    """Return k per edge and channel, within SPREAD of the channel's coarsest edge."""
    heard = _reach(edges, scale) >= NEGLIGIBLE
    own = np.array([_exponent(edge, scale, weight_bits) for edge in edges])
    counts = heard & (own >= 0)
    coarsest = np.where(counts, own, MOST_EXPONENT).min(axis=0)
    return np.where(counts, np.minimum(own, coarsest + SPREAD), 0).astype(np.int64)


def _exponent(edge: Edge, scale: float, weight_bits: int) -> npt.NDArray[np.float64]:
    """Return k per channel: the candidate that loses least in the weights, -1 where they are as good as zeros."""
    most = _most(weight_bits)
    flat = edge.weight.reshape(len(edge.weight), -1).astype(np.float64) * (edge.scale / scale)
    largest = np.abs(flat).max(axis=1, initial=0)
    moves = largest * edge.levels.magnitude > NEGLIGIBLE / MOST_FAN_IN
    first = np.maximum(np.floor(np.log2(most / np.where(moves, largest, most))), 0)
    candidates = first[None] + np.arange(EXTRA + 1)[:, None]
    losses = []
    for k in candidates:
        steps = flat * np.exp2(k)[:, None]
        held = np.clip(np.rint(steps), -most, most) / np.exp2(k)[:, None]
        losses.append(((held - flat) ** 2).sum(axis=1))
    chosen = candidates[np.argmin(np.array(losses), axis=0), np.arange(len(flat))]
    return np.where(moves, np.minimum(chosen, MOST_EXPONENT), -1)


def _shifts(edges: Sequence[Edge], own: Ints, exponents: Ints, weight_bits: int) -> Ints:
    """Return x per edge and channel: what the channel's unit is finer than the edge's own."""
    return np.array(
        [_shared(edge, row, weight_bits) for edge, row in zip(edges, np.maximum(exponents - own, 0), strict=True)]
    )


def _shared(edge: Edge, shift: Ints, weight_bits: int) -> Ints:
    """Return the exponents of an edge, less where it takes a second mantissa."""
    second = weight_bits - 1 if _takes_two(edge, weight_bits) else 0
    return np.maximum(shift - second, 0)


def _takes_two(edge: Edge, weight_bits: int) -> bool:
    """Return whether an edge of one synapse a neuron needs more digits than a mantissa has for its largest level."""
    return edge.weight[0].size == 1 and edge.levels.magnitude > 1 << (weight_bits - 2)


def _reach(edges: Sequence[Edge], scale: float) -> npt.NDArray[np.float64]:
    """Return per channel by how many levels its sources can move a charge."""
    reach = np.zeros(len(edges[0].weight))
    for edge in edges:
        flat = np.abs(edge.weight.reshape(len(reach), -1)).sum(axis=1, dtype=np.float64)
        reach += flat * edge.levels.magnitude * edge.scale / scale
    return reach


def _build(
    edges: Sequence[Edge], bias: Floats, unit: npt.NDArray[np.float64], theta: Ints, weight_bits: int, shifts: Ints
) -> IntegerLayer:
    weights = []
    widths = [
        2 * weight_bits - 1 if len(edges) > 1 and _takes_two(edge, weight_bits) else weight_bits for edge in edges
    ]
    mosts = tuple(_most(width) for width in widths)
    for edge, shift, most in zip(edges, shifts, mosts, strict=True):
        column = _column(unit * np.exp2(shift), edge.weight)
        steps = np.clip(np.rint(edge.weight.astype(np.float64) * edge.scale / column), -most, most)
        weights.append(steps.astype(np.int64) << _column(shift, edge.weight))
    rounded = np.rint(np.asarray(bias, dtype=np.float64) / _column(unit, bias))
    rounded = np.clip(rounded, -MOST_BIAS, MOST_BIAS).astype(np.int64)
    given_up = np.zeros(len(unit), dtype=np.int64)
    return IntegerLayer(tuple(weights), rounded, np.asarray(theta), unit, given_up, np.int64(1) << shifts, mosts)


def _most(weight_bits: int) -> int:
    return (1 << (weight_bits - 1)) - 1


def _column(unit: npt.NDArray[Any], like: Floats) -> npt.NDArray[Any]:
    return unit.reshape(-1, *(1,) * (like.ndim - 1))
