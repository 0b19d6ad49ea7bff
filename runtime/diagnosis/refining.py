"""A closer look at the layers whose levels cost most: is the scale wrong, are levels too few, or channels too unlike?

Clipping and rounding trade against each other through the scale of a level. Where the scale is the one that loses
least, what both lose together is the price of having so few levels, whichever is larger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array
from snncc.compiler.quantize.scales import activation_scale
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.budget import Row, first_output, weight
from snncc.runtime.diagnosis.float_model import FloatModel
from snncc.runtime.diagnosis.local_errors import decibels
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.scoring import Loss, Scorer
from snncc.runtime.diagnosis.switching import isolated
from snncc.runtime.floats import FloatNetwork

SAMPLES = 128
LOOKED_AT = 3  # layers
OFF = 1.5  # scale over the one that loses least, or the other way round, from which it is what is wrong
SMALLER, MOSTLY = 0.9, 2.0  # the same where clipping makes so many times the noise of rounding in the layer
POOR = 10.0  # decibels below the layer by which a channel is shown badly
MAINLY = 0.5  # share of a layer's rounding noise at the output that badly shown channels must make
Poor = tuple[tuple[int, ...], float]  # channels that are shown badly, share of all noise that they make
NONE: Poor = ((), 0.0)


@dataclass(frozen=True)
class Levelling:
    """What is wrong with the levels of a layer.

    Attributes:
        rows: of its clipping and its rounding, the larger first.
        cause: activation clipping, level rounding or channel spread.
        ratio: scale over the one that loses least on the test data.
        alone: what clipping and rounding cost together.
        channels: that are shown badly, where that is the cause.
        spread: share of the noise at the output that they make, as ``Row.share``; all of it is in excess.
    """

    rows: tuple[Row, ...]
    cause: str
    ratio: float
    alone: Loss
    channels: tuple[int, ...] = ()
    spread: float = 0.0

    @property
    def layer(self) -> Layer:
        """Return the layer."""
        return self.rows[0].effect.layer

    @property
    def weight(self) -> float:
        """Return what both rows count."""
        return sum(map(weight, self.rows)) + max(0.0, self.spread - sum(row.excess for row in self.rows))

    @property
    def share(self) -> float:
        """Return the share of both rows."""
        return sum(row.share for row in self.rows)

    @property
    def local_sqnr_db(self) -> float | None:
        """Return the signal-to-quantization-noise ratio of both in the layer."""
        noise = sum(float(row.local.noise.mean()) for row in self.rows)
        return decibels(float(self.rows[0].local.signal.mean()), noise)


def look_closer(model: FloatModel, rows: Sequence[Row], data: Mapping[str, Array], scorer: Scorer) -> list[Levelling]:
    """Return what is wrong with the levels of the layers that lose most by them.

    Args:
        model: the float model.
        rows: of the budget.
        data: float test inputs by name.
        scorer: of outputs on them.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.effect.cause in (causes.CLIPPING, causes.LEVEL_ROUNDING):
            groups.setdefault(row.effect.layer.name, []).append(row)
    picked = sorted(groups.values(), key=lambda group: -sum(map(weight, group)))[:LOOKED_AT]
    samples = len(next(iter(data.values())))
    places = np.unique(np.linspace(0, samples - 1, min(SAMPLES, samples)).astype(np.int64))
    some = {name: array[places] for name, array in data.items()}
    values = _values(model, [group[0].effect.layer.value for group in picked], some) if picked else {}
    found = []
    for group in picked:
        layer = group[0].effect.layer
        ratio = layer.scale / _best(values[layer.value], layer)
        rounding = next((row for row in group if row.effect.rounds), None)
        cuts = ratio < 1 / OFF or (ratio < SMALLER and _mostly_cuts(group))
        poor = NONE if cuts or rounding is None else _badly_shown(model, rounding, some, places, scorer)
        cause = causes.CLIPPING if cuts else causes.CHANNEL_SPREAD if poor[0] else causes.LEVEL_ROUNDING
        both = replace(group[0].effect, clips=True, rounds=True)
        mean = sum((row.local.mean for row in group), np.zeros(()))
        alone = scorer.loss(first_output(isolated(model, both, mean), model, data))
        found.append(Levelling(tuple(sorted(group, key=weight, reverse=True)), cause, ratio, alone, *poor))
    return found


def _mostly_cuts(group: Sequence[Row]) -> bool:
    """Return whether clipping makes much more noise in a layer than rounding."""
    noise = {row.effect.rounds: float(row.local.noise.mean()) for row in group}
    return noise.get(False, 0.0) > MOSTLY * noise.get(True, 0.0)


def _values(model: FloatModel, names: list[str], inputs: Mapping[str, Array]) -> dict[str, Array]:
    editor = model.editor()
    network = FloatNetwork(editor.finish(names))
    batches = list(network.batches(inputs))
    return {name: np.concatenate([batch[name] for batch in batches]) for name in names}


def _best(values: Array, layer: Layer) -> float:
    """Return the scale that loses least on these values with the levels that the layer has."""
    assert layer.levels is not None
    return activation_scale(np.abs(values), layer.levels.magnitude)


def _badly_shown(
    model: FloatModel, row: Row, inputs: Mapping[str, Array], places: npt.NDArray[np.int64], scorer: Scorer
) -> Poor:
    """Return the channels much worse shown than the layer, if they make most of its noise at the output."""
    local = row.local
    with np.errstate(divide="ignore", invalid="ignore"):
        quality = 10 * np.log10(local.signal / local.noise)
    whole = local.sqnr_db
    if whole is None:
        return NONE
    poor = np.isfinite(quality) & (quality < whole - POOR)
    if not poor.any() or poor.all():
        return NONE
    only = replace(row.effect, channels=poor)
    noises = [
        scorer.loss(first_output(isolated(model, effect, local.mean * mask), model, inputs), places).noise
        for effect, mask in ((only, poor), (row.effect, np.ones_like(poor)))
    ]
    if not noises[0] > MAINLY * noises[1] > 0:
        return NONE
    return tuple(np.flatnonzero(poor).tolist()), row.share * min(1.0, noises[0] / noises[1])
