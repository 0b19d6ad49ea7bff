from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.front import allowed, chosen, pareto_front, price
from snncc.runtime.tuning.outcome import Cost, Outcome, refusal
from snncc.runtime.tuning.point import uniform

POINTS = [uniform(["a"], Recipe(levels=levels)) for levels in range(1, 41)]


def outcome(loss: int, energy: int, interval: int) -> Outcome:
    return Outcome(loss, loss - 1, loss + 1, 0.0, Cost("graded", 5, interval, energy, 1, energy))


OUTCOMES = st.lists(
    st.one_of(
        st.builds(outcome, st.integers(-2, 6), st.integers(1, 8), st.integers(1, 3)), st.just(refusal("SNN201", 0.0))
    ),
    max_size=len(POINTS),
)


def beats(one: Outcome, other: Outcome, minimize: str) -> bool:
    mine, theirs = (one.loss, price(one, minimize)), (other.loss, price(other, minimize))
    return mine[0] <= theirs[0] and mine[1] <= theirs[1] and mine != theirs


@given(OUTCOMES, st.sampled_from(["energy", "interval"]))
def test_the_front_holds_what_nothing_beats_and_nothing_else(outcomes: list[Outcome], minimize: str) -> None:
    trials = list(zip(POINTS, outcomes, strict=False))
    front = pareto_front(trials, minimize)
    compiled = [trial for trial in trials if trial[1].cost is not None]
    for trial in front:
        assert not any(beats(other[1], trial[1], minimize) for other in compiled)
    for trial in compiled:
        kept = any((f[1].loss, price(f[1], minimize)) == (trial[1].loss, price(trial[1], minimize)) for f in front)
        assert kept or any(beats(other[1], trial[1], minimize) for other in front)
    assert [t[1].loss for t in front] == sorted({t[1].loss for t in front})


@given(OUTCOMES, st.booleans())
def test_the_chosen_trial_is_allowed_and_none_that_is_costs_less(outcomes: list[Outcome], sure: bool) -> None:
    trials = list(zip(POINTS, outcomes, strict=False))
    best = chosen(trials, "energy", 2.0, sure)
    good = [one for _, one in trials if one.cost is not None and (one.high if sure else one.loss) <= 2]
    assert (best is None) == (not good)
    if best is not None:
        assert allowed(best[1], 2.0, sure)
        assert best[1].objective("energy") == min(one.objective("energy") for one in good)
