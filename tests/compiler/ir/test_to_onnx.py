"""The ONNX form of a float graph: standard, named like the IR, batch open, the same bytes every time."""

import hashlib
import subprocess
import sys
from typing import Any

import numpy as np
import onnx
import pytest

from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir import FLOAT, Graph, Input, Node, Stage, TensorType, rebuild
from snncc.compiler.ir.curve import CURVES, Curve
from snncc.compiler.ir.integer_ops import Encode
from snncc.compiler.ir.op import OPS, Op
from snncc.compiler.ir.ops import (
    Add,
    Affine,
    AveragePool,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Pad,
    Relu,
    Reshape,
    Tail,
    Transpose,
)  # fmt: skip
from snncc.compiler.ir.quantizer import Quantizer
from snncc.compiler.ir.to_onnx import to_onnx
from snncc.compiler.ir.verify import LEGAL, check
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from tests.compiler.frontend.models import run, weight

X = np.random.default_rng(3).standard_normal((2, 4, 5, 6)).astype(np.float32)


def graph_of(op: Op, *constants: np.ndarray, shape: tuple[int, ...] = (4, 5, 6), operands: int = 1) -> Graph:
    """A graph of one node y that reads x (several times) and constants c0, c1..."""
    names = tuple(f"c{i}" for i in range(len(constants)))
    given = dict(zip(names, constants, strict=True))
    start = Graph("g", Stage.IMPORTED, (Input("x", TensorType(FLOAT, shape)),), (), ("y",), given)
    node = Node("y", op, ("x",) * operands + names, TensorType(FLOAT, ()))
    return check(rebuild(start, [node], given), "the test")


def result(graph: Graph, x: np.ndarray = X) -> Any:
    return run(to_onnx(graph), {"x": x})[0]


def pool(op: type, kernel: tuple[int, int], **options: Any) -> Op:
    built: Op = op(kernel, (1, 1), (0, 0, 0, 0), **options)
    return built


def spread(x: np.ndarray, step: int) -> np.ndarray:
    """x with step - 1 rows of zeros between its rows."""
    wide = np.zeros((*x.shape[:2], (x.shape[2] - 1) * step + 1, x.shape[3]), x.dtype)
    wide[:, :, ::step] = x
    return wide


CASES: dict[str, tuple[Graph, Any]] = {
    "add": (graph_of(Add(), operands=3), lambda x: 3 * x),
    "affine": (
        graph_of(Affine(), weight(4, 1, 1), weight(1, 5, 6)), lambda x: x * weight(4, 1, 1) + weight(1, 5, 6),
    ),
    "average_pool": (graph_of(pool(AveragePool, (5, 6))), lambda x: x.mean((2, 3), keepdims=True)),
    "batch_norm": (
        graph_of(BatchNorm(0.5), *(np.full(4, v, np.float32) for v in (2, 3, 1, 1.75))),
        lambda x: 2 * (x - 1) / 1.5 + 3,
    ),
    "concat": (graph_of(Concat(1), operands=2), lambda x: np.concatenate([x, x], 2)),
    "conv": (
        graph_of(Conv((1, 1), (0, 0, 0, 0), (1, 1)), weight(3, 4, 1, 1)),
        lambda x: np.einsum("oc,ncij->noij", weight(3, 4, 1, 1)[:, :, 0, 0], x),
    ),
    "curve": (graph_of(Curve("tanh")), np.tanh),
    "dilate": (graph_of(Dilate((3, 1))), lambda x: spread(x, 3)),
    "max_pool": (graph_of(pool(MaxPool, (5, 6), dilations=(1, 1))), lambda x: x.max((2, 3), keepdims=True)),
    "pad": (graph_of(Pad((0, 1, 0, 2, 0, 3))), lambda x: np.pad(x, ((0, 0), (0, 2), (1, 0), (0, 3)))),
    "quantizer": (graph_of(Quantizer(0.25, -3, 5)), lambda x: np.clip(np.rint(x * 4), -3, 5) / 4),
    "relu": (graph_of(Relu(0.5)), lambda x: np.clip(x, 0, 0.5)),
    "reshape": (graph_of(Reshape((20, 6))), lambda x: x.reshape(2, 20, 6)),
    "slice": (graph_of(Slice((1, 0, 2), (4, 5, 6), (2, 1, 3))), lambda x: x[:, 1:4:2, :, 2::3]),
    "tail": (graph_of(Tail("softmax", 0)), lambda x: np.exp(x) / np.exp(x).sum(1, keepdims=True)),
    "transpose": (graph_of(Transpose((2, 0, 1))), lambda x: x.transpose(0, 3, 1, 2)),
    "upsample": (graph_of(Upsample((3, 2))), lambda x: x.repeat(3, 2).repeat(2, 3)),
}  # fmt: skip


PARAMETERS = {"low": -0.5, "high": 1.25, "alpha": 0.3, "beta": 1.7}


@pytest.mark.parametrize("kind", CURVES)
@pytest.mark.parametrize("shape", [(4, 5, 6), (4,)], ids=str)
def test_a_curve_computes_its_equation(kind: str, shape: tuple[int, ...]) -> None:
    op = Curve(kind, tuple(PARAMETERS[name] for name in CURVES[kind][0]))
    slope = [weight(4)] if kind == "prelu" else []
    x = 3 * weight(3, *shape)
    expected = op(x, *(s.reshape(-1, *(1,) * (len(shape) - 1)) for s in slope))
    np.testing.assert_allclose(result(graph_of(op, *slope, shape=shape), x), expected, rtol=2e-5, atol=2e-6)


