"""Views, what is dropped, and tails compute what they compute in onnxruntime."""

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, numpy_helper

from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir.ops import Pad, Tail, Transpose
from tests.compiler.frontend.models import OPSETS, after_conv, agrees, kinds, model, node, weight

VIEWS = [
    (node("Flatten", "h"), {}, (196,)),
    (node("Flatten", "h", axis=-3), {}, (196,)),
    (node("Reshape", "h s"), {"s": np.array([-1, 196])}, (196,)),
    (node("Reshape", "h s"), {"s": np.array([0, 14, -1])}, (14, 14)),
    (node("Reshape", "h s"), {"s": np.array([0, 0, 49])}, (4, 49)),
    (node("Unsqueeze", "h s"), {"s": np.array([1, -1])}, (1, 4, 7, 7, 1)),
    (node("Transpose", "h", perm=[0, 2, 3, 1]), {}, (7, 7, 4)),
]


@pytest.mark.parametrize(("view", "weights", "shape"), VIEWS, ids=lambda v: getattr(v, "op_type", ""))
def test_views_keep_the_batch_apart(view: Any, weights: dict[str, np.ndarray], shape: tuple[int, ...]) -> None:
    graph = after_conv(view, weights=weights)
    assert graph.types[graph.outputs[0]].shape == shape


@pytest.mark.parametrize("opset", OPSETS)
def test_squeeze_and_unsqueeze_take_axes_as_attribute_or_operand(opset: int) -> None:
    weights = {"w": weight(3, 2, 6, 6)}
    if opset < 13:
        nodes = [node("Squeeze", "h", "q", axes=[2, 3]), node("Unsqueeze", "q", axes=[1])]
    else:
        nodes = [node("Squeeze", "h a", "q"), node("Unsqueeze", "q b")]
        weights |= {"a": np.array([2, 3]), "b": np.array([1])}
    graph = agrees(model([node("Conv", "x w", "h"), *nodes], ("N", 2, 6, 6), weights, opset=opset))
    assert graph.types[graph.outputs[0]].shape == (1, 3)


def test_a_shape_computed_from_the_input_becomes_a_constant() -> None:
    nodes = [
        node("Conv", "x w", "h"), node("Shape", "x", "s"), node("Gather", "s zero", "n", axis=0),
        node("Unsqueeze", "n first", "m"), node("Concat", "m rest", "t", axis=0), node("Reshape", "h t"),
    ]  # fmt: skip
    weights = {
        "w": weight(3, 2, 3, 3), "zero": np.array(0), "first": np.array([0]), "rest": np.array([-1]),
    }  # fmt: skip
    graph = agrees(model(nodes, ("N", 2, 6, 6), weights))
    assert kinds(graph) == ["conv", "reshape"]


def test_weights_behind_reshape_transpose_cast_and_identity_are_constants() -> None:
    steps = [
        node("Reshape", "w s", "w1"), node("Transpose", "w1", "w2", perm=[1, 0]),
        node("Cast", "w2", "w3", to=TensorProto.FLOAT), node("Identity", "w3", "w4"), node("Gemm", "x w4"),
    ]  # fmt: skip
    weights = {"w": weight(15).astype(np.float64), "s": np.array([3, 5])}
    assert kinds(agrees(model(steps, ("N", 5), weights))) == ["dense"]


def test_a_large_weight_is_folded_too() -> None:
    weights = {"w": weight(1200, 1000), "s": np.array([1000, 1200])}
    proto = model([node("Reshape", "w s", "v"), node("Gemm", "x v")], ("N", 1000), weights)
    assert kinds(import_onnx(proto)) == ["dense"]


def test_constant_nodes_are_weights() -> None:
    tensor = numpy_helper.from_array(weight(5, 3))
    proto = model([node("Constant", "", "w", value=tensor), node("MatMul", "x w")], ("N", 5))
    assert kinds(agrees(proto)) == ["dense"]


@pytest.mark.parametrize("opset", OPSETS)
def test_pad_is_an_attribute_or_an_operand(opset: int) -> None:
    pads = [0, 0, 1, 2, 0, 1, 0, 3]
    if opset < 11:
        graph = after_conv(node("Pad", "h", pads=pads), opset=opset)
    else:
        graph = after_conv(node("Pad", "h p"), opset=opset, weights={"p": np.array(pads)})
    assert graph.nodes[-1].op == Pad((0, 1, 2, 1, 0, 3))


def test_pad_may_name_its_axes() -> None:
    weights = {"p": np.array([2, 1]), "v": np.array(0, np.float32), "a": np.array([-1])}
    assert after_conv(node("Pad", "h p v a"), weights=weights).nodes[-1].op == Pad((0, 0, 2, 0, 0, 1))


@pytest.mark.parametrize("axis", [1, 2, -1])
def test_concat_joins_along_any_axis_but_the_batch(axis: int) -> None:
    after_conv(node("Relu", "h", "r"), node("Concat", "h r h", axis=axis))


@pytest.mark.parametrize("opset", OPSETS)
def test_what_does_nothing_outside_training_is_dropped(opset: int) -> None:
    steps = [node("Dropout", "h", "d"), node("Identity", "d", "i"), node("Cast", "i", "c", to=1), node("Relu", "c")]
    assert kinds(after_conv(*steps, opset=opset)) == ["conv", "relu"]


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("kind", ["Softmax", "LogSoftmax"])
def test_softmax_at_the_end_is_a_tail(kind: str, opset: int) -> None:
    nodes = [node("Gemm", "x w b", "h"), node(kind, "h", axis=1)]
    proto = model(nodes, ("N", 5), {"w": weight(5, 3), "b": weight(3)}, opset=opset)
    op = agrees(proto).nodes[-1].op
    assert op == Tail({"Softmax": "softmax", "LogSoftmax": "log_softmax"}[kind], 0)


def test_argmax_at_the_end_is_a_tail_and_shows_the_logits() -> None:
    nodes = [node("Gemm", "x w", "h"), node("ArgMax", "h", axis=-1, keepdims=0)]
    proto = model(nodes, ("N", 5), {"w": weight(5, 3)}, out_kind=TensorProto.INT64)
    graph = import_onnx(proto)
    assert graph.nodes[-1].op == Tail("argmax", 0)
    assert graph.types[graph.outputs[0]].shape == (3,)


def test_an_old_softmax_over_several_axes_is_a_tail_between_views() -> None:
    proto = model([node("Conv", "x w", "h"), node("Softmax", "h")], weights={"w": weight(3, 2, 3, 3)}, opset=9)
    assert kinds(agrees(proto, batch=1)) == ["conv", "reshape", "tail", "reshape"]


def test_a_transpose_that_moves_nothing_and_an_empty_pad_are_dropped() -> None:
    steps = [node("Transpose", "h", "t", perm=[0, 1, 2, 3]), node("Pad", "t p")]
    assert kinds(after_conv(*steps, weights={"p": np.zeros(8, np.int64)})) == ["conv"]


def test_channels_last_models_keep_their_transposes() -> None:
    nodes = [node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w")]
    graph = agrees(model(nodes, ("N", 6, 6, 2), {"w": weight(3, 2, 3, 3)}))
    assert graph.nodes[0].op == Transpose((2, 0, 1))
