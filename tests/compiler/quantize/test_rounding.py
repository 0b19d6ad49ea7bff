"""Adaptive rounding loses no more than rounding to nearest, and stays on the grid the weights are given."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.integer_ops import Fire, Readout
from snncc.compiler.ir.ops import Conv, Dense
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.quantize import adapting
from snncc.compiler.quantize.calibrate import run
from snncc.compiler.quantize.rounding import DAMPING, REACH, rounded
from snncc.compiler.quantize.rows import Places, heard, places
from snncc.runtime.metrics import mae
from snncc.runtime.reference import _EVALUATE, encode, execute
from tests.compiler.quantize.graphs import data, residual
from tests.compiler.quantize.test_quantize import quantized

Floats = npt.NDArray[np.float64]


def problem(seed: int, fan_in: int, rows: int, channels: int = 2) -> tuple[Floats, Floats, Floats]:
    """Return rows with correlated columns, weights, and charges that other weights would make."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, fan_in)) + rng.normal(size=(rows, 1))
    weights = rng.normal(size=(channels, fan_in)) * 3
    return x, weights, x @ weights.T + rng.normal(size=(rows, channels))


def solved(x: Floats, weights: Floats, y: Floats, step: float = 1.0, most: float = 7.0) -> npt.NDArray[np.int64]:
    whole = np.ones_like(weights)
    return rounded(x.T @ x, y.T @ x, weights, step * whole, most * whole, len(x))


def lost(x: Floats, weights: Floats, y: Floats, chosen: Floats | npt.NDArray[np.int64]) -> Floats:
    """Return the loss of each channel that the module states."""
    damping = DAMPING * (1 + x.shape[1] / len(x)) * float(np.mean(np.diagonal(x.T @ x)))
    misses = ((x @ chosen.T - y) ** 2).sum(axis=0)
    total: Floats = misses + damping * ((chosen - weights) ** 2).sum(axis=1)
    return total


@settings(max_examples=60)
@given(seed=st.integers(0, 10**6), fan_in=st.integers(1, 12), rows=st.integers(2, 40))
def test_no_single_weight_can_be_moved_to_lose_less(seed: int, fan_in: int, rows: int) -> None:
    x, weights, y = problem(seed, fan_in, rows)
    chosen = solved(x, weights, y)
    reached = lost(x, weights, y, chosen)
    for i, change in product(range(fan_in), (-1, 1)):
        other = chosen.copy()
        other[:, i] += change
        allowed = (np.abs(other[:, i]) <= 7) & (np.abs(other[:, i] - weights[:, i]) <= REACH)
        assert (lost(x, weights, y, other)[allowed] >= reached[allowed] - 1e-6 * (1 + reached[allowed])).all()


def test_it_comes_close_to_the_best_of_all_weights() -> None:
    ratios = []
    for seed in range(20):
        x, weights, y = problem(seed, 5, 12, channels=1)
        grid = [[v for v in range(-7, 8) if abs(v - w) <= REACH] or [round(w)] for w in np.clip(weights[0], -7, 7)]
        best = min(float(lost(x, weights, y, np.array([w]))[0]) for w in product(*grid))
        ratios.append(float(lost(x, weights, y, solved(x, weights, y))[0]) / best)
    assert np.median(ratios) < 1.02
    assert max(ratios) < 1.5


@pytest.mark.parametrize("seed", range(10))
def test_it_loses_less_than_rounding_to_nearest(seed: int) -> None:
    x, weights, y = problem(seed, 40, 200, channels=8)
    nearest = np.clip(np.rint(weights), -7, 7)
    assert (lost(x, weights, y, solved(x, weights, y)) <= lost(x, weights, y, nearest)).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 10**6), fan_in=st.integers(1, 10), step=st.sampled_from([1.0, 2.0, 8.0]))
def test_weights_are_whole_steps_within_their_range(seed: int, fan_in: int, step: float) -> None:
    x, weights, y = problem(seed, fan_in, 3)
    chosen = solved(x, weights * step, y * step, step, 3.0)
    assert chosen.dtype == np.int64
    assert (chosen % int(step) == 0).all()
    assert np.abs(chosen).max() <= 3 * step
    assert (np.abs(chosen / step - np.clip(weights, -3, 3)) <= REACH + 1).all()


def test_sources_that_say_nothing_leave_the_weights_as_they_are() -> None:
    weights = np.array([[0.4, -2.6, 3.2]])
    chosen = solved(np.zeros((5, 3)), weights, np.zeros((5, 1)))
    assert chosen.tolist() == [[0, -3, 3]]