def test_selections_work_on_one_spatial_axis() -> None:
    x = X[:, :, :, 0]
    cases: list[tuple[Op, np.ndarray]] = [
        (Dilate((4,)), spread(x[..., None], 4)[..., 0]),
        (Upsample((3,)), x.repeat(3, 2)),
        (Slice((0, 1), (4, 5), (1, 2)), x[:, :, 1:5:2]),
    ]
    for op, expected in cases:
        np.testing.assert_array_equal(result(graph_of(op, shape=(4, 5)), x), expected)


@pytest.mark.parametrize("name", CASES)
def test_an_op_computes_its_equation(name: str) -> None:
    graph, equation = CASES[name]
    np.testing.assert_allclose(result(graph), equation(X), rtol=1e-5, atol=1e-5)


def test_every_op_of_a_float_graph_can_be_written() -> None:
    legal = {op.name for stage in (Stage.IMPORTED, Stage.CANONICAL) for op in LEGAL[stage]}  # type: ignore[attr-defined]
    assert legal == CASES.keys() | {"dense", "integer_weight"}  # of what has other inputs than activations
    assert legal <= OPS.keys()


def test_dense_reads_its_weight_as_it_stands() -> None:
    graph = graph_of(Dense(), weight(3, 7), weight(3), shape=(7,))
    x = weight(2, 7)
    np.testing.assert_allclose(result(graph, x), x @ weight(3, 7).T + weight(3), rtol=1e-5)
    assert {t.name for t in to_onnx(graph).graph.initializer} == {"c0", "c1"}


def test_a_bias_per_position_is_an_addition() -> None:
    conv = Conv((1, 1), (1, 1, 1, 1), (1, 1))
    plain = graph_of(conv, weight(3, 4, 3, 3))
    shifted = graph_of(conv, weight(3, 4, 3, 3), weight(3, 5, 6))
    np.testing.assert_allclose(result(shifted), result(plain) + weight(3, 5, 6), rtol=1e-5, atol=1e-5)
    assert [n.op_type for n in to_onnx(shifted).graph.node] == ["Conv", "Add"]


@pytest.mark.parametrize(("kind", "axis"), [("softmax", -1), ("log_softmax", 2), ("argmax", 0)])
def test_tails_keep_their_axis_and_argmax_gives_the_logits(kind: str, axis: int) -> None:
    exponent = np.exp(X - X.max())
    share = exponent / exponent.sum(-1, keepdims=True)
    expected = {"softmax": share, "log_softmax": np.log(share), "argmax": X}[kind]
    np.testing.assert_allclose(result(graph_of(Tail(kind, axis))), expected, rtol=1e-4, atol=1e-5)


def chain() -> Graph:
    constants = {"w": weight(3, 4, 3, 3)}
    start = Graph("chain", Stage.IMPORTED, (Input("x", TensorType(FLOAT, (4, 5, 6))),), (), ("z",), constants)
    empty = TensorType(FLOAT, ())
    nodes = [
        Node("y", Conv((1, 1), (0, 0, 0, 0), (1, 1)), ("x", "w"), empty), Node("z", Relu(), ("y",), empty),
    ]  # fmt: skip
    return rebuild(start, nodes, constants)


def test_values_are_named_like_the_ir_and_the_batch_is_open() -> None:
    proto = to_onnx(chain())
    onnx.checker.check_model(proto, full_check=True)
    assert [n.name for n in proto.graph.node] == ["y", "z"]
    assert proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    assert run(proto, {"x": np.zeros((9, 4, 5, 6), np.float32)})[0].shape[0] == 9


def test_extra_outputs_follow_the_graphs_own() -> None:
    proto = to_onnx(chain(), ("y", "z"))
    assert [value.name for value in proto.graph.output] == ["z", "y"]
    z, y = run(proto, {"x": X})
    np.testing.assert_array_equal(z, np.maximum(y, 0))


def test_what_cannot_be_written_is_our_bug() -> None:
    with pytest.raises(InternalError, match="no nodes"):
        to_onnx(chain(), ("nowhere",))
    quantized = Graph("q", Stage.QUANTIZED, chain().inputs, (), ("x",))
    with pytest.raises(InternalError, match="quantized"):
        to_onnx(quantized)
    stray = graph_of(Relu())
    object.__setattr__(stray.nodes[0], "op", Encode(1.0, 0, 1))
    with pytest.raises(InternalError, match="encode"):
        to_onnx(stray)


def test_the_names_of_steps_within_a_node_never_meet_names_of_the_graph() -> None:
    one = np.ones((1, 1, 1), np.float32)
    graph = graph_of(Affine(), one, one)
    clash = rebuild(graph, [*graph.nodes, Node("y__scaled", Relu(), ("y",), graph.nodes[0].type)],
                    graph.constants, outputs=("y__scaled",))  # fmt: skip
    np.testing.assert_allclose(result(clash), np.maximum(X + 1, 0), rtol=1e-6)


def digest() -> str:
    data = b"".join(to_onnx(graph).SerializeToString() for graph, _ in CASES.values())
    return hashlib.sha256(data).hexdigest()


def test_equal_graphs_give_equal_bytes_in_every_process() -> None:
    code = "from tests.compiler.ir.test_to_onnx import digest; import sys; sys.stdout.write(digest())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout == digest()
