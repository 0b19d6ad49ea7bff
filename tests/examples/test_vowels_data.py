"""The data files of examples/vowels_cnn: what the network takes, the official splits, negative values."""

from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "vowels_cnn"
COUNTS = {"calibration": [30] * 9, "test": [31, 35, 88, 44, 29, 24, 40, 50, 29]}  # of each speaker (UCI)


def load(split: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(FOLDER / f"{split}.npz") as archive:
        assert sorted(archive.files) == ["x", "y"]
        return archive["x"], archive["y"]


@pytest.mark.parametrize("split", COUNTS)
def test_series_are_what_the_network_takes(split: str) -> None:
    x, y = load(split)
    assert x.shape == (sum(COUNTS[split]), 12, 24)
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert x.min() < -1
    assert x.max() > 1


@pytest.mark.parametrize("split", COUNTS)
def test_the_splits_are_the_official_ones(split: str) -> None:
    _, y = load(split)
    assert np.bincount(y).tolist() == COUNTS[split]


@pytest.mark.parametrize("split", COUNTS)
def test_values_have_three_decimals(split: str) -> None:
    x, _ = load(split)
    assert np.array_equal(x, np.round(x.astype(np.float64), 3).astype(np.float32))


def test_no_series_is_in_both_splits() -> None:
    calibration, test = ({series.tobytes() for series in load(split)[0]} for split in COUNTS)
    assert calibration.isdisjoint(test)