@pytest.mark.parametrize(
    ("op", "shape", "weight"),
    [
        (Conv((1, 1), (1, 1, 1, 1), (1, 1), 1), (3, 5, 6), (4, 3, 3, 3)),
        (Conv((2, 3), (0, 1, 2, 0), (2, 1), 2), (4, 9, 8), (6, 2, 3, 2)),
        (Conv((1,), (2, 2), (1,), 4), (4, 7), (4, 1, 5)),
        (Dense(), (6,), (3, 6)),
    ],
)
def test_rows_times_weights_are_the_charges(op: Conv | Dense, shape: tuple[int, ...], weight: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    x, w = rng.integers(-3, 9, (5, *shape)), rng.integers(-4, 5, weight)
    kinds = (TensorType(FLOAT, shape), TensorType(FLOAT, weight))
    node = Node("n", op, ("x", "w"), op.infer(kinds))
    wanted = _integers(node, x, w).reshape(5, len(w), -1)
    at = places(5, wanted.shape[2], 1)
    rows = heard(node, w, x, at)
    columns = w.reshape(len(rows), -1, rows.shape[2])
    found = np.concatenate(list(np.matmul(rows, np.swapaxes(columns, 1, 2))), axis=1)
    assert (found == wanted[at.sample, :, at.position]).all()


def _integers(node: Node, x: npt.NDArray[np.int64], w: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return what the integer executor makes of a weighted sum."""
    return np.asarray(_EVALUATE[type(node.op)](node.op, x, w))


def test_places_are_all_there_are_or_the_same_draw_every_time() -> None:
    assert [len(places(3, 4, 1).sample), places(3, 4, 1).position.max()] == [12, 3]
    first, second = places(1000, 1000, 10), places(1000, 1000, 10)
    assert len(first.sample) == 1 << 14
    assert isinstance(first, Places)
    assert (first.sample == second.sample).all()
    assert (first.position == second.position).all()


@pytest.mark.parametrize("weight_bits", [2, 3, 4])
def test_outputs_come_closer_to_the_float_networks(weight_bits: int) -> None:
    graph = residual()
    x, fresh = data(graph, 200), data(graph, 100, seed=1)
    wanted = run(graph, fresh, ["score"])["score"]
    errors = []
    for rounding in ("nearest", "adaptive"):
        network = quantized(graph, x, weight_bits=weight_bits, rounding=rounding)
        read = network.node["score"].op
        assert isinstance(read, Readout)
        errors.append(mae(execute(network, encode(network, fresh))["score"] * read.scale, wanted))
    assert errors[1] < errors[0]


@pytest.mark.parametrize("zeros", [0.25, 0.5, 0.9])
def test_a_share_of_the_weights_is_zero_and_the_others_stand_in(zeros: float) -> None:
    x, weights, y = problem(3, 40, 400, channels=6)
    x[:, 20:] = x[:, :20] + 0.1 * x[:, 20:]  # half of what is heard can be told from the other half
    y = x @ weights.T
    chosen = rounded(x.T @ x, y.T @ x, weights, np.ones_like(weights), np.full_like(weights, 127.0), 400, zeros)
    assert ((chosen == 0).sum(axis=1) >= int(40 * zeros)).all()
    gone = np.where(chosen == 0, 0, np.rint(weights))
    assert (((x @ chosen.T - y) ** 2).sum(axis=0) < ((x @ gone.T - y) ** 2).sum(axis=0)).all()


def test_the_last_weight_stays() -> None:
    x, weights, _ = problem(4, 1, 50)
    weights = np.maximum(np.abs(weights), 2)
    whole = np.ones_like(weights)
    assert rounded(x.T @ x, (x @ weights.T).T @ x, weights, whole, 127 * whole, 50, 0.9).all()


def test_synapses_of_busy_sources_go_first() -> None:
    x = np.random.default_rng(0).normal(size=(500, 4))
    weights, whole = np.full((1, 4), 10.0), np.ones((1, 4))
    busy = np.array([0.1, 0.9, 0.1, 0.9])
    chosen = rounded(x.T @ x, (x @ weights.T).T @ x, weights, whole, 127 * whole, 500, 0.5, busy)
    assert (chosen == 0).tolist() == [[False, True, False, True]]


def test_zeros_reach_the_network() -> None:
    graph = residual()
    network = quantized(graph, data(graph, 100), rounding="adaptive:0.5")
    weights = [
        network.constants[node.inputs[1]] for node in network.nodes if node.op.linear and node.name != "mean.sum"
    ]
    assert all((weight == 0).mean() >= 0.45 for weight in weights)


def test_sums_that_are_too_wide_are_told_and_rounded_to_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, told = residual(), list[Diagnostic]()
    nearest = quantized(graph, data(graph, 50), rounding="nearest")
    monkeypatch.setattr(adapting, "MOST_WORK", 0)
    wide = quantized(graph, data(graph, 50), rounding="adaptive", report=told.append)
    assert {note.code for note in told} == {"SNN212"}
    assert len(told) == sum(isinstance(node.op, Fire | Readout) for node in wide.nodes if node.name != "mean")
    assert all(np.array_equal(wide.constants[name], array) for name, array in nearest.constants.items())


@pytest.mark.parametrize("zeros", [0.0, 0.5])
def test_weights_that_are_zero_stay_zero(zeros: float) -> None:
    x, weights, y = problem(3, 12, 200)
    weights[:, ::3] = 0
    chosen = rounded(x.T @ x, y.T @ x, weights, np.ones_like(weights), np.full_like(weights, 127.0), 200, zeros)
    assert not chosen[:, ::3].any()
    assert chosen.any()
