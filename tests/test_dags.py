"""Random integer DAGs: skips, joined and moved values, pools, ladders, signed levels, another coding in every layer.

Integer executor, emulator and C agree in every spike and membrane, and the checker accepts what the compiler certifies.
``SNNCC_DAGS=2000 HYPOTHESIS_PROFILE=explore`` tries so many, new ones each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from snncc.compiler.certificate import certify
from snncc.compiler.coding import CODINGS
from snncc.compiler.container import save_program
from snncc.compiler.ir.graph import Graph
from snncc.compiler.mapping.choice import Choice, senders
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Origin, Program
from snncc.compiler.targets import load_target
from snncc.emission import on_device
from snncc.runtime.checker import check
from snncc.runtime.cross_check import CrossCheck, cross_check
from snncc.runtime.stepped import Tally, step_and_compare
from tests.integer_nets import integer_networks, random_levels

LOIHI2 = load_target("loihi2")
CASES = int(os.environ.get("SNNCC_DAGS", "20"))


def often(cases: int) -> Callable[..., object]:
    """Return settings for so many random cases; a failing one is not made smaller, for each may take a second."""
    return settings(max_examples=cases, suppress_health_check=list(HealthCheck), phases=[Phase.generate])


@st.composite
def programs(draw: st.DrawFn) -> tuple[Graph, Program]:
    """Return a random integer network and its program, each layer in a coding of its own."""
    graph = draw(integer_networks(every=True))
    able = {node.name: [c for c in CODINGS.values() if c.signed or node.type.lo == 0] for node in senders(graph)}
    chosen = {name: draw(st.sampled_from(codings)) for name, codings in able.items()}
    schedule = draw(st.sampled_from(["pipelined", "sequential"]))
    target = replace(LOIHI2, max_delay=draw(st.sampled_from([62, 62, 8])))
    return graph, lower(graph, Choice(CODINGS["graded"], CODINGS["graded"], chosen), target, schedule)


@often(5 * CASES)
@given(made=programs(), seed=st.integers(0, 999))
def test_the_emulator_equals_the_integer_network(made: tuple[Graph, Program], seed: int) -> None:
    graph, program = made
    tally = Tally()
    step_and_compare(program, graph, random_levels(graph, 8, seed), tally)
    assert tally.samples == 8
    assert tally.mismatches == 0, tally.first


@often(CASES)
@given(made=programs(), seed=st.integers(0, 999))
def test_c_equals_the_integer_network(made: tuple[Graph, Program], seed: int) -> None:
    graph, program = made
    found = CrossCheck()
    with on_device(program, "c") as device:
        cross_check(program, graph, random_levels(graph, 6, seed), device, found, lambda done: None)
    assert found.samples == 6
    assert found.mismatches == 0, found.first


@often(2 * CASES)
@given(made=programs())
def test_the_checker_accepts_what_is_certified(made: tuple[Graph, Program]) -> None:
    graph, program = made
    certified = replace(program, origin=Origin(graph, b"", certificate=certify(program, graph, LOIHI2)))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "dag.snnp"
        save_program(certified, path)
        assert check(str(path)) == []
