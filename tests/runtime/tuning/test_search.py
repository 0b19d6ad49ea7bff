"""The search on a made-up network: measuring costs nothing, and the best choice is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.front import Trial
from snncc.runtime.tuning.outcome import Cost, Outcome, refusal
from snncc.runtime.tuning.point import Point, uniform
from snncc.runtime.tuning.search import search
from snncc.runtime.tuning.space import ZEROS, zeros_of
from snncc.runtime.tuning.study import Study, quiet
from snncc.runtime.tuning.trials import Budget, Goal, Trials

LAYERS = ("a", "b", "c")
SHARES = {"a": ZEROS, "b": ZEROS, "c": ZEROS[:10]}
WORTH = {"a": 8.0, "b": 1.0, "c": 1.0}  # synaptic events, in thousands
TENDER = {"a": 1.0, "b": 30.0, "c": 1.0}  # how much layers lose


def measured(point: Point) -> Outcome:
    recipes = point.by_layer
    if any(recipe.weight_bits < 3 for recipe in recipes.values()):
        return refusal("SNN201", 0.0)
    edges, drift = {}, 0.0
    for name, recipe in recipes.items():
        zeros = zeros_of(recipe.rounding)
        edges[f"x>{name}"] = 1000 * WORTH[name] * (1 - zeros) * (1 - 0.5 / recipe.levels)
        rough = 1 / recipe.levels**2 + (zeros / (1 - zeros)) ** 2 / 100 + 4.0**-recipe.weight_bits
        drift += 0.01 * TENDER[name] * rough * (1.1 if recipe.rounding == "nearest" else 1.0)
    events = sum(edges.values())
    cost = Cost("graded", 4, 1, events, 10, 23.6 * events + 810, edges)
    return Outcome(round(200 * drift, 1), 0.0, 400 * drift, drift, cost)


class Crew:
    """Measures by formula, and counts."""

    def __init__(self, jobs: int = 1) -> None:
        self.jobs, self.count = jobs, 0

    def measure(self, points: Sequence[Point]) -> Iterator[Trial]:
        for point in points:
            self.count += 1
            yield point, measured(point)


def searched(study: Study, trials: int | None, jobs: int = 1, max_loss: float = 1.0) -> tuple[Trials, bool]:
    goal = Goal("energy", max_loss)
    held = Trials(study, Crew(jobs), goal, Budget(trials), lambda count, best: None)  # type: ignore[arg-type]
    return held, search(held, SHARES, 7, lambda name: None)


@pytest.fixture
def study() -> Study:
    quiet()
    return Study(None, LAYERS)


def test_it_finds_more_than_one_recipe_throughout_can_give(study: Study) -> None:
    trials, complete = searched(study, None)
    assert complete
    assert trials.best is not None
    every = [
        uniform(LAYERS, Recipe(levels=q, rounding=f"adaptive:{share:g}" if share else "adaptive"))
        for q in (1, 2, 3, 5, 7, 15, 31, 63)
        for share in (0.0, *ZEROS)
    ]
    good = [one for one in map(measured, every) if one.loss <= 1]
    assert trials.best[1].loss <= 1
    assert trials.best[1].objective("energy") < 0.75 * min(one.objective("energy") for one in good)
    assert trials.best[1].objective("energy") < 0.5 * measured(uniform(LAYERS, Recipe())).objective("energy")
    assert max(zeros_of(recipe.rounding) for recipe in trials.best[0].by_layer.values()) > 0.5
    assert zeros_of(trials.best[0].by_layer["c"].rounding) <= 0.5


def test_no_point_is_measured_twice_and_all_are_kept(study: Study) -> None:
    trials, _ = searched(study, 50)
    assert isinstance(trials.crew, Crew)
    assert trials.crew.count == len(trials.known) == 50
    assert list(study.trials()) == list(trials.known.items())


def test_the_same_seed_gives_the_same_trials(study: Study) -> None:
    first, second = searched(study, 60)[0], searched(Study(None, LAYERS), 60)[0]
    assert list(first.known.items()) == list(second.known.items())


@pytest.mark.parametrize("stopped", [9, 40])
def test_a_search_that_goes_on_measures_what_one_that_was_never_stopped_would(study: Study, stopped: int) -> None:
    searched(study, stopped)
    resumed, _ = searched(study, 60)
    whole, _ = searched(Study(None, LAYERS), 60)
    assert resumed.resumed == stopped
    assert list(resumed.known.items()) == list(whole.known.items())


def test_workers_that_measure_in_parallel_find_as_good_a_point(study: Study) -> None:
    one, four = searched(study, 70)[0].best, searched(Study(None, LAYERS), 70, jobs=4)[0].best
    assert one is not None
    assert four is not None
    assert four[1].objective("energy") <= 1.1 * one[1].objective("energy")


def test_a_goal_out_of_reach_ends_the_search(study: Study) -> None:
    trials, _ = searched(study, 50, max_loss=-1.0)
    assert trials.best is None
    assert trials.closest is not None
