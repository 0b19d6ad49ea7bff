"""Integer weights of one layer: one unit a channel, thresholds that are powers of two, what had to give is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.coding import Levels
from snncc.compiler.quantize.ranges import bounds, fits
from snncc.compiler.quantize.weights import (
    EXTRA,
    HEARD,
    NEGLIGIBLE,
    SPREAD,
    Edge,
    IntegerLayer,
    firing_layer,
    reading_layer,
)
from snncc.compiler.targets import Target, load_target

Floats = npt.NDArray[np.float64]
LOIHI2 = load_target("loihi2")
WIDE = replace(LOIHI2, state_bits=48, accumulator_bits=48)
Q = Levels(0, 15)


@st.composite
def layers(draw: st.DrawFn, most: int = 3) -> tuple[list[Edge], Floats]:
    """Return one edge or more into three channels of very different size, the last one all zero, and a bias."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    size = 10.0 ** rng.integers(-3, 3, (3, 1, 1))
    size[2] = 0
    edges = []
    for _ in range(draw(st.integers(1, most))):
        levels = draw(st.sampled_from([Levels(0, 15), Levels(-127, 127), Levels(0, 255), Levels(0, 1)]))
        weight = rng.normal(size=(3, 2, 3)) * size
        edges.append(Edge(weight.astype(np.float32), float(10.0 ** rng.integers(-3, 2)), levels))
    shape = draw(st.sampled_from([(3,), (3, 2, 2)]))
    return edges, rng.normal(size=shape)


def target(state_bits: int) -> Target:
    return replace(LOIHI2, state_bits=state_bits, accumulator_bits=state_bits)


def column(unit: Floats, like: npt.NDArray[np.generic]) -> Floats:
    return unit.reshape(-1, *(1,) * (like.ndim - 1))


def check_integers(layer: IntegerLayer, edges: Sequence[Edge], bias: Floats, most: int) -> None:
    """Assert that weights are the nearest mantissas under some exponent a channel, and biases the nearest integers."""
    for edge, weight in zip(edges, layer.weights, strict=True):
        assert weight.dtype == np.int64
        for row, real, unit in zip(weight, edge.weight.astype(np.float64) * edge.scale, layer.unit, strict=True):
            steps = [unit * 2.0**shift for shift in range(SPREAD + 1)]
            nearest = [np.clip(np.rint(real / step), -most, most) * (step / unit) for step in steps]
            assert any((row == wanted).all() for wanted in nearest)
    assert layer.bias.dtype == np.int64
    assert (layer.bias == np.rint(bias / column(layer.unit, bias))).all()


def reach(edges: Sequence[Edge], scale: float) -> Floats:
    """Return by how many levels the sources can move each channel."""
    sums = [np.abs(e.weight).reshape(3, -1).sum(axis=1, dtype=np.float64) for e in edges]
    reached: Floats = sum((s * e.levels.magnitude * e.scale for s, e in zip(sums, edges, strict=True)), np.zeros(3))
    return reached / scale


def in_units(edges: Sequence[Edge], bias: Floats, unit: Floats, theta: npt.NDArray[np.int64]) -> IntegerLayer:
    """Return a layer in given units, weights of eight bits."""
    steps = [np.rint(e.weight.astype(np.float64) * e.scale / column(unit, e.weight)) for e in edges]
    weights = tuple(np.clip(w, -127, 127).astype(np.int64) for w in steps)
    rounded = np.rint(bias / column(unit, bias)).astype(np.int64)
    steps_of_one = np.ones((len(edges), len(theta)), dtype=np.int64)
    return IntegerLayer(weights, rounded, theta, unit, 0 * theta, steps_of_one, (127,) * len(edges))


def accepted(layer: IntegerLayer, edges: Sequence[Edge], levels: Levels, chip: Target) -> npt.NDArray[np.bool_]:
    summed = bounds((w, e.levels) for w, e in zip(layer.weights, edges, strict=True))
    return fits(summed, layer.bias, layer.theta, levels, chip)


