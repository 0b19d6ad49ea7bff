"""The range proof: bounds are what inputs can reach, and what it accepts never overflows, whatever the input."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snncc.compiler.coding import CODINGS, Levels, train
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.quantize.ranges import Bounds, bounds, fits, payload_fits, widest_level
from snncc.compiler.targets import Target, load_target
from snncc.runtime.emulator import Emulator, run_levels
from snncc.runtime.neurons import StateOverflow
from tests.integer_nets import IntegerNet

Ints = npt.NDArray[np.int64]
LOIHI2 = load_target("loihi2")
domains, positive = (st.builds(Levels, st.integers(lo, 0), st.integers(1, 3)) for lo in (-3, 0))
CHANNELS = 2


@st.composite
def edges(draw: st.DrawFn, most: int = 3, widest: int = 9, signed: bool = True) -> list[tuple[Ints, Levels]]:
    """Return edges into two channels, each from one or two sources."""
    some = st.integers(-widest, widest)
    weights = st.integers(1, 2).flatmap(lambda n: arrays(np.int64, (CHANNELS, n), elements=some))
    return draw(st.lists(st.tuples(weights, domains if signed else positive), min_size=1, max_size=most))


def chip(state_bits: int, accumulator_bits: int = 24) -> Target:
    return replace(LOIHI2, state_bits=state_bits, accumulator_bits=accumulator_bits)


def sums(layer: Sequence[tuple[Ints, Levels]]) -> Ints:
    """Return the charge of each channel on every input there is: int64 [inputs, channels]."""
    spans = [range(levels.lo, levels.hi + 1) for weight, levels in layer for _ in range(weight.shape[1])]
    flat = np.concatenate([weight for weight, _ in layer], axis=1)
    reached: Ints = np.array(list(product(*spans))) @ flat.T
    return reached


@given(layer=edges())
def test_bounds_are_the_extremes_over_all_inputs(layer: list[tuple[Ints, Levels]]) -> None:
    found, reached = bounds(layer), sums(layer)
    assert found.high.tolist() == reached.max(axis=0).tolist()
    assert found.low.tolist() == reached.min(axis=0).tolist()


@given(layer=edges())
def test_the_slope_is_the_most_that_one_step_of_unit_spikes_brings(layer: list[tuple[Ints, Levels]]) -> None:
    unit = [(weight, Levels(-1, 1)) for weight, _ in layer]
    assert bounds(layer).slope.tolist() == np.abs(sums(unit)).max(axis=0).tolist()


def test_the_taps_of_a_kernel_are_sources_of_their_own() -> None:
    kernel = np.arange(-4, 4).reshape(1, 2, 2, 2)
    found = bounds([(kernel, Levels(-1, 5))])
    assert (found.high.item(), found.low.item(), found.slope.item()) == (6 * 5 + 10, -6 - 10 * 5, 16)


def test_negative_levels_count_with_the_sign_of_the_weight() -> None:
    """max(sum w+, |sum w-|) Q would say 6: it forgets that lo times a negative weight is positive."""
    found = bounds([(np.array([[2, -2]]), Levels(-3, 3))])
    assert (found.high.item(), found.low.item()) == (12, -12)


@pytest.mark.parametrize("name", CODINGS)
@given(data=st.data())
@settings(max_examples=30)
def test_partial_sums_of_every_code_stay_within_the_bounds(name: str, data: st.DataObject) -> None:
    """What a receiver has accumulated after any step lies between the bounds."""
    coding = CODINGS[name]
    layer = data.draw(edges(signed=coding.signed))
    found, partial = bounds(layer), []
    for weight, levels in layer:
        q = np.array([data.draw(st.integers(levels.lo, levels.hi)) for _ in range(weight.shape[1])])
        sent = train(coding, q, levels) @ weight.T
        partial.append(accumulated(coding.kernel, sent, coding.window(levels)))
    longest = max(map(len, partial))
    idle = [np.zeros((longest - len(p), CHANNELS), dtype=np.int64) for p in partial]
    total = np.sum([np.concatenate([zeros, p]) for zeros, p in zip(idle, partial, strict=True)], axis=0)
    assert (total <= found.high).all()
    assert (total >= found.low).all()


def accumulated(kernel: str, arriving: Ints, window: int) -> Ints:
    """Return a receiver's accumulator after each step of a window."""
    if kernel == "double":
        return np.array([sum(arriving[i] << (step - i) for i in range(step + 1)) for step in range(window)])
    once = np.cumsum(arriving, axis=0)
    return np.cumsum(once, axis=0) if kernel == "ramp" else once


def network(layer: Sequence[tuple[Ints, Levels]], bias: Ints, theta: Ints, levels: Levels) -> Graph:
    """Return inputs, one firing layer, and a readout that shows its levels."""
    net = IntegerNet()
    charges = []
    for number, (weight, inside) in enumerate(layer):
        x = net.input(weight.shape[1], lo=inside.lo, hi=inside.hi, name=f"x{number}")
        charges.append(net.dense(x, CHANNELS, weight))
    fired = net.fire(*charges, lo=levels.lo, hi=levels.hi, theta=theta, bias=bias)
    return net.graph(net.read(net.dense(fired, 1, [1, 0]), name="y"))


def extremes(layer: Sequence[tuple[Ints, Levels]]) -> dict[str, Ints]:
    """Return for each channel the inputs that bring the greatest and the least charge: [2 * channels, 1, sources]."""
    worst = {}
    for number, (weight, levels) in enumerate(layer):
        up = np.where(weight > 0, levels.hi, levels.lo)
        down = np.where(weight > 0, levels.lo, levels.hi)
        worst[f"x{number}"] = np.concatenate([up, down])[:, None]
    return worst


