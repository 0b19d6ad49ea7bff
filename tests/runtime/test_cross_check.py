"""A device that leaves the emulator, or the integer network, is caught, and the place where it does is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise

import pytest

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.compiler.trace import Feed, Sent, Trace, feed_levels
from snncc.runtime.cross_check import CrossCheck, Device, cross_check
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.reference import execute
from tests.integer_nets import random_levels, two_layers

SAMPLES = 7


def program_of(graph: Graph, name: str = "rate") -> Program:
    return lower(graph, Choice(CODINGS[name], CODINGS[name]), load_target("loihi2"))


def checked(program: Program, graph: Graph, device: Device) -> CrossCheck:
    found = CrossCheck()
    cross_check(program, graph, random_levels(graph, SAMPLES), device, found)
    return found


def replaying(program: Program) -> Device:
    return Device("replay", "spikes", lambda feed: run_feed(Emulator(program), feed))


def changing(program: Program, at: int, population: str, what: str, neuron: int, amount: int) -> Device:
    """Return a device that lies about one neuron in one step."""

    def run(feed: Feed) -> Trace:
        for step, sent in enumerate(run_feed(Emulator(program), feed)):
            if step == at:
                value = getattr(sent[population], what).copy()
                value[neuron] += amount
                sent = {**sent, population: replace(sent[population], **{what: value})}
            yield sent

    return Device("liar", "spikes", run)


def levels_device(graph: Graph, wrong: Mapping[str, int] | None = None, drop: int = 0) -> Device:
    """Return a device that runs the integer network; level 1 of sample 3 of a node is off by what ``wrong`` says."""

    def run(feed: Feed) -> Iterator[Mapping[str, Sent]]:
        shape = {node.name: node.type.shape for node in graph.nodes}
        levels = {"x.levels": feed.levels["x"].reshape(-1, *shape["x.levels"])}
        values = {name: a.copy() for name, a in execute(graph, levels).items() if name in shape}
        for name, amount in (wrong or {}).items():
            values[name].reshape(SAMPLES, -1)[3, 1] += amount
        for sample in range(SAMPLES - drop):
            flat = {name: a[sample].reshape(-1, 1) for name, a in values.items()}
            yield {name: Sent(a, a) for name, a in flat.items()}

    return Device("levels", "levels", run)


@pytest.mark.parametrize("name", CODINGS)
def test_the_emulator_equals_itself(name: str) -> None:
    graph = two_layers()
    program = program_of(graph, name)
    found = checked(program, graph, replaying(program))
    assert (found.mismatches, found.first, found.samples) == (0, None, SAMPLES)
    assert found.steps == program.latency + (SAMPLES - 1) * program.interval + 1


@pytest.mark.parametrize(("what", "told"), [("spikes", "spike"), ("membrane", "membrane")])
@pytest.mark.parametrize("population", ["x.levels", "first", "pool", "y"])
def test_a_wrong_value_is_located(what: str, told: str, population: str) -> None:
    graph = two_layers()
    program = program_of(graph)
    found = checked(program, graph, changing(program, 11, population, what, 1, 1))
    assert found.mismatches == 1
    assert found.first is not None
    assert (found.first.step, found.first.population, found.first.neuron) == (11, population, 1)
    assert found.first.what == told
    assert found.first.found == found.first.expected + 1


def test_what_arrived_is_told() -> None:
    graph = two_layers()
    program = program_of(graph, "graded")
    found = checked(program, graph, changing(program, 2, "first", "membrane", 5, 1))
    assert found.first is not None
    assert {source for source, *_ in found.first.inputs} == {"x.levels"}


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_run_of_another_length_is_no_equal_run(steps: int) -> None:
    graph = two_layers()
    program = program_of(graph)
    longer = Device("odd", "spikes", lambda feed: run_feed(Emulator(program), replace(feed, steps=feed.steps + steps)))
    found = checked(program, graph, longer)
    assert found.mismatches == 1
    assert found.first is not None
    assert "do not both end" in found.first.what


def test_levels_that_agree_pass() -> None:
    graph = two_layers()
    found = checked(program_of(graph), graph, levels_device(graph))
    assert (found.mismatches, found.steps, found.samples) == (0, 0, SAMPLES)


@pytest.mark.parametrize("node", ["x.levels", "first", "pool", "second", "y"])
def test_a_wrong_level_is_located(node: str) -> None:
    graph = two_layers()
    found = checked(program_of(graph), graph, levels_device(graph, {node: -2}))
    assert found.mismatches == 1
    assert found.first is not None
    assert (found.first.population, found.first.sample, found.first.neuron) == (node, 3, 1)
    assert found.first.found == found.first.expected - 2


def test_missing_samples_are_a_mismatch() -> None:
    graph = two_layers()
    assert checked(program_of(graph), graph, levels_device(graph, drop=1)).mismatches == 1


def test_samples_that_nobody_asked_for_are_a_mismatch() -> None:
    graph = two_layers()
    once = levels_device(graph)
    twice = replace(once, run=lambda feed: (sent for sent in [*once.run(feed), *once.run(feed)]))
    assert checked(program_of(graph), graph, twice).mismatches == 1


def test_a_node_that_is_kept_back_is_no_pass() -> None:
    graph = two_layers()
    whole = levels_device(graph)
    partial = replace(whole, run=lambda feed: ({k: v for k, v in s.items() if k != "pool"} for s in whole.run(feed)))
    with pytest.raises(SnnccError, match=r"SNN606.*pool"):
        checked(program_of(graph), graph, partial)


def test_progress_counts_up_to_the_samples() -> None:
    graph = two_layers()
    program = program_of(graph)
    told: list[int] = []
    cross_check(program, graph, random_levels(graph, SAMPLES), replaying(program), CrossCheck(), told.append)
    assert told == [*range(1, SAMPLES + 1)]


@pytest.mark.parametrize("what", ["membrane", "spikes"])
def test_what_happens_in_a_step_that_rests_is_caught(what: str) -> None:
    """Steps that repeat the one before are objects that agreed already; another object is compared again."""
    graph = two_layers()
    program = program_of(graph)
    steps = list(run_feed(Emulator(program), feed_levels(program, {"x": random_levels(graph, SAMPLES)["x.levels"]})))
    rests = [
        (step, name)
        for step, (before, now) in enumerate(pairwise(steps), start=1)
        for name in now
        if now[name] is before[name]
    ]
    assert len(rests) > 10
    for step, name in rests[:: len(rests) // 5]:
        found = checked(program, graph, changing(program, step, name, what, 0, 1))
        assert found.mismatches == 1
        assert found.first is not None
        assert (found.first.step, found.first.population) == (step, name)
