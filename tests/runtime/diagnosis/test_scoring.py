"""Losses with their intervals: a difference is called a loss only where it is more than chance."""

from __future__ import annotations

import numpy as np
import pytest

from snncc.runtime.diagnosis.scoring import CHANGED, ERROR, POINTS, Scorer, paired_points, share_interval


def _right(*counts: int) -> tuple[np.ndarray, np.ndarray]:
    """Return who was right before and after, from the counts of both, only before, only after, neither."""
    before = np.repeat([True, True, False, False], counts)
    return before, np.repeat([True, False, True, False], counts)


def test_the_interval_of_a_paired_difference_is_that_of_agresti_and_min() -> None:
    # Their example (2005, section 4): 794, 150, 86, 570 of 1600 give 0.040 in (0.021, 0.059).
    value, low, high = paired_points(*_right(794, 150, 86, 570))
    assert (value, round(low, 1), round(high, 1)) == (4.0, 2.1, 5.9)


def test_no_difference_on_few_samples_proves_little() -> None:
    value, low, high = paired_points(*_right(10, 0, 0, 0))
    assert value == 0
    assert low < -15
    assert high > 15


def test_what_wins_as_often_as_it_loses_is_no_loss() -> None:
    _, low, high = paired_points(*_right(900, 20, 20, 60))
    assert low < 0 < high


def test_a_share_of_nothing_begins_at_nothing() -> None:
    value, low, high = share_interval(np.zeros(100, dtype=bool))
    assert (value, low) == (0, 0)
    assert high == pytest.approx(3.7, abs=0.1)  # Wilson, 1927


def test_accuracy_changed_predictions_and_errors_are_told_apart() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(200, 5))
    labels = scores.argmax(axis=1)
    worse = scores + rng.normal(size=scores.shape)
    points = Scorer(scores, labels).loss(worse)
    changed = Scorer(scores, None).loss(worse)
    assert (points.measure, changed.measure) == (POINTS, CHANGED)
    assert points.value == pytest.approx(changed.value)  # the labels are what the float network says
    assert points.significant
    assert changed.significant
    error = Scorer(scores, scores + 0.1).loss(worse)
    assert error.measure == ERROR
    assert error.significant


def test_what_all_classes_gain_alike_is_no_noise() -> None:
    scores = np.random.default_rng(0).normal(size=(50, 4))
    loss = Scorer(scores, None).loss(scores + 3)
    assert loss.value == 0
    assert loss.noise == pytest.approx(0, abs=1e-20)


def test_signal_to_noise_is_in_decibels() -> None:
    values = np.random.default_rng(0).normal(size=(500, 2, 3))
    loss = Scorer(values, None).loss(values * 1.1)
    assert loss.sqnr_db == pytest.approx(20)
    assert Scorer(values, None).loss(values).sqnr_db is None
