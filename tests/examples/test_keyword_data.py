"""The files of examples/keyword_dscnn: what words.py makes, negative values, as accurate as its page says."""

from __future__ import annotations

import numpy as np
import pytest

from examples.keyword_dscnn.words import FREQUENCIES, WORDS, mel_bands, words
from tests.examples.support import accuracy, load

NAME = "keyword_dscnn"
SIZES = {"calibration": 256, "test": 1000}


@pytest.mark.parametrize("split", SIZES)
def test_utterances_are_what_the_network_takes(split: str) -> None:
    x, y = load(NAME, split)
    assert x.shape == (SIZES[split], 1, 49, 10)
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert np.unique(y).tolist() == list(range(len(WORDS)))
    assert x.min() < -20
    assert x.max() > 5


def test_no_utterance_is_in_both_splits() -> None:
    calibration, test = ({utterance.tobytes() for utterance in load(NAME, split)[0]} for split in SIZES)
    assert calibration.isdisjoint(test)


def test_words_are_the_same_under_one_seed_and_like_the_shipped_ones() -> None:
    x, y = words(48, np.random.default_rng(3))
    again, _ = words(48, np.random.default_rng(3))
    assert np.array_equal(x, again)
    assert np.bincount(y).tolist() == [4] * len(WORDS)
    shipped, _ = load(NAME, "test")
    assert np.abs(x.mean(axis=(0, 1, 2)) - shipped.mean(axis=(0, 1, 2))).max() < 2


def test_mel_bands_are_triangles_that_overlap() -> None:
    bands = mel_bands()
    assert bands.shape == (40, len(FREQUENCIES))
    assert bands.max() <= 1
    assert (np.diff(bands.argmax(axis=1)) >= 0).all()


def test_the_float_network_is_as_accurate_as_its_page_says() -> None:
    assert accuracy(NAME) == pytest.approx(0.929, abs=0.0011)
