"""The scale of a level loses least on the data; an input's range holds all of its data, and zero."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snncc.compiler.quantize.scales import CANDIDATES, activation_scale, channel_scales, input_range

Floats = npt.NDArray[np.float64]
finite = st.floats(-1e6, 1e6, width=32)


def loss(values: Floats, scale: float, hi: int, cap: float | None = None) -> float:
    """Return the mean squared error of levels, value by value."""
    shown = np.clip(np.floor(values / scale + 0.5), 0, hi) * scale
    return float(((shown - np.clip(values, 0, cap)) ** 2).mean())


@settings(max_examples=25)
@given(seed=st.integers(0, 999), hi=st.sampled_from([1, 3, 15]), tail=st.sampled_from([0.0, 5.0, 100.0]))
def test_no_other_clipping_point_loses_less(seed: int, hi: int, tail: float) -> None:
    """Against all 128 candidates on the values themselves; bins of 1/4096 of the range blur the loss a little."""
    rng = np.random.default_rng(seed)
    values = np.append(rng.normal(size=2000), [1.0, 1.0 + tail])
    top = values.max()
    losses = [loss(values, top * i / CANDIDATES / hi, hi) for i in range(1, CANDIDATES + 1)]
    blur = (top / 4096) ** 2
    assert loss(values, activation_scale(values, hi), hi) <= min(losses) * 1.01 + blur


def test_outliers_are_clipped() -> None:
    values = np.append(np.linspace(0, 1, 5000), 3.0)
    assert 15 * activation_scale(values, 15) < 1.5
    assert 15 * activation_scale(np.linspace(0, 1, 5000), 15) == pytest.approx(1, abs=0.04)


def test_values_that_are_levels_are_kept_as_they_are() -> None:
    values = np.repeat(np.arange(16) * 0.25, 10)
    assert loss(values, activation_scale(values, 15), 15) < 1e-5


@given(values=arrays(np.float64, 20, elements=st.floats(-10, 10)), cap=st.floats(0.1, 6), hi=st.sampled_from([1, 15]))
def test_levels_do_not_go_beyond_the_cap_or_the_data(values: Floats, cap: float, hi: int) -> None:
    scale = activation_scale(values, hi, cap)
    assert scale > 0
    if values.max() > 1e-9:
        assert scale * hi <= min(cap, values.max()) * (1 + 1e-6)


def test_a_cap_counts_as_the_value_it_clips_to() -> None:
    values = np.append(np.linspace(0, 6, 100), np.full(900, 50.0))
    scale = activation_scale(values, 15, 6.0)
    assert loss(values, scale, 15, 6.0) < 0.02


def test_values_below_zero_take_no_part() -> None:
    values = np.random.default_rng(0).random(100)
    assert activation_scale(np.append(values, -1e6 * np.ones(50)), 7) == activation_scale(values, 7)


@pytest.mark.parametrize("values", [[-1.0, -2.0], [0.0, 0.0], [], [1e-42], [-1.0, 1e-44]])
def test_a_layer_that_is_never_active_has_some_scale(values: list[float]) -> None:
    assert activation_scale(np.array(values, dtype=np.float32), 15) == 1 / 15


@pytest.mark.parametrize("constant", [1e-6, 0.3, 1.0, 777.0])
@pytest.mark.parametrize("hi", [1, 3, 255])
def test_constant_data_is_shown_as_it_is(constant: float, hi: int) -> None:
    values = np.full(50, constant, dtype=np.float32)
    scale = activation_scale(values, hi)
    assert np.clip(np.floor(constant / scale + 0.5), 0, hi) * scale == pytest.approx(constant, rel=1e-3)


@given(values=arrays(np.float32, st.integers(1, 20), elements=finite), graded=st.booleans(), hi=st.integers(1, 20))
def test_every_calibrated_input_is_shown_to_half_a_level(
    values: npt.NDArray[np.float32], graded: bool, hi: int
) -> None:
    scale, least, most = input_range(values, graded, hi)
    assert scale > 0
    assert least <= 0 < most
    rounded = np.floor(values.astype(np.float64) / scale + 0.5)
    assert (np.clip(rounded, least, most) == np.clip(rounded, least - 0.5, most + 0.5).round()).all()
    assert np.abs(np.clip(rounded, least, most) * scale - values).max() <= scale * (0.5 + 1e-9)


@pytest.mark.parametrize(
    ("values", "graded", "expected"),
    [
        ([0.0, 2.55], True, (0.01, 0, 255)), ([0.0, 3.0], False, (1.0, 0, 3)), ([-1.27, 0.5], True, (0.01, -127, 127)),
        ([-0.5, 1.27], True, (0.01, -127, 127)), ([-3.0, 1.0], False, (1.0, -3, 3)),
        ([2.55, 2.55], True, (0.01, 0, 255)), ([-3.0, -3.0], False, (1.0, -3, 3)),
        ([0.0, 0.0], True, (1 / 255, 0, 255)), ([0.0], False, (1 / 3, 0, 3)),
    ],
)  # fmt: skip
def test_an_input_takes_all_levels_there_are(
    values: list[float], graded: bool, expected: tuple[float, int, int]
) -> None:
    scale, lo, hi = input_range(np.array(values), graded, 3)
    assert scale == pytest.approx(expected[0])
    assert (lo, hi) == expected[1:]


@given(seed=st.integers(0, 99), hi=st.sampled_from([1, 3, 15, 255]), unseen=st.integers(0, 1))
def test_rows_have_the_scales_that_each_has_alone(seed: int, hi: int, unseen: int) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(4, 200)) * 10.0 ** rng.integers(-3, 3, (4, 1))
    rows[3] = -np.abs(rows[3])
    found = channel_scales(rows, hi, unseen)
    assert np.isnan(found[3])
    for row, scale in zip(rows[:3], found[:3], strict=True):
        alone = activation_scale(row, hi, unseen=unseen)
        assert abs(scale - alone) <= row.max() / 128 / hi  # where two candidates lose alike, rounding may choose
