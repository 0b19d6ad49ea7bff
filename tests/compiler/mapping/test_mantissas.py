"""Weights of any width are mantissas with one exponent a channel, which add up."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.mapping.mantissas import exponents, mantissas


def test_the_exponent_is_that_of_the_largest_common_power_of_two() -> None:
    assert exponents(np.array([[4, -12, 0], [1, 64, 0], [0, 0, 0], [-64, 64, 128]])).tolist() == [2, 0, 0, 6]


@given(
    rows=st.lists(st.lists(st.integers(-(2**20), 2**20), min_size=3, max_size=3), min_size=1, max_size=4),
    bits=st.integers(2, 8),
)
def test_mantissas_add_up_and_fit(rows: list[list[int]], bits: int) -> None:
    weight = np.array(rows, dtype=np.int64)
    parts = mantissas(weight, bits)
    assert np.array_equal(sum(parts), weight)
    for part in parts:
        assert (np.abs(part).max(axis=1) >> exponents(part)).max() < 1 << (bits - 1)


def test_weights_with_a_common_exponent_stay_whole() -> None:
    weight = np.array([[127 << 5, -(3 << 5)], [-127, 1]])
    assert [part.tolist() for part in mantissas(weight, 8)] == [weight.tolist()]


def test_wide_weights_take_a_low_and_a_high_mantissa() -> None:
    low, high = mantissas(np.array([[1000, 1], [5, 7]]), 8)
    assert (low.tolist(), high.tolist()) == ([[-24, 1], [5, 7]], [[1024, 0], [0, 0]])
