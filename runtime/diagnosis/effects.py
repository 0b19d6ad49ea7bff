"""Single effects of quantization, and the float network with some of them switched on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.targets import Target
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.weight_errors import WeightErrors, weight_errors

Floats = npt.NDArray[np.floating]
Key = tuple[str, str, bool]
COARSER_UNITS, COARSER_LEVELS = "SNN210", "SNN213"


@dataclass(frozen=True, eq=False)
class Effect:
    """One cause of loss in one layer.

    Attributes:
        layer: where.
        cause: a key of ``causes.MEASURED``.
        weights: what it adds to the weights, by weighted sum.
        bias: what it adds to the bias of the layer, None for nothing.
        clips: whether it cuts off what lies beyond the levels.
        rounds: whether it rounds to levels.
        channels: bool [channels], the only ones where it clips or rounds; None for all.
    """

    layer: Layer
    cause: str
    weights: Mapping[str, Floats] = field(default_factory=dict)
    bias: Floats | None = None
    clips: bool = False
    rounds: bool = False
    channels: npt.NDArray[np.bool_] | None = None

    @property
    def key(self) -> Key:
        """Return layer, cause, and whether it rounds to levels: weights and levels of a layer may both be repaired."""
        return self.layer.name, self.cause, self.rounds


@dataclass(frozen=True)
class Repairs:
    """Names of the layers whose units, and of those whose levels, the range proof made coarser."""

    units: frozenset[str] = frozenset()
    levels: frozenset[str] = frozenset()


def noted_repairs(notes: Sequence[Diagnostic], layers: Sequence[Layer]) -> Repairs:
    """Return which layers the compiler noted that the range proof made coarser.

    Args:
        notes: of the compilation.
        layers: all layers of the network; a note stands where its layer does in the user's model.
    """
    noted = {(note.code, note.loc) for note in notes}
    units = (layer.name for layer in layers if (COARSER_UNITS, layer.loc) in noted)
    levels = (layer.name for layer in layers if (COARSER_LEVELS, layer.loc) in noted)
    return Repairs(frozenset(units), frozenset(levels))


def effects_of(
    layers: Sequence[Layer], weight_bits: Callable[[str], int], target: Target, repairs: Repairs
) -> tuple[Effect, ...]:
    """Return all effects of a network in data-flow order.

    Args:
        layers: all layers of the network.
        weight_bits: width of the weights of a layer, by its name.
        target: the chip it was quantized for.
        repairs: what the range proof made coarser: rounding to such levels or units is its repair.
    """
    return tuple(effect for layer in layers for effect in _effects(layer, layers, weight_bits, target, repairs))


def _effects(
    layer: Layer, layers: Sequence[Layer], weight_bits: Callable[[str], int], target: Target, repairs: Repairs
) -> Iterator[Effect]:
    if layer.kind == "input":
        yield Effect(layer, causes.INPUT_CLIPPING, clips=True)
        yield Effect(layer, causes.INPUT_ROUNDING, rounds=True)
        return
    if layer.kind == "average":
        if layer.theta > 1:
            yield Effect(layer, causes.POOL_ROUNDING, clips=True, rounds=True)
        return
    noted = layer.name in repairs.units
    yield from _charged(layer, weight_errors(layer, layers, weight_bits(layer.name), target, noted))
    if layer.levels is not None:
        yield Effect(layer, causes.CLIPPING, clips=True)
        rounding = causes.RANGE_REPAIR if layer.name in repairs.levels else causes.LEVEL_ROUNDING
        yield Effect(layer, rounding, rounds=True)


def _charged(layer: Layer, errors: WeightErrors) -> Iterator[Effect]:
    parts = {
        causes.WEIGHT_ROUNDING: errors.rounding,
        causes.UNIT_ROUNDING: errors.units,
        causes.RANGE_REPAIR: errors.repair,
    }
    for cause, weights in parts.items():
        if any(array.any() for array in weights.values()):
            yield Effect(layer, cause, weights)
    if errors.bias.any():
        yield Effect(layer, causes.BIAS_ROUNDING, bias=errors.bias)