def overflows(graph: Graph, name: str, target: Target, levels: dict[str, Ints]) -> bool:
    coding = CODINGS[name]
    emulator = Emulator(lower(graph, Choice(coding, coding), target))
    try:
        for _ in run_levels(emulator, levels, 2 * CHANNELS):
            pass
    except StateOverflow:
        return True
    return False


biases = arrays(np.int64, CHANNELS, elements=st.integers(-40, 40))
thetas = st.sampled_from([1, 2, 4, 7])


@settings(max_examples=60)
@given(layer=edges(2, 12), bias=biases, state_bits=st.integers(5, 8), theta=thetas, levels=domains)
def test_exactly_what_leaves_the_state_is_refused(
    layer: list[tuple[Ints, Levels]], bias: Ints, state_bits: int, theta: int, levels: Levels
) -> None:
    """By enumeration; the least value of a state stays free, and rounding is not counted on below."""
    charges, half = sums(layer), 1 << (state_bits - 1)
    highest, lowest = (charges + bias).max(axis=0) + theta // 2, (charges + bias).min(axis=0)
    alone = np.abs(charges).max(axis=0)
    slope = np.concatenate([np.abs(weight) for weight, _ in layer], axis=1).sum(axis=1)
    ladder = theta * (levels.hi - levels.lo + 1)
    wanted = (np.maximum.reduce([highest, -lowest, alone, slope]) < half) & (ladder < half)
    found = fits(bounds(layer), bias, np.full(CHANNELS, theta), levels, chip(state_bits))
    assert found.tolist() == wanted.tolist()


@pytest.mark.parametrize("name", CODINGS)
@settings(max_examples=20)
@given(data=st.data(), bias=biases, theta=thetas)
def test_what_the_proof_accepts_never_overflows(name: str, data: st.DataObject, bias: Ints, theta: int) -> None:
    """In the narrowest state that the proof accepts, on the worst inputs, in any coding."""
    signed = CODINGS[name].signed
    layer, levels = data.draw(edges(2, 6, signed)), data.draw(domains if signed else positive)
    reach, at = bounds(layer), np.full(CHANNELS, theta)
    target = next(chip(b) for b in range(4, 20) if fits(reach, bias, at, levels, chip(b)).all())
    assert not overflows(network(layer, bias, at, levels), name, target, extremes(layer))


@settings(max_examples=60)
@given(layer=edges(2, 12), bias=biases, theta=thetas, levels=domains)
def test_the_worst_input_overflows_a_state_that_is_too_narrow(
    layer: list[tuple[Ints, Levels]], bias: Ints, theta: int, levels: Levels
) -> None:
    """The proof bypassed: in the widest state that the charges do not fit, the neurons overflow."""
    charges = sums(layer) + bias + theta // 2
    bits = max(int(charges.max()).bit_length(), (-1 - int(charges.min())).bit_length())
    target, at = chip(max(bits, 4)), np.full(CHANNELS, theta)
    assume(bits >= 4)
    assert not fits(bounds(layer), bias, at, levels, target).all()
    assert overflows(network(layer, bias, at, levels), "graded", target, extremes(layer))


def zeros(channels: int) -> Ints:
    return np.zeros(channels, dtype=np.int64)


def ones(channels: int) -> Ints:
    return np.ones(channels, dtype=np.int64)


def test_each_channel_is_judged_by_itself() -> None:
    reach = Bounds(np.array([0, 0]), np.array([127, 128]), np.array([1, 1]))
    assert fits(reach, zeros(2), ones(2), Levels(0, 1), chip(8)).tolist() == [True, False]


def test_a_bias_per_position_counts_with_its_extremes() -> None:
    reach = Bounds(np.array([-9, -9]), np.array([9, 9]), np.array([9, 9]))
    bias = np.array([[[0, 1], [118, 3]], [[0, -118], [9, -119]]])
    assert fits(reach, bias, np.array([1, 1]), Levels(0, 1), chip(8)).tolist() == [True, False]


def test_the_thresholds_of_all_levels_fit_the_state() -> None:
    reach = Bounds(zeros(2), ones(2), ones(2))
    assert fits(reach, zeros(2), np.array([15, 16]), Levels(0, 7), chip(8)).tolist() == [True, False]
    assert fits(reach, zeros(2), np.array([7, 8]), Levels(-8, 7), chip(8)).tolist() == [True, False]


def test_what_arrives_in_one_step_fits_the_synaptic_accumulator() -> None:
    reach = Bounds(np.array([0, -128, 0]), np.array([127, 0, 128]), np.array([1, 1, 1]))
    assert fits(reach, zeros(3), ones(3), Levels(0, 1), chip(24, 8)).tolist() == [True, False, False]


@given(levels=domains, payload_bits=st.integers(2, 4))
def test_a_payload_holds_a_level_and_its_sign(levels: Levels, payload_bits: int) -> None:
    half = 1 << (payload_bits - 1)
    wanted = all(-half < q < half for q in (levels.lo, levels.hi))
    assert payload_fits(levels, replace(LOIHI2, payload_bits=payload_bits)) is wanted


def test_a_payload_without_a_sign_holds_one_bit_more() -> None:
    target = replace(LOIHI2, payload_bits=4, signed=False)
    assert [payload_fits(Levels(0, q), target) for q in (15, 16)] == [True, False]
    assert [payload_fits(Levels(-q, q), target) for q in (7, 8)] == [True, False]
    assert (widest_level(target, False), widest_level(target, True)) == (15, 7)
    assert widest_level(replace(target, payload_bits=1), True) == 1
