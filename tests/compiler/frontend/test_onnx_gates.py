"""Activations written as products are recognized by what they compute."""

from math import pi, sqrt
from typing import Any

import numpy as np
import pytest

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.op import Op
from tests.compiler.frontend.models import after_conv, codes, kinds, model, node, weight

NUMBERS = {
    "half": 0.5, "one": 1.0, "two": 2.0, "three": 3.0, "six": 6.0, "zero": 0.0, "root2": sqrt(2), "beta": 1.702,
    "cubic": 0.044715, "tilt": sqrt(2 / pi), "twenty": 20.0,
}  # fmt: skip
FORMS: dict[str, tuple[str, Op]] = {
    "silu": ("Sigmoid h s; Mul h s y", Curve("silu", (1.0,))),
    "silu, the gate first": ("Sigmoid h s; Mul s h y", Curve("silu", (1.0,))),
    "silu by exp": ("Neg h n; Exp n e; Add e one d; Div h d y", Curve("silu", (1.0,))),
    "quick gelu": ("Mul beta h b; Sigmoid b s; Mul h s y", Curve("silu", (1.702,))),
    "hard swish": ("Add h three a; Clip a zero six c; Mul h c m; Div m six y", Curve("hard_swish")),
    "hard swish by min and max": (
        "Add h three a; Relu a r; Min r six c; Div c six d; Mul h d y", Curve("hard_swish"),
    ),
    "gelu": ("Div h root2 d; Erf d e; Add e one a; Mul h a m; Mul m half y", Curve("gelu")),
    "gelu, halved first": ("Mul h half k; Div h root2 d; Erf d e; Add e one a; Mul k a y", Curve("gelu")),
    "tanh gelu by pow": (
        "Pow h three p; Mul p cubic q; Add h q r; Mul r tilt s; Tanh s t; Add one t u; Mul h half k; Mul k u y",
        Curve("gelu_tanh"),
    ),
    "tanh gelu by products": (
        "Mul h h g; Mul g h p; Mul p cubic q; Add h q r; Mul r tilt s; Tanh s t; Add t one u; Mul h u v; Mul v half y",
        Curve("gelu_tanh"),
    ),
    "mish": ("Softplus h s; Tanh s t; Mul h t y", Curve("mish")),
    "mish by log and exp": ("Exp h e; Add e one a; Log a l; Tanh l t; Mul h t y", Curve("mish")),
    "softsign": ("Abs h a; Add a one b; Div h b y", Curve("softsign")),
    "softplus with a linear part": ("Softplus h s; Greater h twenty g; Where g h s y", Curve("softplus")),
}  # fmt: skip


def steps(text: str) -> list[Any]:
    parts = [part.split() for part in text.split(";")]
    return [node(kind, inputs, output) for kind, *inputs, output in parts]


def numbers(text: str) -> dict[str, np.ndarray]:
    return {name: np.array(value, np.float32) for name, value in NUMBERS.items() if name in text.split()}


@pytest.mark.parametrize("name", FORMS)
def test_a_product_that_is_a_known_curve_becomes_it(name: str) -> None:
    text, wanted = FORMS[name]
    graph = after_conv(*steps(text.replace(";", " ;")), weights=numbers(text.replace(";", " ;")))
    assert [n.op for n in graph.nodes[1:]] == [wanted]
    assert graph.nodes[-1].loc.op in ("Mul", "Div", "Where")


def test_what_stands_before_and_after_the_curve_stays() -> None:
    text = "Relu h r ; Mul r half k ; Sigmoid k s ; Mul k s m ; Mul m three y"
    graph = after_conv(*steps(text), weights=numbers(text))
    assert kinds(graph) == ["conv", "relu", "affine", "curve", "affine"]
    assert graph.nodes[3].op == Curve("silu", (1.0,))


def test_a_factor_that_the_curve_has_room_for_goes_into_it() -> None:
    text = "Mul h half k ; Sigmoid k s ; Mul k s m ; Mul m two y"
    graph = after_conv(*steps(text), weights=numbers(text))
    assert [n.op for n in graph.nodes[1:]] == [Curve("silu", (0.5,))]


def test_a_gate_that_the_model_reads_elsewhere_too_stays() -> None:
    text = "Sigmoid h s ; Mul h s m ; Add m s y"
    assert sorted(kinds(after_conv(*steps(text)))) == ["add", "conv", "curve", "curve"]


@pytest.mark.parametrize(
    "text",
    [
        "Mul h h y",
        "Neg h n ; Sigmoid n s ; Mul h s y",
        "Tanh h t ; Mul h t y",
        "Relu h r ; Sigmoid r s ; Mul h s y",
        "Sigmoid h s ; Tanh h t ; Mul s t y",
    ],
)
def test_a_product_that_is_no_known_curve_is_refused(text: str) -> None:
    with pytest.raises(SnnccError, match="multiplies activations with each other") as error:
        after_conv(*steps(text))
    assert codes(error) == ["SNN103"]


def test_a_gate_of_another_activation_is_refused() -> None:
    """Squeeze and excitation: the factor depends on other elements, too."""
    nodes = [
        node("Conv", "x w", "h"), node("GlobalAveragePool", "h", "g"), node("Sigmoid", "g", "s"), node("Mul", "h s"),
    ]  # fmt: skip
    with pytest.raises(SnnccError, match="multiplies activations") as error:
        import_onnx(model(nodes, weights={"w": weight(3, 2, 3, 3)}))
    assert codes(error) == ["SNN103"]


def test_a_gate_with_one_factor_per_channel_is_refused() -> None:
    nodes = [node("Mul", "h c", "t"), node("Sigmoid", "t", "s"), node("Mul", "h s")]
    with pytest.raises(SnnccError, match="multiplies activations"):
        after_conv(*nodes, weights={"c": weight(4, 1, 1)})
