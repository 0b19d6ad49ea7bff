"""A network of which every float32 operation is exact, as with scales that are powers of two, is reproduced whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

import snncc
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.frontend.onnx_runnable import runnable
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.integer_ops import Fire, Ladder
from snncc.compiler.options import make_options
from snncc.compiler.verbatim import take_over
from snncc.runtime.reference import encode, execute
from tests.quantized.models import Model, random_inputs
from tests.quantized.runtimes import float_values, shown_with

Build = Callable[[Model], str]
IN = 2.0**-6


def taken(proto: onnx.ModelProto, **options: object) -> tuple[Graph, Graph, list[Diagnostic]]:
    """Return the float and the integer network of a quantized model, and what is told."""
    notes: list[Diagnostic] = []
    graph = snncc.import_model(proto)
    floats, network = take_over(graph, {}, make_options(**options), lambda p, g: None, notes.append)  # type: ignore[arg-type]
    return floats, network, notes


def assert_reproduced(model: Model, output: str) -> Graph:
    """Check that all populations have the levels that onnxruntime computes without optimizations."""
    proto = model.finish(output)
    _, network, notes = taken(proto)
    assert not notes
    x = random_inputs(model.shape, IN)
    ours = execute(network, encode(network, {"x": x}))
    fires = [node for node in network.nodes if isinstance(node.op, Fire | Ladder)]
    known = {node.name for node in proto.graph.node}
    assert len(fires) > 1
    places = {node.name: node.loc.name for node in fires if node.loc.name in known}
    theirs = float_values(runnable(proto), x, [*places.values(), output])
    for name, place in places.items():
        node = network.node[name]
        scale = next(n for n in proto.graph.node if n.name == place)
        real = theirs[place].astype(np.float64)
        if scale.op_type == "QuantizeLinear":
            point = next(t for t in proto.graph.initializer if t.name == scale.input[2])
            wanted = real - onnx.numpy_helper.to_array(point)
        else:
            wanted = real / node.op.scale  # type: ignore[attr-defined]
        have = shown_with(network, ours, name, wanted.size)
        np.testing.assert_array_equal(have, wanted.reshape(have.shape), err_msg=name)
    read = network.node[network.outputs[0]]
    scale = (read if hasattr(read.op, "scale") else network.node[read.inputs[0]]).op.scale  # type: ignore[attr-defined]
    np.testing.assert_allclose(ours[network.outputs[0]] * scale, theirs[output], atol=scale)
    return network


def plain(m: Model) -> str:
    """Two convolutions, one of them grouped, with biases."""
    x = m.quantized("x", IN, 7)
    x = m.quantized(m.conv(x, 2, 4, 2.0 ** -np.arange(6, 10)), 2.0**-2, 130)
    return m.quantized(m.conv(x, 4, 4, 2.0**-8, group=2, strides=[2, 2]), 0.5, 0, np.int8)


def normed(m: Model) -> str:
    """Batch norms of both signs and a clipped activation before the quantizer."""
    x = m.quantized("x", IN)
    x = m.norm(m.conv(x, 2, 4, 2.0**-9, bias=False), 4, falling=True)
    x = m.quantized(m.node("Clip", x, m.constant(0.0), m.constant(6.0)), 2.0**-5)
    return m.quantized(m.norm(m.conv(x, 4, 3, 2.0**-8), 3, falling=True), 2.0**-2, -20, np.int8)


def rectified_input(m: Model) -> str:
    """A ReLU before the input's quantizer, and the input flattened before a dense layer."""
    x = m.quantized(m.node("Relu", m.node("Flatten", "x")), IN, 5)
    x = m.node("Gemm", x, m.weight(m.rng.integers(-127, 128, (6, 72)), 2.0**-9), transB=1)
    x = m.quantized(m.node("Relu", x), 2.0**-2)
    x = m.node("Gemm", x, m.weight(m.rng.integers(-127, 128, (3, 6)), 2.0**-8), transB=1)
    return m.quantized(x, 2.0**-2, 120)


def pooled(m: Model) -> str:
    """Max-pools before and after quantizers, and an average pool that a quantizer follows."""
    x = m.quantized("x", IN)
    x = m.node("MaxPool", m.node("Relu", m.conv(x, 2, 4, 2.0**-8)), kernel_shape=[2, 2], strides=[2, 2])
    x = m.quantized(x, 2.0**-3)
    x = m.quantized(m.node("MaxPool", x, kernel_shape=[3, 3], pads=[1, 1, 1, 1]), 2.0**-3)
    return m.quantized(m.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), 2.0**-2)


def residual(m: Model) -> str:
    """Additions of values of different scales and signs."""
    x = m.quantized("x", IN)
    x = m.quantized(m.conv(x, 2, 4, 2.0**-8), 2.0**-2, 128)
    y = m.quantized(m.conv(x, 4, 4, 2.0**-9), 2.0**-1, 3, np.int8)
    x = m.quantized(m.node("Relu", m.node("Add", x, y)), 2.0**-1)
    y = m.quantized(m.conv(x, 4, 4, 2.0**-9), 2.0**-1, 100)
    return m.quantized(m.node("Add", x, y), 2.0**-1, 90)


