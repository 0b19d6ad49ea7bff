"""What the model does not know of: optuna's sampler proposes changes of several layers of the best point at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from snncc.compiler.options import WEIGHT_BITS
from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.front import allowed
from snncc.runtime.tuning.outcome import Outcome
from snncc.runtime.tuning.point import Point
from snncc.runtime.tuning.space import LEVELS, SCALES, ZEROS, with_zeros, zeros_of
from snncc.runtime.tuning.trials import Trials

IDLE = 24  # proposals in a row without a better point after which the search ends
DRAWS = 8  # times as many proposals are drawn as wanted: some are known already
HEAVY = 10.0  # weight of a loss beyond what is allowed, in units of it, against a price of 1
WIDTHS = tuple(range(WEIGHT_BITS[0], WEIGHT_BITS[1] + 1))
SHARES = (0.0, *ZEROS)
Shares = Mapping[str, Sequence[float]]


def sample(trials: Trials, shares: Shares, seed: int) -> None:
    """Measure what a tree-structured Parzen estimator proposes, until IDLE proposals in a row were no better.

    Raises:
        Spent: the budget did not last.
    """
    idle = 0
    while idle < IDLE and (start := trials.closest) is not None:
        proposals = _proposals(trials, shares, start[0], seed + len(trials.known))
        if not proposals:
            return
        before = trials.best
        trials.measure(proposals)
        idle = 0 if trials.best != before else idle + len(proposals)


def _proposals(trials: Trials, shares: Shares, start: Point, seed: int) -> list[Point]:
    """Return as many new points as are measured at a time.

    They are drawn from all trials so far and a seed of their own, so that a search that goes on draws what one that was
    never interrupted would.
    """
    import optuna

    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=0, constant_liar=True)
    study = optuna.create_study(direction="minimize", sampler=sampler)
    kinds = _distributions(start)
    study.add_trials(
        optuna.trial.create_trial(params=moves, distributions=dict(kinds), value=_score(trials, outcome, start))
        for point, outcome in trials.known.items()
        if outcome.cost is not None and (moves := _moves_to(start, point)) is not None
    )
    points: dict[Point, None] = {}
    for _ in range(DRAWS * trials.crew.jobs):
        point = _moved(start, study.ask(dict(kinds)).params, shares)
        if point not in trials.known:
            points[point] = None
        if len(points) == trials.crew.jobs:
            break
    return list(points)


def _score(trials: Trials, outcome: Outcome, start: Point) -> float:
    """Return the price over that of the start, and a fine for losing more than allowed."""
    goal, base = trials.goal, trials.known[start]
    price = outcome.objective(goal.minimize) / base.objective(goal.minimize)
    price += 0.01 * outcome.objective("energy") / base.objective("energy")
    if allowed(outcome, goal.max_loss, goal.sure):
        return price
    over = (outcome.high if goal.sure else outcome.loss) - goal.max_loss
    return price + HEAVY * over / max(goal.max_loss, 0.1)


def _distributions(start: Point) -> Mapping[str, Any]:
    """Return the moves of each layer: one step in its levels, zeros and weight bits, or any other scales."""
    from optuna.distributions import CategoricalDistribution, IntDistribution

    steps = {f"{layer}.{what}": IntDistribution(-1, 1) for layer, _ in start.recipes for what in ("q", "z", "w")}
    return steps | {f"{layer}.scales": CategoricalDistribution(SCALES) for layer, _ in start.recipes}


def _moved(start: Point, moves: Mapping[str, Any], shares: Shares) -> Point:
    recipes = []
    for layer, recipe in start.recipes:
        share = _step((0.0, *shares[layer]), zeros_of(recipe.rounding), moves[f"{layer}.z"])
        plain = "nearest" if recipe.rounding == "nearest" else "adaptive"
        changed = Recipe(
            _step(LEVELS, recipe.levels, moves[f"{layer}.q"]),
            _step(WIDTHS, recipe.weight_bits, moves[f"{layer}.w"]),
            moves[f"{layer}.scales"],
            with_zeros(share) if share else plain,
        )
        recipes.append((layer, changed))
    return Point(tuple(recipes))


def _moves_to(start: Point, point: Point) -> dict[str, Any] | None:
    """Return the moves that make a point of the start, None where it lies too far off."""
    found: dict[str, Any] = {}
    for (layer, old), (_, new) in zip(start.recipes, point.recipes, strict=True):
        steps = {
            "q": _apart(LEVELS, old.levels, new.levels),
            "z": _apart(SHARES, zeros_of(old.rounding), zeros_of(new.rounding)),
            "w": new.weight_bits - old.weight_bits,
        }
        if max(map(abs, steps.values())) > 1:
            return None
        found |= {f"{layer}.{what}": step for what, step in steps.items()} | {f"{layer}.scales": new.scales}
    return found


def _step(values: Sequence[Any], value: Any, by: int) -> Any:
    return values[min(len(values) - 1, max(0, _place(values, value) + by))]


def _apart(values: Sequence[Any], old: Any, new: Any) -> int:
    return _place(values, new) - _place(values, old)


def _place(values: Sequence[Any], value: Any) -> int:
    return min(range(len(values)), key=lambda i: abs(values[i] - value))
