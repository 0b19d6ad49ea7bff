"""Equalize rescales channels and changes nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, given, settings

import snncc
from snncc.compiler.ir import Graph
from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.base import run_passes
from snncc.compiler.passes.canonical import canonical_passes
from snncc.compiler.quantize.calibrate import run
from snncc.compiler.quantize.equalize import Equalize
from tests.nets import tiny_cnn
from tests.random_models import networks


def equalized(graph: Graph, seed: int = 0) -> tuple[Graph, Graph, dict[str, np.ndarray]]:
    shape = graph.inputs[0].type.shape
    data = {graph.inputs[0].name: np.random.default_rng(seed).normal(size=(16, *shape)).astype(np.float32)}
    before = run_passes(graph, canonical_passes())
    return before, run_passes(before, [Equalize(data)]), data


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(model=networks())
def test_the_function_stays_the_same(model: object) -> None:
    before, after, data = equalized(snncc.import_model(model))
    wanted, found = run(before, data), run(after, data)
    for name in before.outputs:
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-4, atol=1e-4 * np.abs(wanted[name]).max())


def test_channels_come_to_use_the_same_range() -> None:
    model = tiny_cnn()
    weight = next(t for t in model.graph.initializer if t.name == "w1")
    values = np.frombuffer(weight.raw_data, np.float32).reshape(4, 1, 3, 3) * np.array([1, 2, 3, 6]).reshape(4, 1, 1, 1)
    weight.raw_data = values.astype(np.float32).tobytes()
    before, after, data = equalized(snncc.import_model(model))
    tops = [run(g, data, ["relu1"])["relu1"].max(axis=(0, 2, 3)) for g in (before, after)]
    assert tops[1].max() / tops[1].min() < tops[0].max() / tops[0].min() / 1.5


def test_a_capped_activation_is_left_alone() -> None:
    graph = snncc.import_model(tiny_cnn())
    nodes = tuple(
        type(n)(n.name, Relu(cap=6.0), n.inputs, n.type, n.loc) if n.op.name == "relu" else n for n in graph.nodes
    )
    capped = type(graph)(graph.name, graph.stage, graph.inputs, nodes, graph.outputs, graph.constants, graph.labels)
    before, after, _ = equalized(capped)
    assert after == before