@settings(max_examples=60)
@given(
    drawn=layers(),
    weight_bits=st.integers(2, 8),
    state_bits=st.sampled_from([12, 16, 24]),
    scale=st.sampled_from([1e-2, 1.0, 30.0]),
)
def test_a_firing_layer_has_one_unit_a_channel_and_thresholds_that_are_powers_of_two(
    drawn: tuple[list[Edge], Floats], weight_bits: int, state_bits: int, scale: float
) -> None:
    edges, bias = drawn
    layer = firing_layer(edges, bias, scale, Q, weight_bits, target(state_bits))
    assert (layer.theta >= 1).all()
    assert (layer.theta & (layer.theta - 1) == 0).all()
    assert (layer.unit * layer.theta == scale * layer.coarsening).all()
    check_integers(layer, edges, bias, (1 << (weight_bits - 1)) - 1)


@settings(max_examples=60)
@given(drawn=layers(), state_bits=st.integers(8, 24), scale=st.sampled_from([1e-2, 1.0]))
def test_a_layer_fits_the_target_or_says_that_it_does_not(
    drawn: tuple[list[Edge], Floats], state_bits: int, scale: float
) -> None:
    edges, bias = drawn
    layer = firing_layer(edges, bias, scale, Q, 8, target(state_bits))
    fit = accepted(layer, edges, Q, target(state_bits))
    if any(weight.any() for weight in layer.weights):
        assert (fit == (layer.halvings >= 0)).all()
    else:
        assert ((fit & (reach(edges, scale) < HEARD)) == (layer.halvings >= 0)).all()


@settings(max_examples=60)
@given(drawn=layers(), state_bits=st.integers(10, 24))
def test_halvings_are_the_bits_that_a_wide_state_would_have_kept(
    drawn: tuple[list[Edge], Floats], state_bits: int
) -> None:
    edges, bias = drawn
    layer, free = (firing_layer(edges, bias, 0.5, Q, 8, chip) for chip in (target(state_bits), WIDE))
    assert (free.halvings == 0).all()
    if layer.coarsening == 1:
        assert (layer.theta << layer.halvings == free.theta).all()


@settings(max_examples=60)
@given(drawn=layers(most=1), state_bits=st.integers(10, 24))
def test_no_more_is_given_up_than_the_proof_asks_for(drawn: tuple[list[Edge], Floats], state_bits: int) -> None:
    """A channel with one halving less would not fit; a layer is coarsened only if it does not fit at theta = 1."""
    edges, bias = drawn
    chip = target(state_bits)
    layer = firing_layer(edges, bias, 0.5, Q, 8, chip)
    finer = in_units(edges, bias, layer.unit / 2, layer.theta * 2)
    assert not (accepted(finer, edges, Q, chip) & (layer.halvings > 0)).any()
    if layer.coarsening > 1 and (layer.halvings >= 0).all():
        finer = in_units(edges, bias, np.full(3, 0.5 * layer.coarsening / 2), np.ones(3, dtype=np.int64))
        assert not accepted(finer, edges, Q, chip).all()


@settings(max_examples=40)
@given(drawn=layers(most=1), weight_bits=st.integers(2, 8))
def test_a_unit_loses_no_more_than_the_units_beside_it(drawn: tuple[list[Edge], Floats], weight_bits: int) -> None:
    """Squared error of the weights, against every power of two from the one that clips none to the finest tried."""
    edges, bias = drawn
    most = (1 << (weight_bits - 1)) - 1
    layer = firing_layer(edges, bias, 1.0, Q, weight_bits, WIDE)
    flat = np.concatenate([e.weight.reshape(3, -1).astype(np.float64) * e.scale for e in edges], axis=1)
    reached = reach(edges, 1.0)
    for channel, theta in enumerate(layer.theta[:2]):
        losses = {}
        for k in range(40):
            steps = flat[channel] * 2.0**k
            losses[1 << k] = float(((np.clip(np.rint(steps), -most, most) / 2.0**k - flat[channel]) ** 2).sum())
        whole = max((t for t in losses if np.abs(flat[channel]).max() * t <= most), default=1)
        tried = [losses[t] for t in losses if whole <= t <= whole << EXTRA]
        if reached[channel] < NEGLIGIBLE:
            assert theta == 1
        else:
            assert losses[int(theta)] <= min(tried) * (1 + 1e-9)


def test_a_channel_of_zeros_has_the_unit_of_a_level() -> None:
    edge = Edge(np.array([[0.0, 0.0], [0.5, 0.25]]), 1.0, Q)
    layer = firing_layer([edge], np.array([0.3, 0.0]), 0.1, Q, 8, LOIHI2)
    assert (layer.theta[0], layer.weights[0][0].tolist(), layer.bias[0]) == (1, [0, 0], 3)
    assert layer.theta[1] > 1


