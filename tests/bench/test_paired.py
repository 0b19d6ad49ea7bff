"""The difference of two classifiers' accuracies and its interval: the formula, its limits, how often it is right."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest

from bench.paired import NORMAL_95, Losses, estimate, losses, mean_estimate


def told(images: int, worse: int, better: int, test: str = "a") -> Losses:
    """Return losses in which so many of the images are lost and won."""
    each = np.zeros(images, dtype=np.int8)
    each[:worse] = 1
    each[worse : worse + better] = -1
    return Losses(test, each)


def test_the_loss_counts_what_only_one_gets_right() -> None:
    first, second = np.array([True, True, False, False, True]), np.array([True, False, True, False, False])
    found = losses("a", first, second)
    assert found.each.tolist() == [0, 1, -1, 0, 1]
    assert estimate(found).loss == pytest.approx(100 * (3 - 2) / 5)


def test_the_interval_is_that_of_agresti_and_min() -> None:
    found = estimate(told(100, 9, 3))
    total, difference, unlike = 102, 6.0, 13.0
    half = NORMAL_95 * sqrt(unlike - difference**2 / total) / total
    assert found.loss == pytest.approx(6)
    assert (found.low, found.high) == pytest.approx((100 * (6 / 102 - half), 100 * (6 / 102 + half)))


def test_no_difference_seen_is_no_proof_of_none() -> None:
    found = estimate(told(1000, 0, 0))
    assert found.loss == 0
    assert found.low == pytest.approx(-found.high)
    assert 0 < found.high < 0.3


def test_swapping_the_two_turns_the_interval_round() -> None:
    one, other = estimate(told(500, 20, 5)), estimate(told(500, 5, 20))
    assert (one.loss, one.low, one.high) == pytest.approx((-other.loss, -other.high, -other.low))


def test_the_interval_holds_the_truth_in_about_95_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    truth, held = 100 * (0.02 - 0.01), 0
    for _ in range(2000):
        each = rng.choice(np.array([1, -1, 0], dtype=np.int8), size=1000, p=[0.02, 0.01, 0.97])
        found = estimate(Losses("a", each))
        held += found.low <= truth <= found.high
    assert 0.93 < held / 2000 < 0.97


def test_the_mean_weighs_networks_alike_whatever_their_images() -> None:
    found = mean_estimate([told(100, 10, 0, "a"), told(1000, 0, 0, "b")])
    assert found.loss == pytest.approx(5)


def test_mistakes_on_shared_images_go_together() -> None:
    shared = mean_estimate([told(1000, 50, 0, "a"), told(1000, 50, 0, "a")])
    apart = mean_estimate([told(1000, 50, 0, "a"), told(1000, 50, 0, "b")])
    assert shared.loss == apart.loss == pytest.approx(5)
    ratio = (shared.high - shared.low) / (apart.high - apart.low)
    assert ratio == pytest.approx(sqrt(2))


def test_one_name_for_different_images_is_refused() -> None:
    with pytest.raises(ValueError, match="'a'"):
        mean_estimate([told(100, 1, 0), told(200, 1, 0)])
