"""What integer weights and biases of a layer lose, taken apart: rounding, units shared, repairs of the range proof.

    rounding   each edge by itself in the best unit of each of its channels
    units      all edges of a channel in one unit; a readout's channels in one unit
    repair     what the range proof made of that, where it made the unit of a channel coarser

The three add up to the difference of integer and float weights. The first two are found by quantizing the float
weights anew, with states of 62 bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.compiler.quantize.weights import Edge, IntegerLayer, firing_layer, reading_layer
from snncc.compiler.targets import Target
from snncc.runtime.diagnosis.pairing import Layer, by_source, source_scales

Floats = npt.NDArray[np.floating]
WIDE = 62  # bits of a state that no repair is made for
SAME = 1.5  # units differ by powers of two


@dataclass(frozen=True)
class WeightErrors:
    """Integer minus float weights in real units, by weighted sum, and so for the bias.

    Attributes:
        rounding: by weighted sum, of the shape of its weights.
        units: the same.
        repair: the same.
        repaired: bool [channels], which the range proof made coarser.
        bias: real values that rounding adds to the bias of the layer.
    """

    rounding: dict[str, Floats]
    units: dict[str, Floats]
    repair: dict[str, Floats]
    repaired: npt.NDArray[np.bool_]
    bias: Floats


def weight_errors(
    layer: Layer, layers: Sequence[Layer], weight_bits: int, target: Target, noted: bool = True
) -> WeightErrors:
    """Return the errors of a layer with weighted sums.

    Args:
        layer: one of ``layers``.
        layers: all layers of the network.
        weight_bits: width of the layer's weights.
        target: the chip it was quantized for.
        noted: whether the compiler noted that it repaired the layer; else a coarser unit was its choice.
    """
    wide = replace(target, state_bits=WIDE, accumulator_bits=WIDE)
    edges, owners = _edges(layer, layers)
    alone = [_alone(layer, edge, weight_bits, wide) for edge in edges]
    together = _together(layer, edges, weight_bits, wide)
    joint = _real(together, edges)
    repaired = (layer.unit > SAME * together.unit) & noted
    found = WeightErrors({}, {}, {}, repaired, _bias_rounding(layer))
    for one in layer.sums:
        mine = [i for i, owner in enumerate(owners) if owner == one.name]
        best, shared = (sum((part[i] for i in mine), np.zeros(one.weight.shape)) for part in (alone, joint))
        actual = one.integer * _column(layer.unit, one.weight) / source_scales(one, layers)
        coarser = _column(repaired, one.weight)
        found.units[one.name] = shared - best
        found.repair[one.name] = np.where(coarser, actual - shared, 0.0)
        found.rounding[one.name] = np.where(coarser, best - one.weight, actual - one.weight - (shared - best))
    return found


def _edges(layer: Layer, layers: Sequence[Layer]) -> tuple[list[Edge], list[str]]:
    """Return the edges of a layer, one for each source of each weighted sum, and the sum each belongs to."""
    edges, owners = [], []
    for one in layer.sums:
        for number, weight in by_source(one).items():
            levels = layers[number].levels
            assert levels is not None  # a readout is no source
            edges.append(Edge(weight, layers[number].scale, levels))
            owners.append(one.name)
    return edges, owners


def _alone(layer: Layer, edge: Edge, weight_bits: int, wide: Target) -> Floats:
    """Return the weights of an edge in the best units it can have."""
    if layer.levels is None:
        flat = np.abs(edge.weight).reshape(len(edge.weight), -1).max(axis=1)
        step = _column(np.where(flat > 0, flat, 1.0) / ((1 << (weight_bits - 1)) - 1), edge.weight)
        return np.rint(edge.weight / step) * step
    zero = np.zeros(len(edge.weight))
    made = firing_layer([edge], zero, layer.scale, layer.levels, weight_bits, wide)
    return _real(made, [edge])[0]


def _together(layer: Layer, edges: list[Edge], weight_bits: int, wide: Target) -> IntegerLayer:
    zero = np.zeros(len(edges[0].weight))
    if layer.levels is None:
        return reading_layer(edges, zero, weight_bits, wide)
    return firing_layer(edges, zero, layer.scale, layer.levels, weight_bits, wide)


def _real(made: IntegerLayer, edges: list[Edge]) -> list[Floats]:
    return [w * _column(made.unit, w) / edge.scale for w, edge in zip(made.weights, edges, strict=True)]


def _bias_rounding(layer: Layer) -> Floats:
    """Return what rounding adds to the bias.

    The compiler rounds the float bias plus a correction that it does not keep; modelled by the rounding of the float
    bias alone, in the same unit.
    """
    total = float_bias(layer)
    unit = _column(layer.unit, total)
    rounding: Floats = np.rint(total / unit) * unit - total
    return rounding


def bias_correction(layer: Layer) -> Floats:
    """Return the bias that the integers stand for, less the float one."""
    assert layer.bias is not None
    integer, real = layer.bias * _column(layer.unit, layer.bias), float_bias(layer)
    rank = max(integer.ndim, real.ndim)
    integer, real = (array.reshape(array.shape + (1,) * (rank - array.ndim)) for array in (integer, real))
    found: Floats = integer - real
    return found


def float_bias(layer: Layer) -> Floats:
    """Return the sum of the float biases of a layer, [channels] unless one of them is for each position."""
    total: Floats = np.zeros(len(layer.sums[0].weight))
    for one in layer.sums:
        if one.bias is None:
            continue
        bias = one.bias
        rank = max(bias.ndim, total.ndim)
        total = total.reshape(total.shape + (1,) * (rank - total.ndim))
        total = total + bias.reshape(bias.shape + (1,) * (rank - bias.ndim))
    return total


def _column(values: npt.NDArray[Any], like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return values.reshape(-1, *(1,) * (like.ndim - 1))
