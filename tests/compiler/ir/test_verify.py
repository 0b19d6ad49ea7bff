"""The verifier reports every broken rule of a stage, and passes are held to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import onnx
import pytest

import snncc
from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir import Graph, Node, Stage, TensorType, parse_graph, rebuild, verify
from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.base import Pass, run_passes


def quantized(model: onnx.ModelProto) -> Graph:
    x = np.random.default_rng(0).random((8, 1, 8, 8), dtype=np.float32)
    origin = snncc.compile(model, x).origin
    assert origin is not None
    return origin.network


def broken(graph: Graph, **changes: object) -> list[str]:
    return [problem.message for problem in verify(replace(graph, **changes))]  # type: ignore[arg-type]


def test_graphs_of_the_compiler_are_well_formed(tiny_model: onnx.ModelProto) -> None:
    assert verify(snncc.import_model(tiny_model)) == []
    assert verify(quantized(tiny_model)) == []


def test_a_value_is_defined_before_it_is_used(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    messages = broken(graph, nodes=(*graph.nodes[1:], graph.nodes[0]))
    assert any("not defined before it" in m for m in messages)


def test_a_name_is_defined_once(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    assert any("defined twice" in m for m in broken(graph, nodes=(*graph.nodes, graph.nodes[-1])))


def test_an_op_is_legal_at_its_stage(tiny_model: onnx.ModelProto) -> None:
    graph = quantized(tiny_model)
    extra = Node("extra", Relu(), (graph.inputs[0].name,), graph.inputs[0].type)
    messages = broken(graph, nodes=(*graph.nodes, extra))
    assert messages == ["%extra (relu) is not legal in a quantized graph"]


def test_a_type_is_what_inference_gives(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    wrong = replace(graph.nodes[1], type=TensorType("float32", (1, 2, 3)))
    messages = broken(graph, nodes=(graph.nodes[0], wrong, *graph.nodes[2:]))
    assert any("inference gives" in m for m in messages)


def test_a_threshold_is_at_least_one(tiny_model: onnx.ModelProto) -> None:
    graph = quantized(tiny_model)
    name = next(n for n in graph.constants if n.endswith("theta"))
    messages = broken(graph, constants={**graph.constants, name: 0 * graph.constants[name]})
    assert any("threshold below 1" in m for m in messages)


def test_a_quantized_graph_holds_integers_only(tiny_model: onnx.ModelProto) -> None:
    graph = quantized(tiny_model)
    name = next(iter(graph.constants))
    messages = broken(graph, constants={**graph.constants, name: graph.constants[name].astype(np.float32)})
    assert any("int64 only" in m for m in messages)


@dataclass(frozen=True)
class Swaps(Pass):
    """A pass that breaks its promise."""

    name: ClassVar[str] = "swaps"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the nodes in reverse order."""
        return replace(graph, nodes=graph.nodes[::-1])


def test_a_pass_that_breaks_a_rule_is_named_with_its_graph(tiny_model: onnx.ModelProto) -> None:
    with pytest.raises(InternalError, match=r"pass swaps broke its promise[\s\S]*graph @"):
        run_passes(snncc.import_model(tiny_model), [Swaps()])


def test_rebuild_drops_what_no_output_needs(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    cut = rebuild(graph, graph.nodes, graph.constants, outputs=(graph.nodes[1].name,), labels=())
    assert [n.name for n in cut.nodes] == [n.name for n in graph.nodes[:2]]
    assert len(cut.constants) == 2


CANONICAL = """
graph @net stage=canonical {{
  input %x : float32[2, 4, 4]
  const @w : float32[2, 2, 1, 1] [1.0, 0.0, 0.0, 1.0]
  %a = conv(%x, @w) {{strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), groups=1}} : float32[2, 4, 4]
  %b = conv(%x, @w) {{strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), groups=1}} : float32[2, 4, 4]
  {lines}
  return %{output}
}}
"""
RELU, LINEAR = "relu(%a) {cap=None}", "curve(%a) {kind='linear', parameters=()}"
CONV = "{strides=(1, 1), pads=(0, 0, 0, 0), dilations=(1, 1), groups=1}"
POOL = "{kernel=(2, 2), strides=(2, 2), pads=(0, 0, 0, 0), dilations=(1, 1)}"


def canonical_problems(*lines: str, output: str = "y") -> list[str]:
    text = CANONICAL.format(lines="\n  ".join(f"%{line}" for line in lines), output=output)
    return [problem.message for problem in verify(parse_graph(text))]


@pytest.mark.parametrize(
    "lines",
    [
        ("y = reshape(%a) {shape=(32,)} : float32[32]",),
        ("s = add(%a, %b) : float32[2, 4, 4]", "y = transpose(%s) {perm=(1, 0, 2)} : float32[4, 2, 4]"),
        (
            f"q = {LINEAR} : float32[2, 4, 4]",
            "c = concat(%q, %x) {axis=0} : float32[4, 4, 4]",
            "p = slice(%c) {starts=(0, 0, 0), stops=(2, 4, 4), steps=(1, 1, 1)} : float32[2, 4, 4]",
            f"y = conv(%p, @w) {CONV} : float32[2, 4, 4]",
        ),
    ],
)
def test_views_of_sums_at_outputs_and_moved_levels_are_canonical(lines: tuple[str, ...]) -> None:
    assert canonical_problems(*lines) == []


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (("r = reshape(%a) {shape=(2, 4, 4)} : float32[2, 4, 4]", "y = relu(%r) {cap=None} : float32[2, 4, 4]"),
         "%y (relu) reads no weighted sum"),
        ((f"y = conv(%a, @w) {CONV} : float32[2, 4, 4]",),
         "%y (conv) reads a weighted sum with no activation between"),
        (("r = reshape(%a) {shape=(2, 4, 4)} : float32[2, 4, 4]", f"y = conv(%r, @w) {CONV} : float32[2, 4, 4]"),
         "%y (conv) reads a weighted sum with no activation between"),
        ((f"r = {RELU} : float32[2, 4, 4]", "y = add(%r, %b) : float32[2, 4, 4]"),
         "%y (add) adds what is no convolution or dense layer"),
        (("y = upsample(%a) {factors=(1, 1)} : float32[2, 4, 4]",),
         "%y (upsample) reads a weighted sum with no activation between"),
        (("y = curve(%a) {kind='hard_sigmoid', parameters=(0.2, 0.5)} : float32[2, 4, 4]",),
         "%y (curve) is a capped ReLU of a scaled sum"),
        ((f"r = {RELU} : float32[2, 4, 4]", "c = concat(%r, %x) {axis=1} : float32[2, 8, 4]",
          f"y = max_pool(%c) {POOL} : float32[2, 4, 2]"),
         "%y (max_pool) pools levels of several scales"),
    ],
)  # fmt: skip
def test_what_is_not_canonical_is_named(lines: tuple[str, ...], message: str) -> None:
    assert message in canonical_problems(*lines)
