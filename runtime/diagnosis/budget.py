"""The loss budget: every effect alone, then all of them added up in data-flow order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.effects import Effect, Key
from snncc.runtime.diagnosis.float_model import FloatModel
from snncc.runtime.diagnosis.local_errors import LocalError, local_errors
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.scoring import Loss, Scorer
from snncc.runtime.diagnosis.switching import isolated, switched_on
from snncc.runtime.floats import FloatNetwork

Floats = npt.NDArray[np.floating]
Progress = Callable[[str, int, int], None]
SCREENED = 128  # samples on which every effect runs alone
ENOUGH = 0.005  # share of the noise from which an effect runs on all samples
AT_LEAST = 8  # effects that run on all samples in any case
ORDINARY = 3.0  # decibels by which layers differ without anything being wrong
USUAL = 0.25  # weight of a share that the same cause has in all layers
LEARNED = 256  # calibration samples on which errors of layers are measured


@dataclass(frozen=True)
class Row:
    """One effect in the budget.

    Attributes:
        effect: layer and cause.
        local: its error in its own layer.
        alone: what it costs alone; on few samples where it is small.
        full: whether it ran on all samples.
        share: of the noise at the output that all effects make, each alone, 0..1.
        cumulative: what it costs together with all effects before it in data-flow order.
        excess: the part of ``share`` that would go if it were no worse in its layer than the same cause in others.
        chosen: whether the layer was given less than others by an option of its own.
    """

    effect: Effect
    local: LocalError
    alone: Loss
    full: bool
    share: float
    cumulative: Loss
    excess: float
    chosen: bool


def weight(row: Row) -> float:
    """Return what a row counts: above all what it makes worse than the same cause does elsewhere."""
    return row.excess + (USUAL + row.chosen) * row.share


@dataclass(frozen=True)
class Budget:
    """All rows in data-flow order, and how many of them ran on few samples only."""

    rows: tuple[Row, ...]
    screened: int
    samples: int


def measure(
    model: FloatModel,
    layers: Sequence[Layer],
    effects: Sequence[Effect],
    data: Mapping[str, Array],
    calibration: Mapping[str, Array],
    scorer: Scorer,
    chosen: Callable[[str, str], bool],
    progress: Progress,
) -> Budget:
    """Return the budget.

    Args:
        model: the float model.
        layers: all layers.
        effects: all effects, in data-flow order.
        data: float inputs by name on which losses are measured.
        calibration: float inputs by name on which the mean errors are measured that the compiler corrects.
        scorer: compares outputs on ``data``.
        chosen: whether a layer, by its name, was given less than others against a cause.
        progress: called with what is being done, how much is done, and the whole.
    """
    some = {name: array[:LEARNED] for name, array in calibration.items()}
    local = local_errors(model, effects, some, lambda done, total: progress("errors of layers", done, total))
    means = [local[effect.key].mean for effect in effects]
    screened = _alone(model, effects, means, data, scorer, lambda done: progress("effects alone", done, len(effects)))
    shares = _shares(screened)
    matters = _matters(shares)
    large = [place for place, more in enumerate(matters) if more]
    again = _alone(
        model,
        [effects[place] for place in large],
        [means[place] for place in large],
        data,
        scorer,
        lambda done: progress("larger effects alone, on all samples", done, len(large)),
        few=False,
    )
    alone = {**dict(enumerate(screened)), **dict(zip(large, again, strict=True))}
    together = _cumulative(model, layers, effects, matters, data, scorer, progress)
    excess = _excess(effects, local, shares)
    rows = (
        Row(e, local[e.key], alone[n], matters[n], shares[n], together[n], excess[n], chosen(e.layer.name, e.cause))
        for n, e in enumerate(effects)
    )
    return Budget(tuple(rows), len(matters) - len(large), len(next(iter(data.values()))))


def _alone(
    model: FloatModel,
    effects: Sequence[Effect],
    means: Sequence[Floats],
    data: Mapping[str, Array],
    scorer: Scorer,
    done: Callable[[int], None],
    few: bool = True,
) -> list[Loss]:
    """Return the loss of each effect alone, on a few evenly spread samples or on all."""
    samples = len(next(iter(data.values())))
    rows = np.unique(np.linspace(0, samples - 1, min(SCREENED, samples) if few else samples).astype(np.int64))
    some = {name: array[rows] for name, array in data.items()}
    losses: list[Loss] = []
    for effect, mean in zip(effects, means, strict=True):
        losses.append(scorer.loss(first_output(isolated(model, effect, mean), model, some), rows))
        done(len(losses))
    return losses


def first_output(model: bytes, like: FloatModel, inputs: Mapping[str, Array]) -> Floats:
    """Return the first output of a model on all samples."""
    name = like.outputs[0]
    return np.concatenate([batch[name] for batch in FloatNetwork(model).batches(inputs)])


def _shares(losses: Sequence[Loss]) -> list[float]:
    noises = np.array([loss.noise if np.isfinite(loss.noise) else np.finfo(np.float32).max for loss in losses])
    total = float(noises.sum())
    return [float(noise) / total if total else 0.0 for noise in noises]


def _matters(shares: Sequence[float]) -> list[bool]:
    order = np.argsort(shares)[::-1][:AT_LEAST]
    return [share >= ENOUGH or place in order for place, share in enumerate(shares)]


def _cumulative(
    model: FloatModel,
    layers: Sequence[Layer],
    effects: Sequence[Effect],
    matters: Sequence[bool],
    data: Mapping[str, Array],
    scorer: Scorer,
    progress: Progress,
) -> list[Loss]:
    """Return the loss after each effect; small ones are run together with the next larger one."""
    stops = [place for place, more in enumerate(matters) if more or place == len(effects) - 1]
    losses: list[Loss] = []
    for count, stop in enumerate(stops):
        loss = scorer.loss(first_output(switched_on(model, layers, effects[: stop + 1]), model, data))
        losses += [loss] * (stop + 1 - len(losses))
        progress("effects added up", count + 1, len(stops))
    return losses


def _excess(effects: Sequence[Effect], local: Mapping[Key, LocalError], shares: Sequence[float]) -> list[float]:
    """Return the part of each share that would go if the layer were as good as the median of the others.

    No layer needs a repair, so all of what one makes is in excess.
    """
    found = []
    for effect, share in zip(effects, shares, strict=True):
        if effect.cause == causes.RANGE_REPAIR:
            found.append(share)
            continue
        mine = local[effect.key].sqnr_db
        peers = [local[o.key].sqnr_db for o in effects if o.cause == effect.cause and o is not effect]
        known = [peer for peer in peers if peer is not None]
        gap = max(0.0, float(np.median(known)) - mine - ORDINARY) if known and mine is not None else 0.0
        found.append(share * (1 - 10 ** (-gap / 10)))
    return found
