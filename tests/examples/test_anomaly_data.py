"""The files of examples/anomaly_autoencoder: what machines.py makes, and a network that tells faulty from sound."""

from __future__ import annotations

import numpy as np
import pytest

from examples.anomaly_autoencoder.machines import anomalous, normal
from tests.examples.support import EXAMPLES, float_outputs, load

NAME = "anomaly_autoencoder"
SIZES = {"calibration": 256, "test": 400}


@pytest.mark.parametrize("split", SIZES)
def test_inputs_are_what_the_network_takes_and_should_give(split: str) -> None:
    x, y = load(NAME, split)
    assert x.shape == (SIZES[split], 640)
    assert x.dtype == np.float32
    assert np.array_equal(x, y)
    assert x.min() < -3
    assert x.max() > 0


def test_sounds_are_the_same_under_one_seed() -> None:
    assert np.array_equal(normal(5, np.random.default_rng(1)), normal(5, np.random.default_rng(1)))
    assert np.array_equal(anomalous(5, np.random.default_rng(1)), anomalous(5, np.random.default_rng(1)))


def test_the_float_network_errs_as_its_page_says() -> None:
    x, y = load(NAME, "test")
    with np.load(EXAMPLES / NAME / "test.npz") as archive:
        faulty = archive["anomalous"]
    error = ((float_outputs(NAME, x) - y) ** 2).mean(axis=1)
    assert error[~faulty].mean() == pytest.approx(0.0424, abs=1e-4)
    assert error[faulty].mean() == pytest.approx(0.1481, abs=1e-4)
    assert (error[faulty][:, None] > error[~faulty]).mean() == pytest.approx(0.9854, abs=1e-3)
