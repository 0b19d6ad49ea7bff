"""Single changes of the best point, the most promising first, as long as one of them is good enough and cheaper."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from snncc.runtime.tuning.front import Trial, allowed, price
from snncc.runtime.tuning.model import Choice, Model
from snncc.runtime.tuning.point import Point
from snncc.runtime.tuning.space import LEVELS, SCALES, with_zeros, zeros_of
from snncc.runtime.tuning.trials import Trials

MOST = 20  # changes of single layers that are tried on one point
FIRST = 4  # of those, before changes of all layers
CAPS = 3  # changes that give fewer levels to all layers that have the most


def polish(trials: Trials, model: Model) -> None:
    """Change the best point for the better, until no change tried does.

    Raises:
        Spent: the budget did not last.
    """
    while (best := trials.best) is not None:
        wanted = _ordered(best[0], model)
        size = max(2, trials.crew.jobs)
        batches = (wanted[begin : begin + size] for begin in range(0, len(wanted), size))
        if not any(_better(trials, best, batch) for batch in batches):
            return


def _better(trials: Trials, best: Trial, batch: Sequence[Point]) -> bool:
    """Measure a batch of changes; return whether one of them is better."""
    found = trials.measure(batch)
    goal = trials.goal
    good = [point for point, one in zip(batch, found, strict=True) if allowed(one, goal.max_loss, goal.sure)]
    cheaper = [p for p in good if price(trials.known[p], goal.minimize) < price(best[1], goal.minimize)]
    if len(cheaper) > 1:
        trials.measure([_joined(best[0], cheaper)])
    return bool(cheaper)


def _joined(start: Point, changed: Sequence[Point]) -> Point:
    """Return the point with the changes of several."""
    old = start.by_layer
    made = dict(old)
    for point in changed:
        made |= {layer: recipe for layer, recipe in point.recipes if recipe != old[layer]}
    return Point(tuple(made.items()))


def _ordered(point: Point, model: Model) -> list[Point]:
    """Return changes: of single layers by what they save for what they lose in the model, and of all layers."""
    moves = sorted(_moves(point, model), key=lambda move: -move[0])
    points = [changed for _, changed in moves[:MOST]]
    return [*points[:FIRST], *_caps(point), *_other_scales(point), *points[FIRST:]]


def _moves(point: Point, model: Model) -> Iterator[tuple[float, Point]]:
    """Yield single changes with what each saves over what it loses."""
    choices = {layer: Choice(recipe.levels, zeros_of(recipe.rounding)) for layer, recipe in point.recipes}
    for layer, choice in choices.items():
        lower = max((q for q in LEVELS if q < choice.levels), default=0)
        out = model.caused(layer, choices)
        if lower and out:
            saved = out * (model.sent(layer, choice.levels) - model.sent(layer, lower))
            lost = model.loss_of_levels(layer, lower) - model.loss_of_levels(layer, choice.levels)
            yield saved / max(lost, 1e-12), point.changed(layer, levels=lower)
        more = min((share for share in model.shares[layer] if share > choice.zeros + 1e-9), default=0.0)
        if more:
            saved = model.heard(layer, choices) * (more - choice.zeros)
            lost = model.loss_of_zeros(layer, more) - model.loss_of_zeros(layer, choice.zeros)
            yield saved / max(lost, 1e-12), point.changed(layer, rounding=with_zeros(more))


def _other_scales(point: Point) -> list[Point]:
    """Return the point with other scales throughout."""
    return [Point(tuple((layer, replace(one, scales=scales)) for layer, one in point.recipes)) for scales in SCALES]


def _caps(point: Point) -> list[Point]:
    """Return the point with fewer levels in all layers that have the most: what intervals need."""
    most = max(recipe.levels for _, recipe in point.recipes)
    lower = sorted((q for q in LEVELS if q < most), reverse=True)[:CAPS]
    return [
        Point(tuple((layer, replace(one, levels=min(one.levels, cap))) for layer, one in point.recipes))
        for cap in lower
    ]
