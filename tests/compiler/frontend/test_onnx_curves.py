"""Activations compute what they compute in onnxruntime."""

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir import Graph
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Relu
from tests.compiler.frontend.models import after_conv, agrees, kinds, model, node, weight

OPERATORS: dict[str, tuple[Any, Op]] = {
    "sigmoid": (node("Sigmoid", "h"), Curve("sigmoid")),
    "tanh": (node("Tanh", "h"), Curve("tanh")),
    "softplus": (node("Softplus", "h"), Curve("softplus")),
    "softsign": (node("Softsign", "h"), Curve("softsign")),
    "erf": (node("Erf", "h"), Curve("erf")),
    "mish": (node("Mish", "h"), Curve("mish")),
    "hard swish": (node("HardSwish", "h"), Curve("hard_swish")),
    "hard sigmoid": (node("HardSigmoid", "h"), Curve("hard_sigmoid", (0.2, 0.5))),
    "hard sigmoid of torch": (node("HardSigmoid", "h", alpha=1 / 6), Curve("hard_sigmoid", (0.16666667, 0.5))),
    "leaky relu": (node("LeakyRelu", "h"), Curve("leaky_relu", (0.01,))),
    "leaky relu with a slope": (node("LeakyRelu", "h", alpha=0.3), Curve("leaky_relu", (0.3,))),
    "leaky relu without one": (node("LeakyRelu", "h", alpha=0.0), Relu()),
    "elu": (node("Elu", "h"), Curve("elu", (1.0,))),
    "elu with alpha": (node("Elu", "h", alpha=0.5), Curve("elu", (0.5,))),
    "celu": (node("Celu", "h", alpha=2.0), Curve("celu", (2.0,))),
    "selu": (node("Selu", "h"), Curve("selu")),
    "gelu": (node("Gelu", "h"), Curve("gelu")),
    "gelu in its tanh form": (node("Gelu", "h", approximate="tanh"), Curve("gelu_tanh")),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_an_activation_keeps_its_curve(name: str) -> None:
    given, wanted = OPERATORS[name]
    graph = after_conv(given, opset=20 if "gelu" in name else 18)
    assert graph.nodes[-1].op == wanted
    assert len(graph.nodes) == 2


@pytest.mark.parametrize("kind", ["Sigmoid", "Elu", "HardSigmoid", "LeakyRelu", "PRelu", "Selu", "Softplus", "Tanh"])
@pytest.mark.parametrize("opset", [7, 9, 13])
def test_activations_of_old_opsets_are_read(kind: str, opset: int) -> None:
    slope = {"s": weight(4, 1, 1)} if kind == "PRelu" else {}
    assert kinds(after_conv(node(kind, ["h", *slope]), opset=opset, weights=slope)) == ["conv", "curve"]


def test_swish_has_its_factor() -> None:
    """onnxruntime 1.32 has no kernel for Swish of opset 24; its equation is a function of the model here."""
    graph = after_conv(node("Mul", "h c", "t"), node("Sigmoid", "t", "s"), node("Mul", "h s"),
                       weights={"c": np.array(1.5, np.float32)})  # fmt: skip
    assert graph.nodes[-1].op == Curve("silu", (1.5,))


@pytest.mark.parametrize("shape", [(), (1,), (1, 1, 1), (4, 1, 1), (1, 4, 1, 1)], ids=str)
def test_prelu_has_one_slope_or_one_per_channel(shape: tuple[int, ...]) -> None:
    graph = after_conv(node("PRelu", "h s"), weights={"s": weight(*shape)})
    shared = int(np.prod(shape)) == 1
    assert graph.nodes[-1].op == (Curve("leaky_relu", graph.nodes[-1].op.parameters) if shared else Curve("prelu"))  # type: ignore[attr-defined]


def test_a_slope_below_zero_is_a_slope_per_channel() -> None:
    for given in (node("LeakyRelu", "h", alpha=-0.5), node("PRelu", "h s")):
        graph = after_conv(given, weights={"s": np.full((1, 1, 1), -0.5, np.float32)})
        assert graph.nodes[-1].op == Curve("prelu")


def test_prelu_works_on_vectors() -> None:
    nodes = [node("Gemm", "x w", "h"), node("PRelu", "h s")]
    assert kinds(agrees(model(nodes, ("N", 5), {"w": weight(5, 3), "s": weight(3)}))) == ["dense", "curve"]


def test_a_slope_of_one_changes_nothing_and_a_slope_of_zero_is_relu() -> None:
    for slope, wanted in ((1.0, ["conv"]), (0.0, ["conv", "relu"])):
        assert kinds(after_conv(node("PRelu", "h s"), weights={"s": np.full(1, slope, np.float32)})) == wanted


CLIPS: list[tuple[float | None, float | None, list[str]]] = [
    (-1.0, 1.0, ["curve"]),
    (-0.5, 2.0, ["curve"]),
    (0.0, 1.5, ["relu"]),
    (0.25, 1.0, ["affine", "relu", "affine"]),
    (-1.0, -0.25, ["affine", "relu", "affine"]),
    (-1.0, 0.0, ["affine", "relu", "affine"]),
    (-0.5, None, ["affine", "relu", "affine"]),
    (0.5, None, ["affine", "relu", "affine"]),
    (None, 0.5, ["affine", "relu", "affine"]),
    (None, -0.5, ["affine", "relu", "affine"]),
    (None, 0.0, ["affine", "relu", "affine"]),
    (None, None, []),
    (-np.inf, np.inf, []),
]


@pytest.mark.parametrize(("low", "high", "wanted"), CLIPS)
def test_clip_takes_any_limits(low: float | None, high: float | None, wanted: list[str]) -> None:
    limits = {"lo": low, "hi": high}
    names = [name if limits[name] is not None else "" for name in limits]
    weights = {name: np.array(value, np.float32) for name, value in limits.items() if value is not None}
    graph = after_conv(node("Clip", ["h", *names]), weights=weights)
    assert kinds(graph)[1:] == wanted
    if wanted == ["curve"]:
        assert graph.nodes[-1].op == Curve("clip", (low, high))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["Max h c", "Max c h", "Min h c", "Min c h"])
