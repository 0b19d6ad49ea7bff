"""The first sweep: one recipe for all layers, from the default outwards."""

from __future__ import annotations

from collections.abc import Sequence

from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.front import allowed
from snncc.runtime.tuning.point import Point, uniform
from snncc.runtime.tuning.space import SCALES, with_zeros
from snncc.runtime.tuning.trials import Trials

SWEPT_LEVELS = (31, 7, 5, 3, 63, 2, 1)
SWEPT_WIDTHS = (6, 5, 4)
SWEPT_ZEROS = ((15, 0.3), (31, 0.5), (15, 0.5))
BASES = (15, 31, 63, 127, 255)
ROOM = 0.1  # share of the drift that can be afforded which the base of per-layer choices may use up


def sweep(trials: Trials, layers: Sequence[str]) -> Point:
    """Measure the default, then other levels, weight bits, roundings and scales of it; return where to go on.

    Raises:
        Spent: the budget did not last.
    """
    trials.measure([uniform(layers, Recipe())])
    trials.measure(uniform(layers, Recipe(levels=levels)) for levels in SWEPT_LEVELS)
    shares = [Recipe(levels=levels, rounding=with_zeros(share)) for levels, share in SWEPT_ZEROS]
    trials.measure(uniform(layers, recipe) for recipe in shares)
    trials.measure(uniform(layers, Recipe(weight_bits=width)) for width in SWEPT_WIDTHS)
    scales = _best(trials, layers, [Recipe(levels=7, scales=scales) for scales in SCALES]).scales
    roundings = [Recipe(levels=31, rounding=rounding) for rounding in ("nearest", "adaptive")]
    rounding = _best(trials, layers, roundings).rounding
    return _base(trials, layers, scales, rounding)


def _best(trials: Trials, layers: Sequence[str], recipes: Sequence[Recipe]) -> Recipe:
    """Return the recipe that drifts least."""
    found = trials.measure(uniform(layers, recipe) for recipe in recipes)
    return min(zip(found, recipes, strict=True), key=lambda pair: pair[0].drift)[1]


def _base(trials: Trials, layers: Sequence[str], scales: str, rounding: str) -> Point:
    """Return the point with the fewest levels that uses up little of the drift allowed, or else drifts least."""
    goal = trials.goal
    good = [one.drift for one in trials.known.values() if allowed(one, goal.max_loss, goal.sure)]
    limit = ROOM * max(good, default=0.0)
    points = [uniform(layers, Recipe(levels=q, scales=scales, rounding=rounding)) for q in BASES]
    for point in points:
        (outcome,) = trials.measure([point])
        if outcome.drift <= limit:
            return point
    return min(points, key=lambda point: trials.known[point].drift)