def unquantized_branch(m: Model) -> str:
    """An addition of which one operand is a weighted sum that no quantizer has met."""
    x = m.quantized("x", IN)
    x = m.quantized(m.conv(x, 2, 4, 2.0**-8), 2.0**-1, 8)
    y = m.norm(m.conv(x, 4, 4, 2.0**-7), 4, falling=True)
    return m.quantized(m.node("Relu", m.node("Add", x, y)), 2.0**-1)


def joined(m: Model) -> str:
    """A concatenation of different scales that a quantizer follows, after a pool."""
    x = m.quantized("x", IN)
    a, b = m.quantized(m.conv(x, 2, 2, 2.0**-8), 2.0**-1, 9), m.quantized(m.conv(x, 2, 3, 2.0**-9), 2.0**-3, 200)
    x = m.quantized(m.node("MaxPool", m.node("Concat", a, b, axis=1), kernel_shape=[2, 2]), 2.0**-2, 50)
    return m.quantized(m.conv(x, 5, 2, 2.0**-8), 1.0, 40)


def requantized(m: Model) -> str:
    """A quantizer after a quantizer, whose first levels others read, too."""
    x = m.quantized("x", IN)
    x = m.quantized(m.conv(x, 2, 4, 2.0**-8), 2.0**-2, 100)
    y = m.quantized(m.node("Relu", x), 2.0**-1)
    return m.node("Add", m.conv(x, 4, 3, 2.0**-8), m.conv(y, 4, 3, 2.0**-8))


def curved(m: Model) -> str:
    """An activation of levels that falls and rises; one of a sum, of which every charge is tried."""
    x = m.quantized("x", IN)
    x = m.quantized(m.conv(x, 2, 2, 2.0**-8), 2.0**-4, 128)
    x = m.quantized(m.node("HardSwish", x), 2.0**-4, 20)
    return m.quantized(m.node("HardSwish", m.conv(x, 2, 2, 2.0**-9, bias=False)), 2.0**-4, 20)


def classified(m: Model) -> str:
    """A flattened network that ends in a MatMul of transposed weights with a scale a column."""
    x = m.quantized("x", IN)
    x = m.quantized(m.conv(x, 2, 4, 2.0**-8), 2.0**-2)
    x = m.quantized(m.node("GlobalAveragePool", x), 2.0**-4)
    flat = m.node("Flatten", x)
    return m.node("MatMul", flat, m.weight(m.rng.integers(-128, 128, (4, 5)), 2.0 ** -np.arange(4, 9), axis=1))


def wide_weights(m: Model) -> str:
    """8-bit weights with a zero point of their own, and 16-bit weights: both wider than a mantissa."""
    x = m.quantized("x", IN)
    whole = m.rng.integers(0, 256, (3, 2, 3, 3))
    x = m.quantized(m.node("Conv", x, m.weight(whole, 2.0**-9, 131, np.uint8)), 2.0**-2, 128)
    whole = m.rng.integers(-900, 900, (2, 3, 1, 1))
    return m.quantized(m.node("Conv", x, m.weight(whole, 2.0**-10, 0, np.int16)), 2.0**-1, 90)


def quants(m: Model) -> str:
    """QONNX's Quant in several rounding modes, widths and zero points."""
    x = m.quant("x", IN, 8)
    x = m.quant(m.conv(x, 2, 4, 2.0**-8), 0.5, 4, signed=1, narrow=1, rounding_mode="FLOOR")
    x = m.quant(m.conv(x, 4, 4, 2.0**-8), 2.0**-3, 5, rounding_mode="HALF_UP", zero=3.0)
    x = m.quant(m.conv(x, 4, 4, 2.0**-8), 2.0**-3, 3, signed=1, rounding_mode="CEIL")
    x = m.node("BipolarQuant", m.conv(x, 4, 4, 2.0**-8), m.constant(0.5), domain="qonnx.custom_op.general")
    return m.quant(m.conv(x, 4, 2, 2.0**-8), 0.25, 4, signed=1, rounding_mode="DOWN")


SUBJECTS = (
    plain, normed, rectified_input, pooled, residual, unquantized_branch, joined, requantized, curved, classified,
    wide_weights, quants,
)  # fmt: skip


@pytest.mark.parametrize("build", SUBJECTS, ids=lambda build: build.__name__)
def test_every_integer_is_that_of_the_models_own_runtime(build: Build) -> None:
    model = Model(2, 6, 6, seed=len(build.__name__))
    assert_reproduced(model, build(model))


@pytest.mark.parametrize("build", [plain, residual, wide_weights], ids=lambda build: build.__name__)
def test_programs_are_certified_and_exact(build: Build) -> None:
    model = Model(2, 6, 6, seed=3)
    program = snncc.compile(model.finish(build(model)))
    report = snncc.verify(program, random_inputs(model.shape, IN, 3), limit=3)
    assert report.exact
    assert program.origin is not None
    assert program.origin.settings["verbatim"]
    assert program.origin.settings["calibration_samples"] == 0
