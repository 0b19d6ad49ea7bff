"""Costs are counted without stepping: they must be what the emulator counts."""

from __future__ import annotations

import numpy as np
import pytest

from snncc.compiler.pipeline import compile_graph
from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.tuning.cost import Network, cheapest, level_nodes, priced
from snncc.runtime.tuning.point import uniform
from snncc.runtime.verify import verify
from tests.runtime.tuning.problems import Small, small

LAYERS = ("relu1", "relu2", "fc")
SAMPLES = 12


@pytest.fixture(scope="module")
def problem() -> Small:
    return small()


def network(problem: Small, levels: int, coding: object = None) -> tuple[Network, object]:
    from dataclasses import replace

    options = uniform(LAYERS, Recipe(levels=levels)).options("loihi2", coding)  # type: ignore[arg-type]
    program = compile_graph(problem.graph, dict(problem.calibration.inputs), options)
    assert program.origin is not None
    graph = program.origin.network
    few = {name: array[:SAMPLES] for name, array in problem.data.inputs.items()}
    sent = Collapsed(replace(graph, outputs=tuple(level_nodes(graph)), labels=())).run(few)
    return Network(graph, sent, options), program


@pytest.mark.parametrize("coding", ["graded", "bitplane", "rate", "ttfs", {"": "ttfs", "relu1": "rate"}])
def test_synaptic_events_steps_and_intervals_are_those_of_the_program(problem: Small, coding: object) -> None:
    net, program = network(problem, 5, coding)
    found = priced(net, coding)  # type: ignore[arg-type]
    report = verify(program, {"x": problem.data.inputs["x"][:SAMPLES]}, limit=SAMPLES)  # type: ignore[arg-type]
    assert report.exact
    assert found.synops == pytest.approx(report.synops_per_inference, rel=1e-12)
    assert (found.latency_steps, found.initiation_interval) == (report.latency_steps, report.initiation_interval)
    assert found.picojoules == pytest.approx(23.6 * found.synops + 81.0 * found.updates)
    assert sum(found.edges.values()) == pytest.approx(found.synops)


@pytest.mark.parametrize("minimize", ["energy", "latency", "interval", "synops"])
def test_no_coding_throughout_is_cheaper_than_the_choice(problem: Small, minimize: str) -> None:
    net, _ = network(problem, 5)
    key = {"energy": "picojoules", "latency": "latency_steps", "interval": "initiation_interval"}.get(
        minimize, minimize
    )
    for able in (("graded", "bitplane", "rate", "ttfs"), ("rate", "bitplane", "ttfs"), ("rate", "ttfs")):
        best = getattr(cheapest(net, able, minimize), key)
        assert best <= min(getattr(priced(net, coding), key) for coding in able) * (1 + 1e-12)


def test_levels_that_are_all_zero_cause_nothing(problem: Small) -> None:
    net, _ = network(problem, 3)
    silent = Network(net.graph, {name: np.zeros_like(q) for name, q in net.levels.items()}, net.options)
    assert priced(silent, "graded").synops == 0