@pytest.mark.parametrize("limit", [0.5, 0.0, -0.5])
def test_max_and_min_with_a_number_are_clips(form: str, limit: float) -> None:
    kind, *inputs = form.split()
    after_conv(node(kind, inputs), weights={"c": np.array(limit, np.float32)})


def test_a_network_may_end_in_an_activation() -> None:
    nodes = [node("Gemm", "x w", "h"), node("Sigmoid", "h", "y"), node("Tanh", "h", "z")]
    graph = agrees(model(nodes, ("N", 5), {"w": weight(5, 3)}, outputs="y z"))
    assert len(graph.outputs) == 2


def microsoft(kind: str, **attributes: Any) -> Graph:
    nodes = [node("Conv", "x w", "h"), node(kind, "h", domain="com.microsoft", **attributes)]
    return agrees(model(nodes, weights={"w": weight(3, 2, 3, 3)}, domains=["com.microsoft"]))


def test_activations_that_onnxruntime_fuses_are_read() -> None:
    assert microsoft("QuickGelu").nodes[-1].op == Curve("silu", (1.702,))
    assert microsoft("QuickGelu", alpha=1.0).nodes[-1].op == Curve("silu", (1.0,))
    assert microsoft("Gelu").nodes[-1].op == Curve("gelu")
    assert microsoft("FastGelu").nodes[-1].op == Curve("gelu_tanh")


def test_half_precision_activations_are_read() -> None:
    nodes = [node("Conv", "x w", "h"), node("Sigmoid", "h")]
    proto = model(nodes, weights={"w": weight(3, 2, 3, 3).astype(np.float16)}, kind=TensorProto.FLOAT16)
    assert kinds(import_onnx(proto)) == ["conv", "curve"]
