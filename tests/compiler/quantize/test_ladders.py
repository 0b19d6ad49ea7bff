"""A ladder's levels are those of its curve, charge for charge."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.coding import Levels
from snncc.compiler.ir.curve import CURVES, Curve
from snncc.compiler.quantize.ladders import Steps, extent, ladder

GIVEN = {"alpha": 0.3, "beta": 1.5, "low": -0.7, "high": 1.2}


def curve(kind: str) -> Curve:
    return Curve(kind, tuple(GIVEN[name] for name in CURVES[kind][0]))


@settings(max_examples=80)
@given(
    kind=st.sampled_from(sorted(CURVES)),
    scale=st.floats(0.02, 0.6),
    q=st.sampled_from([1, 3, 15, 60]),
    unit=st.floats(0.002, 0.2),
)
def test_levels_are_the_rounded_curve_at_every_charge(kind: str, scale: float, q: int, unit: float) -> None:
    op, units = curve(kind), np.array([unit, unit / 3])
    slope = np.array([0.25, -0.4]) if kind == "prelu" else None
    levels = Levels(-q, q)
    reach = np.array([-700, -900]), np.array([800, 650])
    steps = ladder(op, units, scale, levels, reach, slope)
    charges = np.arange(-1000, 1001)
    found = steps.levels(np.stack([charges, charges]).astype(float)[None])[0]
    for channel in range(2):
        inside = (charges >= reach[0][channel]) & (charges <= reach[1][channel])
        real = op(charges * units[channel], None if slope is None else slope[channel])
        wanted = np.clip(np.floor(real / scale + 0.5), -q, q)
        turn = np.abs(real - np.nanmin(real)) < 1e-3 * scale  # where a curve that falls first lies flat
        assert (found[channel] == wanted)[inside & ~turn].all()
        assert np.abs(found[channel] - wanted)[inside].max() <= 1


def check_steps(steps: Steps) -> None:
    assert (np.diff(steps.thresholds, axis=1) >= 0).all()
    assert np.isin(steps.steps, (1, -1)).all()


@pytest.mark.parametrize("kind", sorted(CURVES))
def test_thresholds_do_not_fall_and_lie_within_reach(kind: str) -> None:
    slope = np.array([0.1]) if kind == "prelu" else None
    reach = np.array([-400]), np.array([400])
    steps = ladder(curve(kind), np.array([0.01]), 0.1, Levels(-15, 15), reach, slope)
    check_steps(steps)
    assert steps.thresholds.min() >= -400
    assert steps.thresholds.max() <= 400


def test_a_channel_that_never_reaches_a_level_has_its_threshold_above_all_charges() -> None:
    steps = ladder(Curve("tanh"), np.array([0.01, 1e-5]), 0.1, Levels(-10, 10), (np.full(2, -300), np.full(2, 300)))
    check_steps(steps)
    assert steps.thresholds.max() == 301
    charges = np.tile(np.array([-300.0, 0.0, 300.0]), (2, 1))[None]
    assert steps.levels(charges)[0].tolist() == [[-10, 0, 10], [0, 0, 0]]


def test_the_extent_of_a_curve() -> None:
    assert extent(Curve("sigmoid")) == (0.0, 1.0)
    assert extent(Curve("linear")) == (-np.inf, np.inf)
    least, most = extent(Curve("silu", (1.0,)))
    assert least == pytest.approx(-0.2784645, abs=1e-6)
    assert most == np.inf


def test_a_ladder_has_two_rungs_even_where_the_level_never_changes() -> None:
    steps = ladder(Curve("sigmoid"), np.array([1e-9]), 0.4, Levels(0, 2), (np.array([-5]), np.array([5])))
    assert steps.thresholds.tolist() == [[6, 6]]
    assert steps.levels(np.arange(-5.0, 6.0).reshape(1, 1, -1)).ravel().tolist() == [1] * 11
