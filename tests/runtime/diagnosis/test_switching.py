"""All effects together are the integer network; the parts of a weight's error add up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snncc
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.program import Origin
from snncc.compiler.targets import load_target
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.budget import first_output
from snncc.runtime.diagnosis.effects import Effect, effects_of, noted_repairs
from snncc.runtime.diagnosis.float_model import FloatModel
from snncc.runtime.diagnosis.local_errors import local_errors
from snncc.runtime.diagnosis.pairing import Layer, paired_layers, source_scales
from snncc.runtime.diagnosis.switching import isolated, switched_on
from snncc.runtime.diagnosis.weight_errors import weight_errors
from snncc.runtime.reference import encode, execute
from tests.random_models import networks
from tests.support import model_of
from tests.support_cases import CASES

TARGET = load_target("loihi2")
LIKE_FLOAT = 1e-4  # of the largest output: float32 rounding; what one level makes is far larger
SOME = ("Concat", "AveragePool", "Sigmoid", "Add", "MaxPool", "ConvTranspose", "Gelu")


def compiled(model: onnx.ModelProto, x: npt.NDArray[np.float32], levels: int, weight_bits: int = 8) -> Origin:
    origin = snncc.compile(model, x, levels=levels, weight_bits=weight_bits).origin
    assert origin is not None
    return origin


def parts(origin: Origin, weight_bits: int = 8) -> tuple[FloatModel, tuple[Layer, ...], tuple[Effect, ...]]:
    model = FloatModel(origin.model)
    layers = paired_layers(origin.network, model)
    return model, layers, effects_of(layers, lambda layer: weight_bits, TARGET, noted_repairs(origin.notes, layers))


def differing(origin: Origin, x: npt.NDArray[np.float32], weight_bits: int = 8) -> float:
    """Return the share of outputs in which the float network with all effects on is not the integer network."""
    model, layers, effects = parts(origin, weight_bits)
    inputs = {origin.network.inputs[0].name: x}
    found = first_output(switched_on(model, layers, effects), model, inputs)
    name = origin.network.outputs[0]
    read = next(layer for layer in layers if layer.kind == "readout")
    wanted = execute(origin.network, encode(origin.network, inputs))[name] * read.scale
    return float((np.abs(found - wanted) > LIKE_FLOAT * np.abs(wanted).max()).mean())


@settings(max_examples=10, deadline=None)
@given(networks(), st.integers(1, 40), st.sampled_from([3, 5, 8]))
def test_all_effects_together_are_the_integer_network(model: onnx.ModelProto, levels: int, weight_bits: int) -> None:
    shape = [axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(levels).normal(size=(24, *shape)).astype(np.float32)
    try:
        origin = compiled(model, x, levels, weight_bits)
    except SnnccError:
        return
    assert differing(origin, x, weight_bits) == 0


@pytest.mark.parametrize("operator", SOME)
def test_so_they_are_for_other_operators(operator: str) -> None:
    case = next(case for case in CASES if case.operator == operator)
    x = np.random.default_rng(1).normal(size=(24, 2, *case.sizes)).astype(np.float32)
    # A ladder's thresholds are computed in float64: a value at one may fall on either side in float32.
    assert differing(compiled(model_of(case), x, 6), x) <= 0.05


def residual(size: float) -> onnx.ModelProto:
    """Return conv, relu, and a relu of a convolution with weights of some size plus the identity; two outputs."""
    text = (
        "net (float[N, 3, 6, 6] x) => (float[N, 2] y) { a = Conv <pads = [1, 1, 1, 1]> (x, w) r = Relu (a) "
        "b = Conv <pads = [1, 1, 1, 1]> (r, v) c = Add (b, r) s = Relu (c) p = GlobalAveragePool (s) "
        "f = Flatten (p) y = Gemm <transB = 1> (f, o) }"
    )
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    rng = np.random.default_rng(0)
    shapes = {"w": (4, 3, 3, 3), "v": (4, 4, 3, 3), "o": (2, 4)}
    for name, shape in shapes.items():
        array = rng.normal(scale=size if name == "v" else 0.4, size=shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    return model


@pytest.mark.parametrize(("bits", "size"), [(8, 0.3), (4, 0.3), (3, 1e-4)])
def test_the_parts_of_a_weights_error_add_up_to_it(bits: int, size: float) -> None:
    x = np.random.default_rng(2).normal(size=(32, 3, 6, 6)).astype(np.float32)
    _, layers, _ = parts(compiled(residual(size), x, 15, bits), bits)
    for layer in layers:
        if not layer.sums:
            continue
        errors = weight_errors(layer, layers, bits, TARGET)
        assert not errors.repaired.any()
        for one in layer.sums:
            real = one.integer * layer.unit.reshape(-1, *(1,) * (one.weight.ndim - 1)) / source_scales(one, layers)
            total = errors.rounding[one.name] + errors.units[one.name] + errors.repair[one.name]
            np.testing.assert_allclose(total, real - one.weight, atol=1e-9)
            assert not errors.repair[one.name].any()


def test_edges_of_very_different_size_lose_by_their_common_unit() -> None:
    x = np.random.default_rng(2).normal(size=(32, 3, 6, 6)).astype(np.float32)
    _, layers, _ = parts(compiled(residual(1e-4), x, 15, 4), 4)
    joint = next(layer for layer in layers if len(layer.sums) == 2)
    units = weight_errors(joint, layers, 4, TARGET).units
    assert any(error.any() for error in units.values())
    _, layers, _ = parts(compiled(residual(0.3), x, 15, 8))
    single = next(layer for layer in layers if len(layer.sums) == 1 and layer.kind == "fire")
    assert not any(error.any() for error in weight_errors(single, layers, 8, TARGET).units.values())


def test_a_unit_that_the_range_proof_made_coarser_is_a_repair() -> None:
    """A layer of so many levels that 24-bit states force coarser units: the same layer in wide states has none."""
    rng = np.random.default_rng(0)
    lines = "a = Gemm <transB = 1> (x, w) r = Relu (a) y = Gemm <transB = 1> (r, v)"
    text = f"net (float[N, 600] x) => (float[N, 3] y) {{ {lines} }}"
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {text}')
    for name, shape in {"w": (300, 600), "v": (3, 300)}.items():
        array = rng.normal(scale=0.1, size=shape).astype(np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    x = rng.random((40, 600), dtype=np.float32)
    origin = compiled(model, x, 16383)
    assert any(note.code == "SNN210" for note in origin.notes)
    _, layers, effects = parts(origin)
    assert {effect.layer.kind for effect in effects if effect.cause == causes.RANGE_REPAIR} & {"fire", "readout"}
    layer = next(e.layer for e in effects if e.cause == causes.RANGE_REPAIR)
    assert weight_errors(layer, layers, 8, TARGET).repaired.any()


def test_local_errors_are_those_of_numpy() -> None:
    x = np.random.default_rng(2).normal(size=(70, 3, 6, 6)).astype(np.float32)
    origin = compiled(residual(0.3), x, 7)
    model, layers, effects = parts(origin)
    found = local_errors(model, effects, {"x": x}, lambda done, total: None)
    layer = next(layer for layer in layers if layer.kind == "fire")
    assert layer.levels is not None
    editor = model.editor()
    real = first_output(editor.finish([layer.value]), _Named(layer.value), {"x": x}).astype(np.float64)
    kept = np.clip(real, 0, layer.levels.hi * layer.scale)
    rounded = np.floor(kept / layer.scale + 0.5) * layer.scale
    for cause, error in ((causes.CLIPPING, kept - real), (causes.LEVEL_ROUNDING, rounded - kept)):
        local = found[layer.name, cause, cause == causes.LEVEL_ROUNDING]
        np.testing.assert_allclose(local.mean, error.mean(axis=(0, 2, 3)), atol=1e-5)
        np.testing.assert_allclose(local.noise, error.var(axis=(0, 2, 3)), atol=1e-5)
        np.testing.assert_allclose(local.signal, (real**2).mean(axis=(0, 2, 3)), rtol=1e-4)


class _Named(FloatModel):
    """Stands for a model in which some value is the output."""

    def __init__(self, output: str) -> None:
        self.outputs = (output,)


def test_an_effect_alone_changes_only_what_reads_its_layer() -> None:
    x = np.random.default_rng(2).normal(size=(16, 3, 6, 6)).astype(np.float32)
    origin = compiled(residual(0.3), x, 3)
    model, _, effects = parts(origin)
    plain = first_output(origin.model, model, {"x": x})
    for effect in effects:
        channels = effect.layer.shape[0]
        nothing = replace(effect, weights={}, bias=np.zeros(channels), clips=False, rounds=False)
        if effect.layer.sums:
            np.testing.assert_allclose(
                first_output(isolated(model, nothing, np.zeros(channels)), model, {"x": x}), plain, atol=1e-5
            )
        changed = first_output(isolated(model, effect, np.zeros(channels)), model, {"x": x})
        assert np.isfinite(changed).all()
