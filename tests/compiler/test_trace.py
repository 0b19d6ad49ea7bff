"""Feeds: what arrives where and when, and the samples it stands for."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import EventInput, Output, Population, Program, TensorInput
from snncc.compiler.trace import Arrivals, Event, Feed, feed_levels
from snncc.runtime.emulator import Emulator, run_events, run_feed, run_levels

ECHO = parse_neuron("port x y\nstate v:40\nv = add in.x in.y\nemit v")
events = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(-5, 5)), max_size=20)


def rows(arrivals: Arrivals) -> list[Event]:
    columns = arrivals.step.tolist(), arrivals.neuron.tolist(), arrivals.value.tolist()
    return list(zip(*columns, strict=True))


@given(events)
def test_events_are_sorted_and_those_that_meet_add_up(given: list[Event]) -> None:
    sums: dict[tuple[int, int], int] = defaultdict(int)
    for step, neuron, payload in given:
        sums[step, neuron] += payload
    assert rows(Arrivals.of(given)) == [(*place, value) for place, value in sorted(sums.items()) if value]


def test_no_events_are_no_arrivals() -> None:
    nothing = Arrivals.of([])
    assert rows(nothing) == []
    assert {column.dtype for column in (nothing.step, nothing.neuron, nothing.value)} == {np.dtype(np.int64)}
    assert rows(Arrivals.of([(3, 1, 4), (3, 1, -4)])) == []


@given(events, st.integers(0, 12))
def test_arrivals_are_told_step_by_step(given: list[Event], steps: int) -> None:
    arrivals = Arrivals.of(given)
    told = list(arrivals.by_step(steps))
    assert len(told) == steps
    found = [
        (step, int(i), int(v))
        for step, (neurons, values) in enumerate(told)
        for i, v in zip(neurons, values, strict=True)
    ]
    assert found == [row for row in rows(arrivals) if row[0] < steps]


def two_inputs(interval: int, starts: tuple[int, int]) -> Program:
    """Return two populations of other starts, each fed with a tensor and read."""
    made = [
        Population(f"p{k}", (2, 2), ECHO, {}, start, payload_bits=40, signed=True) for k, start in enumerate(starts)
    ]
    inputs = [TensorInput(f"in{k}", f"p{k}", "x", (2, 2), -9, 9, 1) for k in range(2)]  # type: ignore[arg-type]
    outputs = [Output(f"out{k}", f"p{k}", 1) for k in range(2)]  # type: ignore[arg-type]
    return Program("net", "any", interval, tuple(made), (), tuple(inputs), tuple(outputs))


@given(st.integers(1, 5), st.tuples(st.integers(0, 7), st.integers(0, 7)), st.integers(1, 6))
def test_samples_arrive_back_to_back_from_the_starts_of_their_populations(
    interval: int, starts: tuple[int, int], samples: int
) -> None:
    program = two_inputs(interval, starts)
    levels = {f"in{k}": np.random.default_rng(k).integers(-9, 10, (samples, 2, 2)) for k in range(2)}
    feed = feed_levels(program, levels)
    assert feed.steps == max(starts) + (samples - 1) * interval + 1
    for k, start in enumerate(starts):
        flat = levels[f"in{k}"].reshape(samples, 4)
        wanted = [(start + s * interval, i, int(flat[s, i])) for s in range(samples) for i in range(4) if flat[s, i]]
        assert rows(feed.arrivals[f"in{k}"]) == wanted
        assert feed.levels[f"in{k}"].tolist() == flat.tolist()


@given(st.integers(1, 5), st.tuples(st.integers(0, 7), st.integers(0, 7)), st.integers(1, 6))
def test_the_emulator_does_the_same_on_levels_and_on_their_feed(
    interval: int, starts: tuple[int, int], samples: int
) -> None:
    program = two_inputs(interval, starts)
    levels = {f"in{k}": np.random.default_rng(k).integers(-9, 10, (samples, 2, 2)) for k in range(2)}
    fed = run_feed(Emulator(program), feed_levels(program, levels))
    batches = {name: array[:, None] for name, array in levels.items()}
    for ours, theirs in zip(fed, run_levels(Emulator(program), batches, samples), strict=True):
        assert all(np.array_equal(ours[name].spikes, theirs[name].spikes) for name in ours)


@given(events, events)
def test_the_emulator_does_the_same_on_events_and_on_their_feed(some: list[Event], others: list[Event]) -> None:
    """Two inputs, one into each in-port of one population."""
    inputs = EventInput("a", "p0", "x"), EventInput("b", "p0", "y")
    program = replace(two_inputs(3, (0, 0)), inputs=inputs)
    given = {"a": some, "b": others}
    feed = Feed(10, {name: Arrivals.of(rows) for name, rows in given.items() if rows})
    by_event = run_events(Emulator(program), given, 10)
    for ours, theirs in zip(run_feed(Emulator(program), feed), by_event, strict=True):
        assert np.array_equal(ours["p0"].spikes, theirs["p0"].spikes)


def test_inputs_that_a_feed_does_not_name_get_nothing() -> None:
    ran = list(run_feed(Emulator(two_inputs(1, (0, 0))), Feed(3, {"in1": Arrivals.of([(1, 2, 7)])})))
    assert not any(sent["p0"].spikes.any() for sent in ran)
    assert ran[1]["p1"].spikes[:, 0].tolist() == [0, 0, 7, 0]


def test_levels_need_not_be_int64() -> None:
    feed = feed_levels(two_inputs(1, (0, 0)), {f"in{k}": np.ones((2, 4), dtype=np.int8) for k in range(2)})
    assert {array.dtype for array in feed.levels.values()} == {np.dtype(np.int64)}
    assert feed.arrivals["in0"].value.dtype == np.int64


@pytest.mark.parametrize("count", [0, 1])
def test_a_feed_of_events_stands_for_no_samples(count: int) -> None:
    assert Feed(count, {}).levels == {}
