"""The emulator on programs made by hand, against simulations that share nothing with it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.backends.conformance.dynamics import LEAKY
from snncc.compiler.container import load_program, save_program
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import (
    Connection,
    ConvSynapses,
    DenseSynapses,
    EventInput,
    Output,
    Population,
    Program,
    SparseSynapses,
    TensorInput,
)
from snncc.compiler.program_check import check_program
from snncc.compiler.trace import Event, Sent
from snncc.runtime.emulator import Emulator, run_events, run_levels
from snncc.runtime.neurons import StateOverflow

Ints = npt.NDArray[np.int64]
Traces = tuple[list[list[int]], list[list[int]]]  # spikes and membranes of the cells, step by step

# Sends on what it hears, in the same step.
ECHO = parse_neuron("port x\nstate v:16\nv = copy in.x\nemit v")

LIF = parse_neuron(LEAKY)
KEEP_U, KEEP_V, BIAS, THETA, HOLD = 3000, 3900, [0, 3, -2, 5, 1, 0], [90, 100, 80, 60, 100, 60], 2
EYES, CELLS = 4, 6
FEED = np.random.default_rng(1).integers(-9, 10, (CELLS, EYES))
SIDE = [(0, 1, 25), (1, 2, -30), (5, 5, -40), (3, 0, 20), (0, 1, 5)]  # source, target, weight
FEED_DELAY, SIDE_DELAY = 3, 2


def lif_program() -> Program:
    """Return eyes that echo events into a recurrent population of leaky cells; free-running."""
    eyes = Population("eyes", (EYES,), ECHO, {}, payload_bits=8, signed=True)
    params = {"keep_u": KEEP_U, "keep_v": KEEP_V, "bias": BIAS, "theta": THETA, "hold": HOLD}
    arrays = {name: np.array(value, dtype=np.int64) for name, value in params.items()}
    cells = Population("cells", (CELLS,), LIF, arrays)
    ends = [np.array(column, dtype=np.int64) for column in zip(*SIDE, strict=True)]
    wires = (
        Connection("feed", "eyes", "cells", "x", DenseSynapses(FEED), FEED_DELAY),
        Connection("side", "cells", "cells", "x", SparseSynapses(*ends), SIDE_DELAY),
    )
    return Program("lif", "none", 0, (eyes, cells), wires, (EventInput("dvs", "eyes", "x"),))


def simulate(events: list[Event], steps: int) -> Traces:
    """Return what the cells do, neuron by neuron in plain Python."""
    arriving: dict[tuple[int, int], int] = defaultdict(int)  # step, cell
    seen: dict[tuple[int, int], int] = defaultdict(int)  # step, eye
    for step, eye, payload in events:
        seen[step, eye] += payload
    u, v, wait = [0] * CELLS, [0] * CELLS, [0] * CELLS
    spikes, membranes = [], []
    for now in range(steps):
        for eye, cell in np.ndindex(EYES, CELLS):
            arriving[now + FEED_DELAY, cell] += int(FEED[cell, eye]) * seen[now, eye]
        row = []
        for i in range(CELLS):
            u[i] = u[i] * KEEP_U // 4096 + arriving[now, i]
            fired = False
            if wait[i] > 0:
                wait[i] -= 1
            else:
                v[i] = v[i] * KEEP_V // 4096 + u[i] + BIAS[i]
                fired = v[i] >= THETA[i]
            if fired:
                v[i], wait[i] = 0, HOLD
            row.append(int(fired))
        for source, target, weight in SIDE:
            arriving[now + SIDE_DELAY, target] += weight * row[source]
        spikes.append(row)
        membranes.append(list(v))
    return spikes, membranes


def traces(ran: list[dict[str, Sent]], stream: int = 0) -> Traces:
    cells = [sent["cells"] for sent in ran]
    return [c.spikes[:, stream].tolist() for c in cells], [c.membrane[:, stream].tolist() for c in cells]


def random_events(seed: int, steps: int) -> list[Event]:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(0, 2 * steps))
    columns = rng.integers(0, steps, count), rng.integers(0, EYES, count), rng.integers(-6, 9, count)
    return [(int(step), int(eye), int(payload)) for step, eye, payload in zip(*columns, strict=True)]


@given(st.integers(0, 10**6))
@settings(max_examples=25)
def test_a_leaky_recurrent_population_does_what_its_equations_say(seed: int) -> None:
    events = random_events(seed, 150)
    ran = list(run_events(Emulator(lif_program()), {"dvs": events}, 160))
    assert traces(ran) == simulate(events, 160)


def test_that_comparison_has_spikes_refractory_time_and_negative_membranes() -> None:
    spikes, membranes = simulate(random_events(1, 150), 160)
    assert sum(map(sum, spikes)) > 30
    assert min(map(min, membranes)) < 0


def test_the_lif_program_is_sound_and_runs_the_same_from_a_file(tmp_path: Path) -> None:
    program = lif_program()
    assert check_program(program) == []
    save_program(program, tmp_path / "lif.snnp")
    loaded = load_program(tmp_path / "lif.snnp")
    assert loaded == program
    events = random_events(2, 100)
    assert traces(list(run_events(Emulator(loaded), {"dvs": events}, 100))) == simulate(events, 100)


def test_streams_are_independent() -> None:
    """Three streams with their own events do what three emulators do alone."""
    alone = [Emulator(lif_program()) for _ in range(3)]
    together = Emulator(lif_program(), streams=3)
    rng = np.random.default_rng(3)
    for _ in range(100):
        charge = rng.integers(-5, 9, (EYES, 3))
        together.inject("eyes", "x", charge)
        sent = together.step()["cells"]
        for stream, emulator in enumerate(alone):
            emulator.inject("eyes", "x", charge[:, stream : stream + 1])
            own = emulator.step()["cells"]
            assert (sent.spikes[:, stream] == own.spikes[:, 0]).all()
            assert (sent.membrane[:, stream] == own.membrane[:, 0]).all()


def test_events_are_fed_to_every_stream() -> None:
    events = random_events(4, 60)
    ran = list(run_events(Emulator(lif_program(), streams=2), {"dvs": events}, 60))
    assert traces(ran, 0) == traces(ran, 1) == simulate(events, 60)


def test_state_and_spikes_under_way_are_carried_over() -> None:
    """A run in two parts is one run; a fresh emulator would differ."""
    events = random_events(5, 80)
    parts = [[e for e in events if e[0] < 37], [e for e in events if e[0] >= 37]]
    emulator = Emulator(lif_program())
    ran = list(run_events(emulator, {"dvs": parts[0]}, 37)) + list(run_events(emulator, {"dvs": parts[1]}, 43))
    expected = simulate(events, 80)
    assert traces(ran) == expected
    fresh = simulate([(step - 37, eye, payload) for step, eye, payload in parts[1]], 43)
    assert fresh[1] != expected[1][37:]


@pytest.mark.parametrize("delay", [1, 2, 5, 17])
def test_a_spike_arrives_after_the_delay_of_its_connection(delay: int) -> None:
    a, b = (Population(name, (2,), ECHO, {}, payload_bits=8) for name in "ab")
    there = Connection("there", "a", "b", "x", DenseSynapses(np.array([[0, 3], [2, 0]])), delay)
    near = Connection("near", "a", "b", "x", DenseSynapses(np.array([[1, 0], [0, 0]])), 1)
    program = Program("p", "none", 0, (a, b), (there, near), (EventInput("in", "a", "x"),))
    events = [(0, 0, 5), (0, 1, 7), (3, 1, 1), (3, 1, 1)]
    ran = list(run_events(Emulator(program), {"in": events}, 25))
    expected = np.zeros((25, 2), dtype=np.int64)
    for step, neuron, payload in events:
        expected[step + delay, 1 - neuron] += payload * (3 if neuron else 2)
        expected[step + 1, 0] += payload * (neuron == 0)
    assert [sent["b"].spikes[:, 0].tolist() for sent in ran] == expected.tolist()


def test_a_convolution_carries_the_same_charge_as_the_dense_connection_it_stands_for() -> None:
    rng = np.random.default_rng(6)
    conv = ConvSynapses(rng.integers(-3, 4, (2, 1, 2)), (2, 5), (2,), (1, 0), (1,), 2)
    dense = np.zeros((2, 3, 2, 5), dtype=np.int64)
    for o, p, k in np.ndindex(2, 3, 2):
        if 0 <= 2 * p + k - 1 < 5:
            dense[o, p, o, 2 * p + k - 1] = conv.weight[o, 0, k]
    a = Population("a", (2, 5), ECHO, {}, payload_bits=8)
    b = Population("b", (2, 3), ECHO, {}, payload_bits=16, signed=True)
    results = []
    for synapses in (conv, DenseSynapses(dense.reshape(6, 10))):
        program = Program("p", "none", 0, (a, b), (Connection("c", "a", "b", "x", synapses),))
        emulator = Emulator(program)
        emulator.inject("a", "x", np.arange(10).reshape(10, 1))
        emulator.step()
        results.append(emulator.step()["b"].spikes.ravel().tolist())
        assert int(emulator.fan_out["a"].sum()) == np.count_nonzero(dense)
    assert results[0] == results[1]
    assert any(results[0])


def test_tensors_are_injected_at_the_start_of_each_window() -> None:
    a = Population("a", (2,), ECHO, {}, start=2, payload_bits=8)
    inputs = (TensorInput("in", "a", "x", (2,), 0, 9, Fraction(1)),)
    program = Program("p", "none", 3, (a,), (), inputs, (Output("out", "a", Fraction(1)),))
    levels = np.array([[[1, 2]], [[3, 4]]])
    ran = list(run_levels(Emulator(program), {"in": levels}, 2))
    assert [sent["a"].spikes[:, 0].tolist() for sent in ran] == [[0, 0], [0, 0], [1, 2], [0, 0], [0, 0], [3, 4]]


def test_phase_counts_from_the_start_and_repeats_with_the_interval() -> None:
    clock = parse_neuron("port x\nstate v:16\nv = copy phase")
    a = Population("a", (1,), clock, {}, start=2)
    for interval, expected in ((3, [-2, -1, 0, 1, 2, 0, 1]), (0, [-2, -1, 0, 1, 2, 3, 4])):
        emulator = Emulator(Program("p", "none", interval, (a,), ()))
        assert [int(emulator.step()["a"].membrane[0, 0]) for _ in range(7)] == expected


SUM = Population("a", (1,), parse_neuron("port x\nstate v:8\nv = add v in.x"), {})
NARROW = Population("a", (1,), ECHO, {}, payload_bits=3)
SIGNED = Population("a", (1,), ECHO, {}, payload_bits=3, signed=True)


@pytest.mark.parametrize(
    ("population", "charge", "message"),
    [
        (SUM, 127, None),
        (SUM, 128, r"v of population a left -128..127"),
        (SUM, -128, None),
        (SUM, -129, "v of population a"),
        (NARROW, 7, None),
        (NARROW, 8, r"payload of population a left 0..7"),
        (NARROW, -1, "payload of population a"),
        (SIGNED, -4, None),
        (SIGNED, 4, r"payload of population a left -4..3"),
    ],
)
def test_a_value_wider_than_declared_stops_the_run(population: Population, charge: int, message: str | None) -> None:
    emulator = Emulator(Program("p", "none", 0, (population,), ()))
    emulator.inject("a", "x", np.array([[charge]]))
    if message is None:
        emulator.step()
        return
    with pytest.raises(StateOverflow, match=message):
        emulator.step()


def test_states_begin_at_their_initial_values() -> None:
    neuron = parse_neuron("port x\nstate v:8=-5\nv = add v 1")
    emulator = Emulator(Program("p", "none", 0, (Population("a", (2,), neuron, {}),), ()))
    assert [emulator.step()["a"].membrane[:, 0].tolist() for _ in range(2)] == [[-4, -4], [-3, -3]]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ({"sound": []}, "no event input sound"),
        ({"dvs": [(-1, 0, 1)]}, r"outside the steps 0..9"),
        ({"dvs": [(10, 0, 1)]}, r"outside the steps 0..9"),
        ({"dvs": [(0, EYES, 1)]}, r"names no neuron of eyes, which has 0..3"),
        ({"dvs": [(0, -1, 1)]}, "names no neuron of eyes"),
        ({"dvs": [(0, 0, 1.5)]}, "is not three integers"),
        ({"dvs": [(0, 0)]}, "is not three integers"),
        ({"dvs": [(0, 0, 2**31)]}, "more than 32 bits"),
    ],
)
def test_events_that_do_not_fit_are_refused_before_anything_runs(events: dict[str, list[Event]], message: str) -> None:
    emulator = Emulator(lif_program())
    with pytest.raises(SnnccError, match=f"SNN320.*{message}"):
        run_events(emulator, events, 10)
    assert emulator.now == 0


def test_every_event_that_does_not_fit_is_reported() -> None:
    with pytest.raises(SnnccError) as caught:
        run_events(Emulator(lif_program()), {"dvs": [(99, 0, 1), (0, 0, 1), (0, 99, 1)], "ears": []}, 10)
    assert [d.code for d in caught.value.diagnostics] == ["SNN320"] * 3


def test_steps_of_events_count_on_from_where_the_emulator_stands() -> None:
    emulator = Emulator(lif_program())
    list(run_events(emulator, {}, 5))
    with pytest.raises(SnnccError, match=r"outside the steps 5..6"):
        run_events(emulator, {"dvs": [(4, 0, 1)]}, 2)
    sent = next(iter(run_events(emulator, {"dvs": [(5, 1, 3)]}, 2)))
    assert sent["eyes"].spikes[:, 0].tolist() == [0, 3, 0, 0]


def test_populations_that_nobody_connects_run_alone() -> None:
    program = replace(lif_program(), connections=())
    ran = list(run_events(Emulator(program), {"dvs": [(0, 0, 5)]}, 30))
    assert sum(sent["cells"].spikes[3, 0] for sent in ran) > 0  # its bias alone fires it
