"""A draft is the program that a compile gives, but for the numbers that only data tell."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from functools import cache

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import snncc
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.mapping.draft import draft
from snncc.compiler.options import make_options
from snncc.compiler.program import Program
from snncc.compiler.quantize import assumed
from tests.drafts import CODINGS, Calibrated, calibrated, structure, widths
from tests.examples.support import EXAMPLES, load
from tests.random_models import networks
from tests.support import CALIBRATED, model_of
from tests.support_cases import CASES, REFUSED, Case

FEW = 6  # calibration samples: how many there are changes no structure
LEVELS = 15
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
NETS = sorted(path.parent.name for path in EXAMPLES.glob("*/*.onnx"))
QUANTIZED = EXAMPLES.parent / "tests" / "quantized"
SHAPES = {"w1": (4, 1, 3, 3), "w2": (4, 4, 3, 3), "w3": (3, 64)}
BENT = (
    "LeakyRelu", "PRelu", "Softsign", "Elu", "Celu", "Selu", "HardSwish", "Gelu", "Mish", "Swish", "Clip, around 0",
)  # fmt: skip
"""Activations whose thresholds that can be reached, or whose least level, hang on calibration."""


def drafted(net: Calibrated, coding: str, levels: int = LEVELS, signed: bool = False) -> Program:
    return draft(net.graph, make_options(coding=coding, levels=levels, rounding="nearest"), signed)


@cache
def example(name: str) -> tuple[Calibrated, bool]:
    x = load(name, "calibration")[0][:FEW].astype(np.float32)
    return calibrated(EXAMPLES / name / f"{name}.onnx", x, LEVELS), bool(x.min() < 0)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("name", NETS)
def test_a_draft_has_the_structure_of_the_compiled_example(name: str, coding: str) -> None:
    net, signed = example(name)
    made = drafted(net, coding, signed=signed)
    assert structure(made) == structure(net.sent(coding, LEVELS))
    assert made.origin is None
    assert not made.slices


@pytest.mark.parametrize("name", NETS)
def test_weights_are_stored_as_wide_as_those_of_the_compiled_example(name: str) -> None:
    net, signed = example(name)
    assert widths(drafted(net, "graded", signed=signed)) == widths(net.sent("graded", LEVELS))


@settings(max_examples=8, suppress_health_check=CHECKS)
@given(model=networks(), levels=st.sampled_from([1, 3, 15, 255]), signed=st.booleans(), seed=st.integers(0, 99))
def test_a_draft_has_the_structure_of_random_networks(
    model: onnx.ModelProto, levels: int, signed: bool, seed: int
) -> None:
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(seed).random((12, *shape), dtype=np.float32) - (0.5 if signed else 0)
    net = calibrated(model, x, levels)
    for coding in CODINGS:
        assert structure(drafted(net, coding, levels, signed)) == structure(net.sent(coding, levels))


def inputs_of(case: Case) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(CALIBRATED, 2, *case.sizes)).astype(np.float32)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case not in REFUSED and "uantizeLinear" not in case.operator],
    ids=lambda case: case.title,
)
def test_a_draft_has_the_structure_that_every_operator_gets(case: Case) -> None:
    net = calibrated(model_of(case), inputs_of(case), 6)
    if case.operator in BENT or case.title in BENT:
        made, wanted = drafted(net, "graded", 6, True), net.sent("graded", 6)
        assert [p.shape for p in made.populations] == [p.shape for p in wanted.populations]
        assert structure(made)["connections"] == structure(wanted)["connections"]
        return
    for coding in ("graded", "rate"):
        assert structure(drafted(net, coding, 6, True), False) == structure(net.sent(coding, 6), False)


def test_what_cannot_be_compiled_is_refused_alike() -> None:
    bottleneck = next(case for case in CASES if case.title == "Conv, linear bottleneck")
    graph = snncc.import_model(model_of(bottleneck))
    x = np.random.default_rng(0).random((8, 2, 4, 4), dtype=np.float32)
    with pytest.raises(SnnccError) as compiled:
        snncc.compile(graph, x, "loihi1", rounding="nearest")
    with pytest.raises(SnnccError) as refused:
        draft(graph, make_options("loihi1"))
    assert [d.code for d in refused.value.diagnostics] == ["SNN332"]  # its spikes have no sign
    assert refused.value.diagnostics == compiled.value.diagnostics


@pytest.mark.parametrize("name", ["mnist_qdq_tensor", "mnist_qdq_channel", "brevitas_4bit"])
def test_a_network_quantized_elsewhere_keeps_its_integers(name: str) -> None:
    graph = snncc.import_model(QUANTIZED / f"{name}.onnx")
    compiled = snncc.compile(graph, coding="bitplane")
    made = draft(graph, make_options(coding="bitplane"))
    assert made == replace(compiled, origin=None, board="", slices=())


def residual() -> onnx.ModelProto:
    """Return conv, relu, and a conv of small weights that is added to it: the skip is one synapse a neuron."""
    rng = np.random.default_rng(0)
    scales = {"w1": 1.0, "w2": 0.02, "w3": 1.0}
    arrays = {name: rng.normal(scale=scales[name], size=shape) for name, shape in SHAPES.items()}
    tensors = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in arrays.items()]
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], "a", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["r"], "r"),
        helper.make_node("Conv", ["r", "w2"], ["b"], "b", pads=[1] * 4),
        helper.make_node("Add", ["b", "r"], ["s"], "s"),
        helper.make_node("Relu", ["s"], ["t"], "t"),
        helper.make_node("Flatten", ["t"], ["f"], "f"),
        helper.make_node("Gemm", ["f", "w3"], ["y"], "y", transB=1),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 1, 4, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph(nodes, "residual", [x], [y], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("levels", "stored"), [(15, 2), (255, 3)])
def test_a_skip_of_more_levels_than_a_weight_has_is_stored_in_two_mantissas(levels: int, stored: int) -> None:
    net = calibrated(residual(), np.random.default_rng(0).random((8, 1, 4, 4), dtype=np.float32), levels)
    made = drafted(net, "graded", levels)
    assert sum(wire.target == "t" for wire in made.connections) == stored
    assert structure(made) == structure(net.sent("graded", levels))
    assert max(widths(made).values()) == 8


def test_inputs_have_negative_values_where_the_caller_says_so(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    ends = {signed: draft(graph, make_options(), signed).inputs[0] for signed in (False, True)}
    assert [(ends[s].lo, ends[s].hi) for s in (False, True)] == [(0, 255), (-127, 127)]  # type: ignore[union-attr]


def test_any_coding_can_be_chosen_by_the_model_alone(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    made = draft(graph, make_options(coding="auto"))
    assert {p.claim.coding for p in made.populations if p.claim} - {""} <= set(CODINGS)
    mixed = draft(graph, make_options(coding="rate,relu2=ttfs"))
    assert [p.claim.coding for p in mixed.populations if p.claim] == ["graded", "rate", "rate", "ttfs", ""]


def test_options_for_layers_that_are_none_are_refused_as_in_a_compile(tiny_model: onnx.ModelProto) -> None:
    graph = snncc.import_model(tiny_model)
    for options in (make_options(bits="4,nowhere=2"), make_options(coding="rate,nowhere=ttfs")):
        with pytest.raises(SnnccError) as refused:
            draft(graph, options)
        assert [d.code for d in refused.value.diagnostics] == ["SNN513"]


def test_ranges_that_data_decide_are_no_fault_and_those_that_nothing_helps_are(tiny_model: onnx.ModelProto) -> None:
    graph, options = snncc.import_model(tiny_model), make_options(levels=63)
    narrow = replace(options, target=replace(options.target, state_bits=10, accumulator_bits=10))
    draft(graph, narrow)  # a compile would make levels coarser, or fail
    for small in (replace(options.target, state_bits=7), replace(options.target, payload_bits=6)):
        with pytest.raises(SnnccError) as refused:
            draft(graph, replace(options, target=small))
        assert {d.code for d in refused.value.diagnostics} <= {"SNN201", "SNN202"}


def test_weights_made_a_few_channels_at_a_time_are_the_same(
    tiny_model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = snncc.import_model(tiny_model)
    whole = draft(graph, make_options())
    monkeypatch.setattr(assumed, "MOST_AT_ONCE", 20)
    assert draft(graph, make_options()) == whole


def test_a_network_of_a_billion_neurons_takes_no_memory_for_them() -> None:
    rng, nodes, last = np.random.default_rng(0), list[onnx.NodeProto](), "x"
    tensors = [numpy_helper.from_array(rng.normal(size=(64, 3, 3, 3)).astype(np.float32), "w0")]
    tensors += [numpy_helper.from_array(rng.normal(size=(64, 64, 3, 3)).astype(np.float32), f"w{i}") for i in (1, 2, 3)]
    for i in range(4):
        nodes.append(helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], f"c{i}", pads=[1] * 4))
        nodes.append(helper.make_node("Relu", [f"c{i}"], [f"r{i}"], f"r{i}"))
        last = f"r{i}"
    nodes.append(helper.make_node("MaxPool", [last], ["p"], "p", kernel_shape=[2, 2], strides=[2, 2]))
    nodes.append(helper.make_node("Conv", ["p", "w1"], ["y"], "y", pads=[1] * 4, strides=[2, 2]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 2048, 2048])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    made = helper.make_graph(nodes, "stack", [x], [y], tensors)
    graph = snncc.import_model(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8))
    tracemalloc.start()
    program = draft(graph, make_options())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(p.size for p in program.populations) > 1 << 30
    assert peak < 32 << 20
