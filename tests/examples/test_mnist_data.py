"""The data files of examples/mnist_cnn: what the network takes, every digit, nothing shared."""

from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "mnist_cnn"
SIZES = {"calibration": 256, "test": 1000}


def load(split: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(FOLDER / f"{split}.npz") as archive:
        assert sorted(archive.files) == ["x", "y"]
        return archive["x"], archive["y"]


@pytest.mark.parametrize("split", SIZES)
def test_images_are_what_the_network_takes(split: str) -> None:
    x, _ = load(split)
    assert x.shape == (SIZES[split], 1, 28, 28)
    assert x.dtype == np.float32
    assert x.min() == 0.0
    assert x.max() == 1.0


@pytest.mark.parametrize("split", SIZES)
def test_images_are_grey_levels_over_255(split: str) -> None:
    x, _ = load(split)
    assert np.array_equal(x, np.rint(x * 255).astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("split", SIZES)
def test_every_digit_is_in_the_split(split: str) -> None:
    _, y = load(split)
    assert y.shape == (SIZES[split],)
    assert y.dtype == np.int64
    assert np.unique(y).tolist() == list(range(10))


def test_no_image_is_in_both_splits() -> None:
    calibration, test = ({image.tobytes() for image in load(split)[0]} for split in SIZES)
    assert len(calibration) == SIZES["calibration"]
    assert len(test) == SIZES["test"]
    assert calibration.isdisjoint(test)