def test_a_channel_of_next_to_nothing_is_a_channel_of_zeros() -> None:
    """Weights that training has driven to denormals must not ask for a threshold beyond any state."""
    tiny = Edge(np.array([[1e-38, -1e-38], [0.5, 0.25]], dtype=np.float32), 1.0, Q)
    layer = firing_layer([tiny], np.array([0.3, 0.0]), 0.1, Q, 8, LOIHI2)
    assert (layer.theta > 0).all()
    assert accepted(layer, [tiny], Q, LOIHI2).all()
    assert layer.coarsening == 1
    assert layer.bias[0] * layer.unit[0] == pytest.approx(0.3, abs=0.05)


def test_a_channel_counts_as_zeros_only_where_it_cannot_move_a_level() -> None:
    """Three sources of up to 15 levels: 45 times the weight, against 2^-10 of a level."""
    weight = np.array([[1.01], [0.99]]) * np.ones(3) * NEGLIGIBLE / 45
    layer = firing_layer([Edge(weight, 1.0, Q)], np.zeros(2), 1.0, Q, 8, WIDE)
    assert layer.theta[0] > 1 == layer.theta[1]


def test_a_bias_beyond_every_state_is_refused() -> None:
    edge = Edge(np.array([[1.0]]), 1.0, Q)
    assert firing_layer([edge], np.array([-1e30]), 1e-3, Q, 8, LOIHI2).halvings.tolist() == [-1]
    assert reading_layer([edge], np.array([1e30]), 8, LOIHI2).halvings.tolist() == [-1]


def test_a_bias_per_position_is_rounded_position_by_position() -> None:
    edge = Edge(np.array([[1.0], [2.0]]), 1.0, Q)
    bias = np.array([[[0.0, 1.5]], [[-2.0, 7.25]]])
    layer = firing_layer([edge], bias, 1.0, Q, 8, LOIHI2)
    assert layer.bias.shape == bias.shape
    assert (layer.bias * column(layer.unit, layer.bias) == bias).all()


@settings(max_examples=60)
@given(drawn=layers(), weight_bits=st.integers(3, 8))
def test_every_edge_keeps_its_own_precision_beside_others(drawn: tuple[list[Edge], Floats], weight_bits: int) -> None:
    """What an edge loses among others is no more than alone, up to the spread of exponents."""
    edges, bias = drawn
    together = firing_layer(edges, bias, 1.0, Q, weight_bits, WIDE)
    for edge, weight in zip(edges, together.weights, strict=True):
        alone = firing_layer([edge], bias, 1.0, Q, weight_bits, WIDE)
        for channel in range(2):
            real = edge.weight[channel].astype(np.float64) * edge.scale
            lost = np.abs(weight[channel] * together.unit[channel] - real).max()
            kept = np.abs(alone.weights[0][channel] * alone.unit[channel] - real).max()
            coarsest = max(np.abs(e.weight[channel]).max() * e.scale for e in edges) / 2.0 ** (SPREAD + weight_bits - 2)
            assert lost <= max(kept, coarsest) * (1 + 1e-6)


def test_an_identity_beside_small_weights_takes_an_exponent_and_a_second_mantissa() -> None:
    """One part in 2^7 of 255 levels would be off by a level; of 15, by far less."""
    small = np.full((1, 9), 0.004)
    for levels in (Levels(0, 15), Levels(0, 255)):
        edges = [Edge(np.array([[0.7313]]), 1.0, levels), Edge(small, 1.0, levels)]
        layer = firing_layer(edges, np.zeros(1), 1.0, levels, 8, WIDE)
        skip = int(layer.weights[0][0, 0])
        assert skip > 127
        assert abs(skip * layer.unit[0] - 0.7313) * levels.hi < 0.25
        assert layer.weights[1].min() > 60


def test_edges_of_different_scales_meet_in_one_unit() -> None:
    edges = [Edge(np.array([[0.5]]), 0.25, Q), Edge(np.array([[0.5]]), 1.0, Q)]
    layer = firing_layer(edges, np.zeros(1), 1.0, Q, 8, LOIHI2)
    (fine,), (coarse,) = (weight[0] for weight in layer.weights)
    assert coarse == 4 * fine != 0


