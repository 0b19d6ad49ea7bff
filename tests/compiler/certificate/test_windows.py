"""Windows end-aligned and disjoint, delays and weights what the target has: every breach is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from snncc.compiler.certificate.windows import schedule_problems, weight_problems, widest
from snncc.compiler.coding import CODINGS
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Connection, DenseSynapses, Population, Program
from snncc.compiler.targets import load_target
from tests.integer_nets import IntegerNet

LOIHI2 = load_target("loihi2")


def program(name: str) -> Program:
    """Return the program of two layers, a max-pool and a skip."""
    net = IntegerNet(2)
    first = net.fire(net.conv(net.input(1, 4, 4), 2, 1), name="first")
    pooled = net.max_pool(first, name="pool")
    second = net.fire(net.dense(pooled, 3), net.dense(first, 3), name="second")
    return lower(net.graph(net.read(net.dense(second, 2), name="y")), choose(name, LOIHI2), LOIHI2)


def with_population(given: Program, name: str, **changes: Any) -> Program:
    changed = [replace(p, **changes) if p.name == name else p for p in given.populations]
    return replace(given, populations=tuple(changed))


def with_connections(given: Program, change: Callable[[Connection], Connection]) -> Program:
    return replace(given, connections=tuple(change(c) for c in given.connections))


@pytest.mark.parametrize("name", CODINGS)
def test_what_the_compiler_schedules_is_right(name: str) -> None:
    assert list(schedule_problems(program(name), LOIHI2)) == []
    assert list(weight_problems(program(name), LOIHI2)) == []


@pytest.mark.parametrize("name", ["rate", "bitplane", "ttfs"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_window_of_another_length_is_told(name: str, change: int) -> None:
    given = program(name)
    window = given.population["second"].window + change
    problems = list(schedule_problems(with_population(given, "second", window=window), LOIHI2))
    assert any("second has a window" in problem for problem in problems)
    assert any("late for the window of y" in problem for problem in problems)


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("population", ["pool", "second", "y"])
def test_a_window_that_begins_at_another_step_is_told(population: str, change: int) -> None:
    given = program("rate")
    start = given.population[population].start + change
    problems = list(schedule_problems(with_population(given, population, start=start), LOIHI2))
    assert any(f"for the window of {population}" in problem for problem in problems)


def test_another_delay_is_told() -> None:
    given = with_connections(program("graded"), lambda c: replace(c, delay=c.delay + 1))
    assert len(list(schedule_problems(given, LOIHI2))) == len(given.connections)


def test_a_delay_that_the_target_does_not_have_is_told() -> None:
    problems = list(schedule_problems(program("rate"), replace(LOIHI2, max_delay=0)))
    assert any("takes" in problem for problem in problems)


def test_windows_that_overlap_are_told() -> None:
    given = program("rate")
    problems = list(schedule_problems(replace(given, interval=given.interval - 1), LOIHI2))
    assert any("overlap" in problem for problem in problems)


def test_a_port_of_another_kernel_is_told() -> None:
    given = with_connections(program("bitplane"), lambda c: replace(c, port="add") if c.target == "y" else c)
    assert any("not the kernel of its source" in problem for problem in schedule_problems(given, LOIHI2))


@pytest.mark.parametrize(
    ("weight", "bits"),
    [([[0, 0]], 0), ([[3, -4]], 3), ([[127, 1]], 7), ([[128, 64]], 2), ([[1024, 8]], 8), ([[3, 1], [768, 256]], 2)],
)
def test_a_channel_shares_one_exponent(weight: list[list[int]], bits: int) -> None:
    assert widest(np.array(weight)) == bits


def test_weights_that_are_too_wide_are_told() -> None:
    def widened(connection: Connection) -> Connection:
        weight = connection.synapses.weight.copy()
        weight.flat[0], weight.flat[1] = 128, 1
        changed = replace(connection.synapses, weight=weight)
        return replace(connection, synapses=changed) if isinstance(changed, DenseSynapses) else connection

    problems = list(weight_problems(with_connections(program("graded"), widened), LOIHI2))
    assert problems
    assert all("do not fit 8 bits" in problem for problem in problems)


def test_populations_are_named_in_the_order_of_the_program() -> None:
    given = program("rate")
    broken: list[Population] = [replace(p, window=99) for p in given.populations]
    named = [p.split()[1] for p in schedule_problems(replace(given, populations=tuple(broken)), LOIHI2) if "has a" in p]
    assert named == [p.name for p in broken if p.name != "y"]
