"""Weighted sums and element-wise operators compute what they compute in onnxruntime."""

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir.ops import Add, Affine, Conv, Dense, Relu
from tests.compiler.frontend.models import OPSETS, after_conv, agrees, kinds, model, node, weight

CONV_FORMS = [
    {},
    {"strides": [2, 1]},
    {"pads": [0, 1, 2, 3]},
    {"dilations": [2, 1], "pads": [1, 0, 1, 0]},
    {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    {"auto_pad": "SAME_LOWER", "strides": [3, 2]},
    {"auto_pad": "VALID"},
    {"kernel_shape": [3, 2]},
]


@pytest.mark.parametrize("attributes", CONV_FORMS, ids=str)
def test_conv_2d_keeps_its_window(attributes: dict[str, Any]) -> None:
    weights = {"w": weight(3, 2, 3, 2), "b": weight(3)}
    graph = agrees(model([node("Conv", "x w b", **attributes)], ("N", 2, 8, 9), weights))
    assert kinds(graph) == ["conv"]


@pytest.mark.parametrize("groups", [2, 4])
def test_conv_keeps_its_groups(groups: int) -> None:
    proto = model([node("Conv", "x w", group=groups)], ("N", 4, 6, 6), {"w": weight(8, 4 // groups, 3, 3)})
    op = agrees(proto).nodes[0].op
    assert isinstance(op, Conv)
    assert op.groups == groups


@pytest.mark.parametrize("attributes", [{}, {"pads": [2, 0], "strides": [2]}, {"auto_pad": "SAME_LOWER"}], ids=str)
def test_conv_1d_is_supported(attributes: dict[str, Any]) -> None:
    agrees(model([node("Conv", "x w b", **attributes)], ("N", 2, 9), {"w": weight(3, 2, 4), "b": weight(3)}))


@pytest.mark.parametrize("attributes", [{}, {"transB": 1}, {"alpha": 0.5, "beta": 2.0}], ids=str)
@pytest.mark.parametrize("bias", [(), (1,), (3,), (1, 3)], ids=str)
def test_gemm_folds_its_factors_into_weight_and_bias(attributes: dict[str, Any], bias: tuple[int, ...]) -> None:
    shape = (3, 5) if attributes.get("transB") else (5, 3)
    weights = {"w": weight(*shape), "b": weight(*bias)}
    graph = agrees(model([node("Gemm", "x w b", **attributes)], ("N", 5), weights))
    assert kinds(graph) == ["dense"]
    assert graph.types[graph.nodes[0].inputs[1]].shape == (3, 5)


def test_gemm_needs_no_bias() -> None:
    assert len(agrees(model([node("Gemm", "x w")], ("N", 5), {"w": weight(5, 3)})).nodes[0].inputs) == 2


def test_matmul_by_a_constant_is_a_dense_layer() -> None:
    graph = agrees(model([node("MatMul", "x w")], ("N", 5), {"w": weight(5, 3)}))
    assert isinstance(graph.nodes[0].op, Dense)


def test_matmul_behind_axes_of_size_one_is_a_dense_layer_between_views() -> None:
    graph = agrees(model([node("MatMul", "x w", name="fc")], ("N", 1, 1, 5), {"w": weight(5, 3)}))
    assert [n.name for n in graph.nodes] == ["fc.flat", "fc.dense", "fc"]
    assert graph.types["fc"].shape == (1, 1, 3)


CONSTANTS = [(), (1,), (4, 1, 1), (1, 4, 1, 1), (7, 7), (1, 1, 1, 7), (4, 7, 7)]


@pytest.mark.parametrize("shape", CONSTANTS, ids=str)
@pytest.mark.parametrize(
    "form", ["Add h c", "Add c h", "Sub h c", "Sub c h", "Mul h c", "Mul c h", "Div h c", "Sum h c"]
)
def test_arithmetic_with_a_constant_is_affine(form: str, shape: tuple[int, ...]) -> None:
    kind, *inputs = form.split()
    graph = after_conv(node(kind, inputs), weights={"c": weight(*shape)})
    assert isinstance(graph.nodes[-1].op, Affine)


def test_negation_is_affine() -> None:
    assert isinstance(after_conv(node("Neg", "h")).nodes[-1].op, Affine)


@pytest.mark.parametrize("kind", ["Add", "Sum"])
def test_sums_of_activations_are_one_add(kind: str) -> None:
    graph = after_conv(node("Relu", "h", "r"), node(kind, "h r"))
    assert isinstance(graph.nodes[-1].op, Add)


def test_a_sum_of_three_is_one_add_and_a_sum_of_one_is_dropped() -> None:
    assert kinds(after_conv(node("Relu", "h", "r"), node("Sum", "h r r")))[-1] == "add"
    assert kinds(after_conv(node("Sum", "h", "s"), node("Relu", "s"))) == ["conv", "relu"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_mean_of_activations_is_their_sum_scaled(count: int) -> None:
    nodes = [node("Relu", "h", "r"), node("Mean", ["r", "h", "h"][:count])]
    assert kinds(after_conv(*nodes))[2:] == ([] if count == 1 else ["add", "affine"])


def test_a_difference_of_activations_adds_the_negated_one() -> None:
    graph = after_conv(node("Relu", "h", "r"), node("Sub", "h r"))
    assert kinds(graph) == ["conv", "relu", "affine", "add"]


@pytest.mark.parametrize("opset", [7, 8, 9, 13])
def test_batch_normalization_that_names_the_statistics_of_the_batch_trains(opset: int) -> None:
    weights = {"s": weight(4), "b": weight(4, seed=1), "m": weight(4, seed=2), "v": weight(4, seed=3) ** 2}
    training = node("BatchNormalization", "h s b m v", "y mean var saved_mean saved_var")
    with pytest.raises(SnnccError, match="training mode"):
        after_conv(training, opset=opset, weights=weights)


@pytest.mark.parametrize("opset", OPSETS)
def test_dropout_may_name_a_mask(opset: int) -> None:
    assert kinds(after_conv(node("Dropout", "h", "d mask"), node("Relu", "d"), opset=opset)) == ["conv", "relu"]


def test_a_mask_that_is_read_holds_ones() -> None:
    nodes = [node("Dropout", "h", "d mask"), node("Cast", "mask", "m", to=1), node("Add", "d m")]
    assert kinds(after_conv(*nodes)) == ["conv", "affine"]


@pytest.mark.parametrize("opset", OPSETS)
def test_batch_normalization_keeps_its_parameters(opset: int) -> None:
    weights = {"s": weight(4), "b": weight(4, seed=1), "m": weight(4, seed=2), "v": weight(4, seed=3) ** 2}
    graph = after_conv(node("BatchNormalization", "h s b m v", epsilon=1e-3), opset=opset, weights=weights)
    assert str(graph.nodes[-1].op) == "BatchNorm(epsilon=0.001)"


@pytest.mark.parametrize(
    ("low", "high", "cap"),
    [(0.0, 6.0, 6.0), (0.0, None, None), (0.0, np.inf, None), (0.0, 3.4028235e38, None), (0.0, 0.1, 0.1)],
)
def test_clip_from_zero_is_relu_with_a_cap(low: float, high: float | None, cap: float | None) -> None:
    weights = {"lo": np.float32(low), **({} if high is None else {"hi": np.float32(high)})}
    graph = after_conv(node("Clip", ["h", *weights]), weights={k: np.array(v) for k, v in weights.items()})
    assert graph.nodes[-1].op == Relu(cap)


@pytest.mark.parametrize("opset", [7, 9])
def test_clip_limits_may_be_attributes(opset: int) -> None:
    assert after_conv(node("Clip", "h", min=0.0, max=6.0), opset=opset).nodes[-1].op == Relu(6.0)


def test_max_with_zero_is_relu() -> None:
    assert after_conv(node("Max", "h z"), weights={"z": np.array(0, np.float32)}).nodes[-1].op == Relu()


@pytest.mark.parametrize("kind", [TensorProto.DOUBLE, TensorProto.FLOAT16])
def test_weights_of_other_float_types_become_float32(kind: int) -> None:
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    weights = {"w": weight(3, 2, 3, 3).astype(dtype), "b": weight(3).astype(dtype)}
    proto = model([node("Conv", "x w b", "h"), node("Relu", "h")], weights=weights, kind=kind)
    graph = import_onnx(proto)
    assert {a.dtype for a in graph.constants.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("kind", [TensorProto.UINT8, TensorProto.INT16])
def test_small_integers_may_be_cast_to_float_at_the_input(kind: int) -> None:
    nodes = [
        node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Cast", "t", "c", to=1),
        node("Div", "c k", "d"), node("Conv", "d w"),
    ]  # fmt: skip
    weights = {"k": np.array(255, np.float32), "w": weight(3, 2, 3, 3)}
    proto = model(nodes, ("N", 6, 6, 2), weights, kind=kind, out_kind=TensorProto.FLOAT)
    assert import_onnx(proto).inputs[0].type.dtype == "float32"
