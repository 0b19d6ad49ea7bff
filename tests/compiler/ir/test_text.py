"""The text form of a graph is canonical and reads back as the same graph."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings

import snncc
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph, parse_graph, print_graph
from snncc.compiler.passes.base import Pass
from tests.random_models import networks


def stages(model: onnx.ModelProto) -> list[Graph]:
    """Return the graph as imported and after every pass, quantization included."""
    seen = [snncc.import_model(model)]
    shape = seen[0].inputs[0].type.shape
    x = np.random.default_rng(0).random((8, *shape), dtype=np.float32)

    def note(step: Pass, graph: Graph) -> None:
        seen.append(graph)

    snncc.compile(seen[0], x, coding="rate", observe=note)
    return seen


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(model=networks())
def test_every_stage_reads_back_as_it_was_written(model: onnx.ModelProto) -> None:
    for graph in stages(model):
        text = print_graph(graph)
        again = parse_graph(text, graph.constants)
        assert again == graph
        assert [n.loc for n in again.nodes] == [n.loc for n in graph.nodes]
        assert print_graph(again) == text


def test_one_node_a_line(tiny_model: onnx.ModelProto) -> None:
    graph = stages(tiny_model)[-1]
    lines = [line for line in print_graph(graph).splitlines() if line.startswith("  %")]
    assert len(lines) == len(graph.nodes)


def test_every_unreadable_line_is_reported(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    text = print_graph(graph).replace("max_pool(", "min_pool(").replace("return", "retrun")
    with pytest.raises(SnnccError) as caught:
        parse_graph(text, graph.constants, "net.txt")
    assert [d.code for d in caught.value.diagnostics] == ["SNN002", "SNN002"]
    assert "min_pool" in caught.value.diagnostics[0].message
    assert caught.value.diagnostics[0].loc.file == "net.txt"


def test_a_constant_given_by_digest_must_be_the_one_named(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    name = next(k for k, a in graph.constants.items() if a.size > 8)
    wrong = dict(graph.constants) | {name: graph.constants[name] + 1}
    with pytest.raises(SnnccError, match="not the one the text names"):
        parse_graph(print_graph(graph), wrong)
    with pytest.raises(SnnccError, match="its array is missing"):
        parse_graph(print_graph(graph), {})
