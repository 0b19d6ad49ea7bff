"""Accuracy, error and signal-to-noise ratios, against numbers worked out by hand."""

from __future__ import annotations

from math import log10

import numpy as np
import pytest

from snncc.runtime.metrics import LayerError, is_classification, mae, psnr, top1


def test_the_largest_logit_wins_and_ties_go_to_the_lowest_index() -> None:
    assert top1(np.array([[1, 5, 2], [7, 7, 7], [-3, -1, -1]])).tolist() == [1, 0, 1]


def test_axes_of_size_one_do_not_matter_to_the_winner() -> None:
    assert top1(np.array([[1, 5, 2]]).reshape(1, 3, 1, 1)).tolist() == [1]


@pytest.mark.parametrize(
    ("labels", "shape", "expected"),
    [
        (np.array([0, 2]), (3,), True), (np.array([0.0, 2.0]), (3,), False), (np.array([0, 2]), (1,), False),
        (np.array([[0], [2]]), (3,), False), (None, (3,), False), (np.array([1], dtype=np.uint8), (3,), True),
    ],
)  # fmt: skip
def test_labels_are_classes_if_they_are_one_integer_a_sample(
    labels: np.ndarray | None, shape: tuple[int, ...], expected: bool
) -> None:
    assert is_classification(labels, shape) is expected


def test_the_mean_absolute_error_is_over_all_values() -> None:
    assert mae(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 4.0, 3.0, 0.0])) == 1.5


def test_the_peak_of_a_signal_is_its_range() -> None:
    wanted, found = np.array([-1.0, 3.0]), np.array([0.0, 3.0])
    assert psnr(found, wanted) == pytest.approx(10 * log10(16 / 0.5))


def test_no_ratio_is_given_without_noise_or_without_signal() -> None:
    assert psnr(np.ones(3), np.ones(3)) is None
    assert psnr(np.zeros(3), np.ones(3)) is None


def test_a_layers_error_adds_up_over_batches() -> None:
    real, shown = np.array([3.0, -4.0, 1.0, 0.0]), np.array([3.0, -3.0, 0.5, 0.5])
    whole, parts = LayerError("all"), LayerError("parts")
    whole.add(real, shown)
    parts.add(real[:2], shown[:2])
    parts.add(real[2:], shown[2:])
    assert whole.sqnr == parts.sqnr == pytest.approx(10 * log10(26 / 1.5))
    assert whole.cosine == parts.cosine == pytest.approx(21.5 / (26 * 18.5) ** 0.5)
    assert whole.worst == parts.worst == 1


def test_a_layer_without_signal_or_noise_has_no_ratio() -> None:
    silent, perfect = LayerError("silent"), LayerError("perfect")
    silent.add(np.zeros(2), np.zeros(2))
    perfect.add(np.ones(2), np.ones(2))
    assert (silent.sqnr, silent.cosine, silent.worst) == (None, None, 0)
    assert perfect.sqnr is None
    assert perfect.cosine == pytest.approx(1)
