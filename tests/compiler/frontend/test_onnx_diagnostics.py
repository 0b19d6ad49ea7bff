"""What is not supported is named, all at once, with a reason and the nearest rewrite."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.frontend.hints import HINTS, hint_for
from snncc.compiler.frontend.onnx_reader import import_onnx
from tests.compiler.frontend.models import codes, model, node, weight


def refused(*nodes: Any, weights: Any = None, **options: Any) -> Diagnostic:
    """Import a Conv followed by nodes that read h, and return the only diagnostic."""
    given = {"w": weight(4, 2, 3, 3), **(weights or {})}
    with pytest.raises(SnnccError) as error:
        import_onnx(model([node("Conv", "x w", "h", pads=[1, 1, 1, 1]), *nodes], weights=given, **options))
    assert error.value.exit_code == 1
    assert len(error.value.diagnostics) == 1, str(error.value)
    return error.value.diagnostics[0]


UNSUPPORTED = [
    "Abs", "Ceil", "DynamicQuantizeLinear", "Exp", "Floor", "GlobalLpPool", "Log", "LpNormalization",
    "MeanVarianceNormalization", "NonZero", "Reciprocal", "Round", "Sign", "Sqrt", "ThresholdedRelu",
]  # fmt: skip


@pytest.mark.parametrize("kind", UNSUPPORTED)
def test_an_unsupported_operator_is_named_with_reason_and_rewrite(kind: str) -> None:
    found = refused(node(kind, "h", name="here"))
    assert found.code == "SNN102"
    assert (found.loc.name, found.loc.op) == ("here", kind)
    assert kind in found.message
    assert "'here'" in found.message
    assert found.hint == hint_for(kind)[1] != hint_for("NoSuchOperator")[1]


def test_every_finding_of_a_model_is_told_at_once_in_its_order() -> None:
    nodes = [
        node("Conv", "x w", "a", name="n1", pads=[1, 1, 1, 1]),
        node("Abs", "a", "b", name="n2"),
        node("Conv", "b bad", "c", name="n3"),
        node("Mul", "c b2", "d", name="n4"),
        node("Mystery", "c", "e", name="n5", domain="mine"),
        node("Conv", "e w", "f", name="n6"),
        node("Clip", "a lo lo", "b2", name="n7"),
        node("Add", "d f", name="n8"),
    ]
    nodes[3], nodes[6] = nodes[6], nodes[3]
    weights = {"w": weight(2, 2, 3, 3), "bad": np.full((2, 2, 1, 1), np.nan, np.float32), "lo": np.float32(-1)}
    arrays = {name: np.asarray(array) for name, array in weights.items()}
    with pytest.raises(SnnccError) as error:
        import_onnx(model(nodes, weights=arrays, domains=["mine"]))
    found = [(d.loc.name, d.code) for d in error.value.diagnostics]
    assert found == [
        ("n2", "SNN102"), ("n3", "SNN105"), ("n7", "SNN103"), ("n5", "SNN102"), ("n4", "SNN103"),
    ]  # fmt: skip
    assert "mine::Mystery" in str(error.value)


def test_nothing_follows_from_an_unknown_operator_but_itself() -> None:
    nodes = [node("Mystery", "h", "m", domain="mine"), node("Conv", "m v", "c"), node("Flatten", "c", "f")]
    found = refused(*nodes, node("Gemm", "f u"), weights={"v": weight(2, 4, 3, 3), "u": weight(3, 3)})
    assert found.code == "SNN102"


FORMS: dict[str, tuple[Callable[[], Any], dict[str, np.ndarray], str]] = {
    "product of activations": (lambda: node("Mul", "h h"), {}, "multiplies activations"),
    "difference of shapes": (
        lambda: [node("GlobalMaxPool", "h", "g"), node("Sub", "h g")], {}, "one of which would be repeated",
    ),
    "division by an activation": (lambda: node("Div", "c h"), {"c": weight(1)}, "divides by an activation"),
    "division by zero": (lambda: node("Div", "h c"), {"c": np.zeros(1, np.float32)}, "no finite"),
    "clip to one value": (lambda: node("Clip", "h c c"), {"c": np.float32(1)}, r"clips to \[1.0, 1.0\], which leaves"),
    "clip to no number": (lambda: node("Clip", "h c"), {"c": np.float32(np.nan)}, "is no number"),
    "clip to a negative cap": (
        lambda: node("Clip", "h c d"), {"c": np.float32(0), "d": np.float32(-1)}, "clips",
    ),
    "maximum of activations": (lambda: node("Max", "h h"), {}, "more than one number"),
    "minimum per channel": (lambda: node("Min", "h c"), {"c": weight(4, 1, 1)}, "more than one number"),
    "mean of an activation and a constant": (lambda: node("Mean", "h c"), {"c": weight(1)}, "and a constant"),
    "constant that repeats the activation": (lambda: node("Add", "h c"), {"c": weight(2, 4, 6, 6)}, "does not fit"),
    "pad with a value": (
        lambda: node("Pad", "h p v"), {"p": np.ones(8, np.int64), "v": np.ones((), np.float32)}, "other than zero",
    ),
    "pad by reflection": (lambda: node("Pad", "h p", mode="reflect"), {"p": np.ones(8, np.int64)}, "reflect"),
    "pad by a negative number": (
        lambda: node("Pad", "h p"), {"p": np.array([0, 0, -1, 0, 0, 0, 0, 0])}, "negative",
    ),
    "pad of the batch": (lambda: node("Pad", "h p"), {"p": np.array([1, 0, 0, 0, 0, 0, 0, 0])}, "pads the batch"),
    "concat of the batch": (lambda: node("Concat", "h h", axis=0), {}, "batch axis"),
    "sum of activations and a constant": (lambda: node("Sum", "h h c"), {"c": weight(1)}, "at once"),
    "last of equal values": (lambda: node("ArgMax", "h", axis=1, select_last_index=1), {}, "last of equal"),
    "transposed activation": (lambda: node("Gemm", "h c", transA=1), {"c": weight(6, 3)}, "transA"),
    "reshape to another size": (lambda: node("Conv", "h c"), {"c": weight(3, 4, 9, 9)}, "larger"),
    "bias per sample": (lambda: node("MatMul", "h c"), {"c": weight(2, 6, 3)}, "every position"),
    "mean over everything": (lambda: node("ReduceMean", "h"), {}, r"axes \[0, 1, 2, 3\]"),
    "global pool of a vector": (lambda: node("Conv", "h c"), {"c": weight(3, 4, 3)}, "do not fit"),
    "concat with a constant": (lambda: node("Concat", "h c", axis=1), {"c": weight(1, 4, 6, 6)}, "constant"),
    "transpose of the batch": (lambda: node("Transpose", "h", perm=[1, 0, 2, 3]), {}, "moves the batch"),
    "reshape of the batch": (lambda: node("Reshape", "h s"), {"s": np.array([4, -1])}, "mixes the batch"),
    "squeeze of the batch": (lambda: node("Squeeze", "h s"), {"s": np.array([0])}, "drops the batch"),
    "softmax over the batch": (lambda: node("Softmax", "h", axis=0), {}, "over the batch"),
    "mean over channels": (lambda: node("ReduceMean", "h s"), {"s": np.array([1])}, r"reduces the axes \[1\]"),
    "average with dilation": (
        lambda: node("AveragePool", "h", kernel_shape=[2, 2], dilations=[2, 2]), {}, "dilated",
    ),
    "ceil mode with counted padding": (
        lambda: node("AveragePool", "h", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, ceil_mode=1,
                     count_include_pad=1), {}, "ceil mode",
    ),
    "batch statistics": (
        lambda: node("BatchNormalization", "h c c c c", training_mode=1), {"c": np.ones(4, np.float32)}, "training",
    ),
    "negative variance": (
        lambda: node("BatchNormalization", "h c c c d"),
        {"c": np.ones(4, np.float32), "d": -np.ones(4, np.float32)}, "variance",
    ),
    "elu that falls": (lambda: node("Elu", "h", alpha=-1.0), {}, "alpha -1.0 is not positive"),
    "celu without alpha": (lambda: node("Celu", "h", alpha=0.0), {}, "alpha 0.0 is not positive"),
    "selu of other numbers": (lambda: node("Selu", "h", alpha=1.0), {}, "not Selu's own"),
    "slope per position": (lambda: node("PRelu", "h c"), {"c": weight(4, 6, 6)}, "differs between positions"),
    "computed slope": (lambda: node("PRelu", "h h"), {}, "computed by the model"),
    "linear interpolation": (
        lambda: node("Resize", ["h", "", "c"], mode="linear"), {"c": np.array([1, 1, 2, 2], np.float32)},
        "interpolates",
    ),
    "resize by a fraction": (
        lambda: node("Resize", ["h", "", "c"], mode="nearest"), {"c": np.array([1, 1, 1.5, 2], np.float32)},
        r"factors \[1, 1, 1.5, 2\] are not whole",
    ),
    "resize to a smaller size": (
        lambda: node("Resize", ["h", "", "", "c"], mode="nearest"), {"c": np.array([1, 4, 3, 6])}, "not whole",
    ),
    "resize of the batch": (
        lambda: node("Resize", ["h", "", "c"], mode="nearest"), {"c": np.array([2, 1, 1, 1], np.float32)},
        "repeat samples",
    ),
    "resize of the channels": (
        lambda: node("Resize", ["h", "", "c"], mode="nearest"), {"c": np.array([1, 2, 2, 2], np.float32)},
        "repeat channels",
    ),
    "resize of a cut out part": (
        lambda: node("Resize", "h r c", coordinate_transformation_mode="tf_crop_and_resize"),
        {"c": np.array([1, 1, 2, 2], np.float32), "r": np.array([0] * 4 + [1] * 4, np.float32)}, "tf_crop_and_resize",
    ),
    "resize that keeps the aspect ratio": (
        lambda: node("Resize", ["h", "", "", "c"], mode="nearest", keep_aspect_ratio_policy="not_larger"),
        {"c": np.array([1, 4, 12, 12])}, "aspect ratio",
    ),
    "slice backwards": (
        lambda: node("Slice", "h c d e f"),
        {"c": np.array([-1]), "d": np.array([-9]), "e": np.array([2]), "f": np.array([-1])}, "backwards",
    ),
    "slice of the batch": (
        lambda: node("Slice", "h c d e"), {"c": np.array([0]), "d": np.array([-1]), "e": np.array([0])},
        "selects samples",
    ),
    "slice of nothing": (
        lambda: node("Slice", "h c d e"), {"c": np.array([3]), "d": np.array([3]), "e": np.array([2])},
        "selects nothing",
    ),
    "split of the batch": (lambda: node("Split", "h", "y z", axis=0, num_outputs=2), {}, "selects samples"),
    "split that does not fit": (
        lambda: node("Split", "h c", "y z", axis=1), {"c": np.array([1, 2])}, "do not fit 2 results",
    ),
    "gather out of order": (lambda: node("Gather", "h c", axis=1), {"c": np.array([2, 0, 1])}, "no equal steps"),
    "gather of a table": (lambda: node("Gather", "h c", axis=1), {"c": np.array([[0, 1]])}, r"shape \(1, 2\)"),
    "gather from the batch": (lambda: node("Gather", "h c"), {"c": np.array(0)}, "selects samples"),
    "depth to space of too few channels": (lambda: node("DepthToSpace", "h", blocksize=3), {}, "do not fill blocks"),
    "space to depth with a rest": (lambda: node("SpaceToDepth", "h", blocksize=4), {}, "do not divide"),
    "transposed convolution to a size out of reach": (
        lambda: node("ConvTranspose", "h c", output_shape=[20, 20]), {"c": weight(4, 2, 3, 3)}, "to have the size",
    ),
    "transposed convolution with groups that do not fit": (
        lambda: node("ConvTranspose", "h c", group=3), {"c": weight(4, 2, 3, 3)}, "does not fit 3 groups",
    ),
    "fast gelu with a bias": (
        lambda: node("FastGelu", "h c", domain="com.microsoft"), {"c": weight(6)}, "adds a bias",
    ),
    "infinite weight": (lambda: node("Conv", "h c"), {"c": np.full((1, 4, 1, 1), np.inf, np.float32)}, "'c' holds 4"),
    "weight too large": (lambda: node("Mul", "h c"), {"c": np.array(np.inf, np.float32)}, "no finite float32"),
    "computed weight": (lambda: node("MatMul", "h h"), {}, "computed by the model"),
    "weight on the left": (lambda: node("MatMul", "c h"), {"c": weight(6, 6)}, "left operand"),
    "one weight at many positions": (lambda: node("MatMul", "h c"), {"c": weight(6, 3)}, "every position"),
    "one axis too many": (lambda: node("MaxPool", "h", kernel_shape=[2, 2, 2]), {}, "3 spatial axes"),
    "window larger than its input": (lambda: node("MaxPool", "h", kernel_shape=[9, 9]), {}, "larger"),
    "random dropout": (
        lambda: node("Dropout", "h r t"), {"r": np.float32(0.5), "t": np.array(True)}, "at random",
    ),
    "cast to integers": (lambda: node("Cast", "h", to=TensorProto.INT32), {}, "floats into int32"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_an_unsupported_form_says_why(name: str) -> None:
    make, weights, words = FORMS[name]
    nodes = made if isinstance(made := make(), list) else [made]
    given = {k: np.asarray(v) for k, v in weights.items()}
    found = refused(*nodes, weights=given, opset=19, domains=["com.microsoft"])
    assert found.code in ("SNN103", "SNN105")
    assert re.search(words, found.message), found.message


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_conv_3d_is_refused(kind: str) -> None:
    with pytest.raises(SnnccError, match="3 spatial axes"):
        import_onnx(model([node(kind, "x w")], ("N", 2, 6, 6, 6), {"w": weight(2, 2, 3, 3, 3)}))


def test_blocks_need_two_spatial_axes() -> None:
    nodes = [node("Conv", "x w", "h"), node("DepthToSpace", "h", blocksize=2)]
    with pytest.raises(SnnccError, match="1 spatial axes"):
        import_onnx(model(nodes, ("N", 2, 6), {"w": weight(4, 2, 3)}))


RECURRENT = {"LSTM": 4, "GRU": 3, "RNN": 1}


@pytest.mark.parametrize("kind", RECURRENT)
def test_a_recurrent_layer_is_one_finding(kind: str) -> None:
    rows = 8 * RECURRENT[kind]
    weights = {"w": weight(1, rows, 5), "r": weight(1, rows, 8)}
    with pytest.raises(SnnccError, match=f"operator {kind}") as error:
        import_onnx(model([node(kind, "x w r", hidden_size=8)], ("N", 1, 5), weights))
    assert codes(error) == ["SNN102"]
    assert "recurrent" in error.value.diagnostics[0].hint


NORMS: dict[str, tuple[Callable[[], Any], dict[str, np.ndarray]]] = {
    "LRN": (lambda: node("LRN", "h", size=3), {}),
    "LayerNormalization": (lambda: node("LayerNormalization", "h g"), {"g": weight(6)}),
    "InstanceNormalization": (lambda: node("InstanceNormalization", "h g g"), {"g": weight(4)}),
}


@pytest.mark.parametrize("kind", NORMS)
def test_a_normalization_by_the_sample_is_one_finding(kind: str) -> None:
    make, weights = NORMS[kind]
    found = refused(make(), weights=weights)
    assert (found.code, found.loc.op) == ("SNN102", kind)
    assert "statistics of the sample" in found.message


def test_attention_is_refused_where_activations_meet() -> None:
    nodes = [
        node("MatMul", "x a", "q"), node("Transpose", "x", "k", perm=[0, 2, 1]), node("MatMul", "q k", "s"),
        node("Softmax", "s", "p"), node("MatMul", "p x"),
    ]  # fmt: skip
    with pytest.raises(SnnccError, match="not a constant") as error:
        import_onnx(model(nodes, ("N", 1, 5), {"a": weight(5, 5)}))
    assert set(codes(error)) == {"SNN103"}


def test_sums_that_repeat_an_activation_are_refused() -> None:
    nodes = [node("GlobalAveragePool", "h", "g"), node("Add", "h g")]
    assert "repeated" in refused(*nodes).message


def test_softmax_inside_is_refused_with_its_reader() -> None:
    found = refused(node("Softmax", "h", "s", axis=1), node("Relu", "s", name="next"))
    assert "'next'" in found.message
    assert "attention" in found.hint


def test_a_second_result_that_is_read_is_refused() -> None:
    pool = node("MaxPool", "h", "y i", kernel_shape=[2, 2])
    with pytest.raises(SnnccError, match="second result"):
        import_onnx(model([node("Conv", "x w", "h"), pool], weights={"w": weight(2, 2, 3, 3)}, outputs="y i"))


def test_weights_that_are_inputs_are_named() -> None:
    proto = model([node("Conv", "x k")], inputs={"x": ("N", 2, 6, 6), "k": (3, 2, 3, 3)})
    with pytest.raises(SnnccError) as error:
        import_onnx(proto)
    assert "SNN103" in codes(error) or "SNN104" in codes(error)


@pytest.mark.parametrize("shape", [("N", 2, "H", "W"), ("N", 2, None, 6), ("N", 2, 0, 6)], ids=str)
def test_an_open_size_is_named_with_its_axis(shape: tuple[Any, ...]) -> None:
    with pytest.raises(SnnccError, match="no fixed size at axis 2") as error:
        import_onnx(model([node("Conv", "x w")], shape, {"w": weight(2, 2, 3, 3)}))
    assert codes(error) == ["SNN104"]


def test_an_input_without_batch_axis_is_a_diagnostic() -> None:
    with pytest.raises(SnnccError, match="none is a batch") as error:
        import_onnx(model([node("MatMul", "x w")], (5,), {"w": weight(5, 3)}))
    assert codes(error) == ["SNN104"]


def test_inputs_of_different_batch_sizes_are_a_diagnostic() -> None:
    nodes = [node("Gemm", "x w", "h"), node("Gemm", "z w", "g"), node("Concat", "h g", axis=1)]
    proto = model(nodes, weights={"w": weight(5, 3)}, inputs={"x": (2, 5), "z": (4, 5)})
    with pytest.raises(SnnccError, match="batch size 4") as error:
        import_onnx(proto)
    assert codes(error) == ["SNN104"]


def test_a_reshape_that_depends_on_data_is_a_diagnostic() -> None:
    found = refused(node("NonZero", "h", "n"), node("Shape", "n", "s"), node("Reshape", "h s"))
    assert found.code == "SNN102"


def test_token_inputs_are_a_diagnostic() -> None:
    nodes = [node("Cast", "x", "f", to=1), node("Gemm", "f w")]
    with pytest.raises(SnnccError, match="holds int64") as error:
        import_onnx(model(nodes, ("N", 5), {"w": weight(5, 3)}, kind=TensorProto.INT64))
    assert codes(error) == ["SNN109"]


def test_arithmetic_in_integers_is_refused() -> None:
    nodes = [node("Add", "x c", "h"), node("Cast", "h", "f", to=1), node("Gemm", "f w")]
    weights = {"c": np.array(3, np.uint8), "w": weight(5, 3)}
    with pytest.raises(SnnccError, match="with integers"):
        import_onnx(model(nodes, ("N", 5), weights, kind=TensorProto.UINT8))


def test_control_flow_is_refused_as_one_operator() -> None:
    flag = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    count = helper.make_tensor_value_info("i", TensorProto.INT64, [])
    state, result = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "ar")
    kept = helper.make_tensor_value_info("k", TensorProto.BOOL, [])
    body = helper.make_graph(
        [node("Identity", "c", "k"), node("Sigmoid", "a", "r")], "body", [count, flag, state], [kept, result]
    )
    found = refused(node("Loop", ["n", "", "h"], body=body), weights={"n": np.array(3)})
    assert found.code == "SNN102"
    assert found.loc.op == "Loop"


def test_an_output_that_is_an_input_or_a_constant_is_a_diagnostic() -> None:
    for extra, words in ((node("Identity", "x", "z"), "an input"), (node("Identity", "w", "z"), "a constant")):
        proto = model([node("Conv", "x w"), extra], weights={"w": weight(2, 2, 3, 3)}, outputs="y z")
        with pytest.raises(SnnccError, match=words):
            import_onnx(proto)


def test_a_conversion_that_onnx_refuses_is_told_by_the_node() -> None:
    weights = {name: weight(4, 6, 6) for name in "abcd"}
    found = refused(node("BatchNormalization", "h a b c d", spatial=0), weights=weights, opset=7)
    assert found.code == "SNN103"
    assert "per position" in found.message


def test_every_code_of_the_frontend_is_in_the_catalogue() -> None:
    assert {f"SNN{number}" for number in range(100, 111)} <= CATALOGUE.keys()


def test_every_hint_gives_a_reason_and_a_rewrite() -> None:
    assert all(reason and hint for reason, hint in HINTS.values())
