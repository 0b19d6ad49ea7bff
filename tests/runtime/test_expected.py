"""What a population must do in a step, in closed form: trains window by window, silence before, nothing after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from snncc.compiler.coding import CODINGS, Levels, train
from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Claim, Program
from snncc.compiler.targets import load_target
from snncc.runtime.emulator import Emulator, run_levels
from snncc.runtime.expected import NOTHING, Expectation
from snncc.runtime.reference import execute
from tests.integer_nets import random_levels, two_layers

Ints = npt.NDArray[np.int64]
SAMPLES, STREAMS = 3, 2
each_coding = pytest.mark.parametrize("name", CODINGS)


def made(name: str, lo: int = 0) -> tuple[Program, Graph, dict[str, Ints], Expectation]:
    graph = two_layers(lo)
    program = lower(graph, Choice(CODINGS[name], CODINGS[name]), load_target("loihi2"))
    values = execute(graph, random_levels(graph, SAMPLES * STREAMS))
    return program, graph, values, Expectation(program, graph, values, SAMPLES, STREAMS)


def by_stream(values: Ints, sample: int) -> Ints:
    """Return a sample's values [neurons, streams]: sample by sample, all streams of one before those of the next."""
    shown: Ints = values[sample * STREAMS : (sample + 1) * STREAMS].reshape(STREAMS, -1).T
    return shown


@each_coding
def test_each_window_holds_the_train_of_its_sample(name: str) -> None:
    program, _, values, expectation = made(name)
    for population in program.populations[:-1]:
        assert population.claim is not None
        levels = Levels(population.claim.lo, population.claim.hi)
        for sample in range(SAMPLES):
            wanted = train(CODINGS[name], by_stream(values[population.name], sample), levels)
            begin = population.start + sample * program.interval
            for phase in range(program.interval):
                spikes = expectation.at(population, begin + phase).spikes
                assert spikes is not None
                inside = phase < population.window
                assert (spikes == (wanted[phase] if inside else 0)).all()


@each_coding
def test_every_population_is_silent_before_its_window_and_free_after_its_last(name: str) -> None:
    program, _, _, expectation = made(name)
    for population in program.populations:
        for step in range(population.start):
            before = expectation.at(population, step)
            assert before.spikes is not None
            assert not before.spikes.any()
            assert before.membrane is None or not before.membrane.any()
        end = population.start + SAMPLES * program.interval
        assert expectation.at(population, end - 1) is not NOTHING
        assert expectation.at(population, end) is NOTHING


@each_coding
@pytest.mark.parametrize("lo", [0, -2])
def test_what_is_expected_is_what_the_emulator_does(name: str, lo: int) -> None:
    if lo and not CODINGS[name].signed:
        return
    program, graph, values, expectation = made(name, lo)
    levels = {"x": values["x.levels"].reshape(SAMPLES, STREAMS, 16)}
    seen = 0
    for step, sent in enumerate(run_levels(Emulator(program, STREAMS), levels, SAMPLES)):
        for population in program.populations:
            expected, did = expectation.at(population, step), sent[population.name]
            for wanted, found in ((expected.spikes, did.spikes), (expected.membrane, did.membrane)):
                assert wanted is None or (wanted == found).all()
                seen += wanted is not None
    assert seen > graph.types["x"].size


@each_coding
def test_a_membrane_starts_from_the_charge_and_rests_after_its_window(name: str) -> None:
    program, _, values, expectation = made(name)
    first = program.population["first"]
    charge = by_stream(values["first.charge"], 1)
    theta, levels = np.array(4), Levels(0, 3)
    for phase in range(program.interval):
        membrane = expectation.at(first, first.start + program.interval + phase).membrane
        q = by_stream(values["first"], 1)
        wanted = CODINGS[name].membrane_at(charge, q, theta, min(phase, first.window - 1), levels)
        assert membrane is not None
        assert (membrane == wanted).all()


def test_a_readout_shows_its_charge_and_sends_nothing() -> None:
    program, _, values, expectation = made("rate")
    readout = program.population["y"]
    for sample in range(SAMPLES):
        for phase in range(program.interval):
            expected = expectation.at(readout, readout.start + sample * program.interval + phase)
            assert expected.membrane is not None
            assert (expected.membrane == by_stream(values["y"], sample)).all()
            assert expected.spikes is not None
            assert not expected.spikes.any()


def test_no_membrane_is_claimed_of_a_pool() -> None:
    program, _, _, expectation = made("graded")
    pool = program.population["pool"]
    assert all(expectation.at(pool, step).membrane is None for step in range(pool.start + 2))


def test_a_population_without_a_claim_may_do_anything() -> None:
    program, graph, values, _ = made("graded")
    free = replace(program.populations[1], claim=None)
    without = replace(program, populations=(program.populations[0], free, *program.populations[2:]))
    assert Expectation(without, graph, values, SAMPLES, STREAMS).at(free, 5) is NOTHING


def test_a_coding_that_nobody_knows_is_an_internal_error() -> None:
    program, graph, values, _ = made("graded")
    odd = replace(program.populations[0], claim=Claim("x.levels", "copy", "morse", 0, 3))
    strange = replace(program, populations=(odd, *program.populations[1:]))
    with pytest.raises(InternalError, match="morse"):
        Expectation(strange, graph, values, SAMPLES, STREAMS).at(odd, 0)
