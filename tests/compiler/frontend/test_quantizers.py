"""Quantizers come in many forms and become one op; what has no levels is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

import snncc
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.frontend.selfcheck import Runner
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.quantizer import ROUNDINGS, IntegerWeight, Quantizer
from snncc.compiler.ir.text import parse_graph, print_graph
from snncc.compiler.ir.to_onnx import to_onnx
from tests.quantized.models import QONNX, Model

Build = Callable[[Model], str]
LAMBDA, L = 3.0, 4


def imported(build: Build) -> Graph:
    """Return the graph of a model with a convolution, what is built on it, and a classifier."""
    model = Model(1, 4, 4)
    return snncc.import_model(model.finish(build(model)))


def quantizers(graph: Graph) -> list[Quantizer]:
    """Return the quantizers of a graph, in order."""
    return [node.op for node in graph.nodes if isinstance(node.op, Quantizer)]


def codes(build: Build) -> set[str]:
    """Return the codes that importing a model gives."""
    with pytest.raises(SnnccError) as caught:
        imported(build)
    return {d.code for d in caught.value.diagnostics}


@pytest.mark.parametrize(
    ("dtype", "zero", "lo", "hi"),
    [
        (np.uint8, 0, 0, 255),
        (np.uint8, 100, -100, 155),
        (np.int8, -5, -123, 132),
        (np.uint16, 1000, -1000, 64535),
        (np.int16, 0, -32768, 32767),
    ],
)
def test_integer_types_and_zero_points_give_levels(dtype: type, zero: int, lo: int, hi: int) -> None:
    graph = imported(lambda m: m.conv(m.quantized("x", 0.25, zero, dtype), 1, 2, 0.5))
    assert quantizers(graph) == [Quantizer(0.25, lo, hi)]


def test_what_stands_between_the_pair_may_be_a_pool_a_view_or_a_clip() -> None:
    def build(m: Model) -> str:
        scale, zero = m.constant(0.25), m.constant(3, np.uint8)
        q = m.node("QuantizeLinear", m.conv("x", 1, 2, 0.5), scale, zero)
        q = m.node("MaxPool", q, kernel_shape=[2, 2])
        q = m.node("Clip", q, m.constant(3, np.uint8), m.constant(18, np.uint8))
        return m.node("DequantizeLinear", m.node("Flatten", q), scale, zero)

    assert quantizers(imported(build)) == [Quantizer(0.25, -3, 252), Quantizer(0.25, 0, 15)]


@pytest.mark.parametrize(
    ("attributes", "bits", "wanted"),
    [
        ({"signed": 0, "narrow": 0}, 4, Quantizer(0.5, 0, 15)),
        ({"signed": 0, "narrow": 1}, 4, Quantizer(0.5, 0, 14)),
        ({"signed": 1, "narrow": 0}, 4, Quantizer(0.5, -8, 7)),
        ({"signed": 1, "narrow": 1}, 3, Quantizer(0.5, -3, 3)),
        ({"signed": 1, "narrow": 1}, 1, Quantizer(0.5, -1, 1, "sign")),
        ({"signed": 0, "narrow": 0, "zero": 2.0}, 3, Quantizer(0.5, -2, 5, "half_even", 2)),
        ({"signed": 1, "narrow": 0, "rounding_mode": "FLOOR"}, 8, Quantizer(0.5, -128, 127, "floor")),
    ],
)
def test_quant_gives_the_range_of_its_definition(attributes: dict[str, object], bits: int, wanted: Quantizer) -> None:
    graph = imported(lambda m: m.quant(m.conv("x", 1, 2, 0.5), 0.5, bits, **attributes))
    assert quantizers(graph) == [wanted]


@pytest.mark.parametrize("axis", [0, 1])
def test_weights_keep_their_integers_and_scales(axis: int) -> None:
    whole = np.arange(-6, 6).reshape(3, 4)
    scale = np.array([0.1, 0.2, 0.3] if axis == 0 else [0.1, 0.2, 0.3, 0.4], np.float32)

    def build(m: Model) -> str:
        x = m.node("Flatten", m.quantized("x", 0.25))
        w = m.weight(np.tile(whole, (1, 4)) if axis == 0 else np.tile(whole, (6, 1))[:16], scale, axis=axis)
        return m.node("Gemm", x, w, transB=1) if axis == 0 else m.node("MatMul", x, w)

    graph = imported(build)
    weight = next(node for node in graph.nodes if isinstance(node.op, IntegerWeight))
    integers, scales = (graph.constants[name] for name in weight.inputs)
    expected = np.tile(whole, (1, 4)) if axis == 0 else np.tile(whole, (6, 1))[:16].T
    np.testing.assert_array_equal(integers, expected)
    np.testing.assert_array_equal(scales, scale)


def test_transposed_and_quantized_float_weights_keep_them_too() -> None:
    def build(m: Model) -> str:
        x = m.node("Flatten", m.quantized("x", 0.25))
        parts = (m.constant([0.5, 0.25]), m.constant([0, 0], np.int8))
        q = m.node("QuantizeLinear", m.constant(np.linspace(-9, 9, 32).reshape(2, 16)), *parts, axis=0)
        w = m.node(
            "DequantizeLinear", m.node("Clip", q, m.constant(-7, np.int8), m.constant(7, np.int8)), *parts, axis=0
        )
        return m.node("MatMul", x, m.node("Transpose", w, perm=[1, 0]))

    graph = imported(build)
    weight = next(node for node in graph.nodes if isinstance(node.op, IntegerWeight))
    integers, scales = (graph.constants[name] for name in weight.inputs)
    assert integers.shape == (2, 16)
    assert (integers.min(), integers.max()) == (-7, 7)
    assert scales.tolist() == [0.5, 0.25]


def qcfs_of_the_authors(m: Model, x: str) -> str:
    """Return clip(x / lambda, 0, 1), floor(L x + 1/2) / L, times lambda."""
    x = m.node("Clip", m.node("Div", x, m.constant([LAMBDA])), m.constant(0.0), m.constant(1.0))
    x = m.node("Floor", m.node("Add", m.node("Mul", x, m.constant(L)), m.constant(0.5)))
    return m.node("Mul", m.node("Div", x, m.constant(L)), m.constant([LAMBDA]))


def qcfs_clipped_last(m: Model, x: str) -> str:
    """Return floor(x L / lambda + 1/2) clipped to 0..L, times lambda / L."""
    x = m.node("Floor", m.node("Add", m.node("Mul", x, m.constant(L / LAMBDA)), m.constant(0.5)))
    return m.node("Mul", m.node("Clip", x, m.constant(0.0), m.constant(float(L))), m.constant(LAMBDA / L))


def qcfs_with_relu_and_min(m: Model, x: str) -> str:
    """Return the same of a ReLU and a minimum."""
    x = m.node("Min", m.node("Relu", x), m.constant(LAMBDA))
    x = m.node("Floor", m.node("Add", m.constant(0.5), m.node("Div", x, m.constant(LAMBDA / L))))
    return m.node("Mul", m.constant(LAMBDA / L), x)


def fake_quantized(m: Model, x: str) -> str:
    """Return round(x / s), held within 0..L, times s."""
    x = m.node("Round", m.node("Div", x, m.constant(LAMBDA / L)))
    return m.node("Mul", m.node("Clip", x, m.constant(0.0), m.constant(float(L))), m.constant(LAMBDA / L))


def fake_quantized_with_zero_point(m: Model, x: str) -> str:
    """Return (clip(round(x / s + 1), 0, 5) - 1) s, of which the odd zero point moves the ties."""
    x = m.node("Round", m.node("Add", m.node("Div", x, m.constant(0.5)), m.constant(1.0)))
    x = m.node("Clip", x, m.constant(0.0), m.constant(5.0))
    return m.node("Mul", m.node("Sub", x, m.constant(1.0)), m.constant(0.5))


STEPS: dict[Callable[[Model, str], str], Quantizer] = {
    qcfs_of_the_authors: Quantizer(LAMBDA / L, 0, L, "half_up"),
    qcfs_clipped_last: Quantizer(LAMBDA / L, 0, L, "half_up"),
    qcfs_with_relu_and_min: Quantizer(LAMBDA / L, 0, L, "half_up"),
    fake_quantized: Quantizer(LAMBDA / L, 0, L),
    fake_quantized_with_zero_point: Quantizer(0.5, -1, 4, "half_even", 1),
}


@pytest.mark.parametrize("build", STEPS, ids=lambda build: build.__name__)
def test_steps_are_found_in_any_order_of_operations(build: Callable[[Model, str], str]) -> None:
    graph = imported(lambda m: m.node("Conv", build(m, m.conv("x", 1, 2, 0.5)), m.constant(np.ones((1, 2, 1, 1)))))
    assert quantizers(graph) == [STEPS[build]]


def test_steps_without_limits_are_no_quantizer() -> None:
    assert codes(lambda m: m.node("Floor", m.conv("x", 1, 2, 0.5))) == {"SNN102"}


@pytest.mark.parametrize("rounding", ROUNDINGS)
def test_quantizers_are_written_to_onnx_as_they_are_defined(rounding: str) -> None:
    op = Quantizer(0.5, -5, 6, rounding, 1)
    graph = imported(lambda m: m.quantized(m.conv("x", 1, 1, 0.5), 0.5))
    nodes = [node for node in graph.nodes if isinstance(node.op, Quantizer)]
    changed = [replace(node, op=op) if node in nodes else node for node in graph.nodes]
    other = Graph(graph.name, graph.stage, graph.inputs, tuple(changed), graph.outputs, graph.constants)
    x = np.random.default_rng(0).normal(size=(3, 1, 4, 4)).astype(np.float32)
    (have,) = Runner(to_onnx(other)).run({"x": x})
    sums = Graph(graph.name, graph.stage, graph.inputs, tuple(changed[:-1]), (changed[-2].name,), graph.constants)
    (before,) = Runner(to_onnx(sums)).run({"x": x})
    np.testing.assert_array_equal(have, op(before.astype(np.float32)))
    assert parse_graph(print_graph(other), dict(other.constants)) == other


REFUSED: dict[str, tuple[str, Build]] = {
    "integers of no quantizer": (
        "SNN111",
        lambda m: m.node("DequantizeLinear", m.node("Cast", m.conv("x", 1, 1, 0.5), to=2), m.constant(0.5)),
    ),
    "another scale on the way back": (
        "SNN112",
        lambda m: m.node("DequantizeLinear", m.node("QuantizeLinear", "x", m.constant(0.5)), m.constant(0.25)),
    ),
    "a scale a channel of an activation": (
        "SNN112",
        lambda m: m.node("Quant", m.conv("x", 1, 2, 0.5), m.constant([[[[0.5]], [[0.25]]]]), m.constant(0.0),
                         m.constant(4.0), domain=QONNX, signed=0, narrow=0, rounding_mode="ROUND"),
    ),
    "a width of half bits": ("SNN112", lambda m: m.quant(m.conv("x", 1, 1, 0.5), 0.5, 3.5)),
    "a zero point between levels": ("SNN112", lambda m: m.quant(m.conv("x", 1, 1, 0.5), 0.5, 4, zero=0.5)),
    "an unknown rounding mode": (
        "SNN111", lambda m: m.quant(m.conv("x", 1, 1, 0.5), 0.5, 4, rounding_mode="STOCHASTIC"),
    ),
    "a truncated mean": (
        "SNN111",
        lambda m: m.node("Trunc", m.conv("x", 1, 1, 0.5), *(m.constant(v) for v in (0.5, 0.0, 8.0, 4.0)), domain=QONNX),
    ),
    "blocks of weights": (
        "SNN114",
        lambda m: m.node(
            "Gemm", m.node("Flatten", "x"),
            m.node("DequantizeLinear", m.constant(np.ones((2, 16)), np.int8),
                   m.constant([[0.5, 0.25], [0.5, 0.25]]), axis=1, block_size=8), transB=1),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_has_no_levels_is_refused(what: str) -> None:
    code, build = REFUSED[what]
    assert code in codes(build)