def test_a_layer_that_fits_only_without_weights_does_not_fit() -> None:
    """900 sources of 15 levels need a state of 14 bits even for weights of 1."""
    edge = Edge(np.full((2, 900), 0.01), 1.0, Q)
    halvings = [firing_layer([edge], np.zeros(2), 1.0, Q, 8, target(bits)).halvings.tolist() for bits in (15, 13)]
    assert halvings == [[6, 6], [-1, -1]]


def test_levels_become_coarser_by_powers_of_two_where_theta_one_does_not_fit() -> None:
    """A charge of up to 9000 levels; at 11 bits, 900 levels ten times as coarse."""
    edges = [Edge(np.full((1, 60), 1.0), 1.0, Q)]
    steps = [firing_layer(edges, np.zeros(1), 0.1, Q, 8, target(bits)) for bits in (15, 14, 13, 11)]
    assert [layer.coarsening for layer in steps] == [1, 2, 4, 8]
    assert all((layer.halvings >= 0).all() for layer in steps)


@pytest.mark.parametrize(("levels", "coarsest"), [(1, 1), (3, 2), (15, 8), (16, 16)])
def test_levels_become_no_coarser_than_that_one_is_left(levels: int, coarsest: int) -> None:
    layer = firing_layer([Edge(np.full((2, 60), 1.0), 1.0, Q)], np.zeros(2), 1e-3, Levels(0, levels), 8, target(12))
    assert layer.halvings.tolist() == [-1, -1]
    assert layer.coarsening == coarsest


@pytest.mark.parametrize("weight_bits", [2, 4, 8])
def test_a_readout_keeps_its_largest_weight(weight_bits: int) -> None:
    """It gives up all bits but one, and is then marked as one that does not fit."""
    layer = reading_layer([Edge(np.full((1, 900), 1.0), 1.0, Q)], np.zeros(1), weight_bits, target(13))
    assert layer.weights[0].max() >= 1
    assert layer.halvings.tolist() == [-1]


@settings(max_examples=60)
@given(drawn=layers(most=1), weight_bits=st.integers(2, 8), state_bits=st.integers(12, 24))
def test_a_readout_has_one_unit_for_all_channels(
    drawn: tuple[list[Edge], Floats], weight_bits: int, state_bits: int
) -> None:
    edges, bias = drawn
    layer = reading_layer(edges, bias, weight_bits, target(state_bits))
    most = (1 << (weight_bits - 1)) - 1
    assert np.unique(layer.unit).size == 1
    assert (layer.theta == 1).all()
    largest = max(float(np.abs(e.weight).max()) * e.scale for e in edges)
    if (layer.halvings >= 0).all():
        assert np.unique(layer.halvings).size == 1
        assert layer.unit[0] == pytest.approx(largest / most * 2.0 ** layer.halvings[0])
    check_integers(layer, edges, bias, most)


@settings(max_examples=40)
@given(drawn=layers(most=1), state_bits=st.integers(12, 24))
def test_a_readout_takes_the_finest_unit_that_fits(drawn: tuple[list[Edge], Floats], state_bits: int) -> None:
    edges, bias = drawn
    chip = target(state_bits)
    layer = reading_layer(edges, bias, 8, chip)
    assert (accepted(layer, edges, Levels(0, 1), chip) == (layer.halvings >= 0)).all()
    if layer.halvings.max() > 0:
        finer = in_units(edges, bias, layer.unit / 2, layer.theta)
        assert not accepted(finer, edges, Levels(0, 1), chip).all()


def test_a_readout_of_zeros_has_some_unit() -> None:
    layer = reading_layer([Edge(np.zeros((2, 3)), 0.5, Q)], np.array([0.5, -0.25]), 8, LOIHI2)
    assert (layer.unit > 0).all()
    assert (layer.halvings == 0).all()
    assert layer.bias[0] > 0 > layer.bias[1]


@given(drawn=layers())
def test_units_grow_with_fewer_state_bits(drawn: tuple[list[Edge], Floats]) -> None:
    edges, bias = drawn
    units = [reading_layer(edges, bias, 8, target(bits)).unit[0] for bits in (24, 20, 16, 14)]
    assert all(a <= b for a, b in pairwise(units))
