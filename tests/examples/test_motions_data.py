"""The files of examples/motions_cnn: the official splits, negative values, no mistake on the test split."""

from __future__ import annotations

import numpy as np
import pytest

from tests.examples.support import accuracy, load

NAME = "motions_cnn"
SPLITS = ["calibration", "test"]


@pytest.mark.parametrize("split", SPLITS)
def test_series_are_what_the_network_takes(split: str) -> None:
    x, y = load(NAME, split)
    assert x.shape == (40, 6, 100)
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert np.bincount(y).tolist() == [10] * 4
    assert x.min() < -20
    assert x.max() > 20


@pytest.mark.parametrize("split", SPLITS)
def test_values_have_three_decimals(split: str) -> None:
    x, _ = load(NAME, split)
    assert np.array_equal(x, np.round(x.astype(np.float64), 3).astype(np.float32))


def test_no_series_is_in_both_splits() -> None:
    calibration, test = ({series.tobytes() for series in load(NAME, split)[0]} for split in SPLITS)
    assert calibration.isdisjoint(test)


def test_the_float_network_is_as_accurate_as_its_page_says() -> None:
    assert accuracy(NAME) == 1
