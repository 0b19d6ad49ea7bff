"""A wait that synapses cannot hold is bridged by relays; what cannot be bridged is refused, never cut short."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.coding import CODINGS, Coding
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Program
from snncc.compiler.targets import Target, load_target
from snncc.runtime.stepped import Tally, step_and_compare
from tests.integer_nets import IntegerNet, integer_networks, random_levels


def chip(max_delay: int) -> Target:
    return replace(load_target("loihi2"), max_delay=max_delay)


def skip(layers: int, lo: int = 0) -> Graph:
    """Return a chain of layers whose readout also hears the input."""
    net = IntegerNet(2)
    x = last = net.input(2, 3, lo=lo, hi=3)
    for _ in range(layers):
        last = net.fire(net.conv(last, 2), lo=lo, hi=3, theta=2)
    return net.graph(net.read(net.dense(last), net.dense(net.transpose(x, 1, 0)), name="y"))


def lowered(graph: Graph, coding: Coding, max_delay: int) -> Program:
    return lower(graph, Choice(coding, coding), chip(max_delay))


def relays(program: Program) -> list[str]:
    return [p.name for p in program.populations if ".relay" in p.name]


def is_exact(program: Program, graph: Graph) -> bool:
    tally = Tally()
    step_and_compare(program, graph, random_levels(graph, 6), tally)
    return tally.mismatches == 0


@pytest.mark.parametrize("coding", CODINGS.values(), ids=lambda coding: coding.name)
@pytest.mark.parametrize("layers", [1, 2, 5])
@pytest.mark.parametrize("max_delay", [0, 1, 2, 7])
def test_a_skip_is_exact_whatever_the_longest_delay(coding: Coding, layers: int, max_delay: int) -> None:
    graph = skip(layers)
    program = lowered(graph, coding, max_delay)
    assert max(wire.delay for wire in program.connections) <= 1 + max_delay
    assert is_exact(program, graph)


@pytest.mark.parametrize("name", ["graded", "bitplane", "rate"])
def test_relays_pass_negative_levels_on(name: str) -> None:
    graph = skip(3, lo=-2)
    program = lowered(graph, CODINGS[name], 0)
    assert len(relays(program)) == 3
    assert is_exact(program, graph)


@pytest.mark.parametrize(("max_delay", "count"), [(0, 6), (1, 5), (2, 4), (3, 3), (5, 2), (8, 1), (17, 1), (18, 0)])
def test_there_are_as_few_relays_as_the_wait_allows(max_delay: int, count: int) -> None:
    """Six windows of three steps each: a wait of 18 steps; k relays bridge 3 k to 3 k + (k + 1) max_delay."""
    assert len(relays(lowered(skip(6), CODINGS["rate"], max_delay))) == count


@settings(max_examples=60)
@given(wait=st.integers(0, 60), window=st.integers(1, 9), max_delay=st.integers(0, 12))
def test_relays_are_found_exactly_where_there_are_any(wait: int, window: int, max_delay: int) -> None:
    """By brute force: k relays and k + 1 delays of 0..max_delay can add up to the wait, for some k."""
    possible = any(k * window <= wait <= k * window + (k + 1) * max_delay for k in range(wait + 1))
    graph = waiting(wait, window)
    choice = Choice(CODINGS["graded"], CODINGS["graded"], {"slow": CODINGS["rate"], "long": CODINGS["rate"]})
    if not possible:
        with pytest.raises(SnnccError, match="SNN330"):
            lower(graph, choice, chip(max_delay))
        return
    program = lower(graph, choice, chip(max_delay))
    assert max(wire.delay for wire in program.connections) <= 1 + max_delay
    for wire in program.connections:
        source = program.population[wire.source]
        assert source.start + source.window - 1 + wire.delay == program.population[wire.target].start


def waiting(wait: int, window: int) -> Graph:
    """Return a network in which the spikes of ``slow``, with a given window, wait for those of ``long``, sent later."""
    net = IntegerNet()
    x = net.input(1, hi=1)
    slow = net.fire(net.dense(x, 1), hi=window, name="slow")
    heard = [net.dense(slow, 1)]
    if wait:
        heard.append(net.dense(net.fire(net.dense(x, 1), hi=window + wait, name="long"), 1))
    return net.graph(net.read(*heard, name="y"))


def test_a_wait_that_nothing_can_bridge_is_refused() -> None:
    """Windows of 4 and 6 steps: a wait of two steps is longer than one, and shorter than a relay's window."""
    choice = Choice(CODINGS["rate"], CODINGS["graded"])
    with pytest.raises(SnnccError) as caught:
        lower(waiting(2, 4), choice, chip(1))
    (problem,) = caught.value.diagnostics
    assert problem.code == "SNN330"
    assert problem.message == (
        "spikes of 'slow' must wait 2 steps for 'y'; loihi2 delays by up to 1, and a relay would take 4"
    )
    assert problem.loc.name == "dense3"
    assert problem.hint


def test_all_waits_that_cannot_be_bridged_are_told_at_once() -> None:
    net = IntegerNet()
    x = net.input(1, hi=1)
    fast = [net.fire(net.dense(x, 1), hi=4, name=f"fast{i}") for i in range(2)]
    slow = net.fire(net.dense(x, 1), hi=6, name="slow")
    graph = net.graph(net.read(*(net.dense(part) for part in (*fast, slow)), name="y"))
    with pytest.raises(SnnccError) as caught:
        lower(graph, Choice(CODINGS["rate"], CODINGS["graded"]), chip(0))
    assert [d.code for d in caught.value.diagnostics] == ["SNN330", "SNN330"]


def reject_others(error: SnnccError) -> None:
    if {d.code for d in error.diagnostics} != {"SNN330"}:
        raise error


@settings(max_examples=30)
@given(graph=integer_networks(), name=st.sampled_from(["graded", "bitplane", "rate"]), max_delay=st.integers(0, 8))
def test_a_program_never_asks_for_more_delay_than_there_is(graph: Graph, name: str, max_delay: int) -> None:
    try:
        program = lowered(graph, CODINGS[name], max_delay)
    except SnnccError as error:
        reject_others(error)
        return
    assert max(wire.delay for wire in program.connections) <= 1 + max_delay
    order = {population.name: number for number, population in enumerate(program.populations)}
    assert all(order[wire.source] < order[wire.target] for wire in program.connections)
    assert is_exact(program, graph)
