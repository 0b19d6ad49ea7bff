"""Activations other than ReLU, as one op: a named function of one variable, applied element by element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np
import numpy.typing as npt
from scipy.special import erf, expit

from snncc.compiler.ir.op import Op, want
from snncc.compiler.ir.types import FLOAT, TensorType

Floats = npt.NDArray[np.float64]

SELU_ALPHA, SELU_GAMMA = 1.6732632423543772, 1.0507009873554805  # Klambauer et al., 2017, equation 2
GELU_CUBIC = 0.044715  # Hendrycks and Gimpel, 2016, section 2


def _softplus(x: Floats) -> Floats:
    return np.logaddexp(0.0, x)


def _elu(x: Floats, alpha: float) -> Floats:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _gelu_tanh(x: Floats) -> Floats:
    return 0.5 * x * (1 + np.tanh(sqrt(2 / np.pi) * (x + GELU_CUBIC * x**3)))


# kind -> (names of the parameters, function of x and the parameters)
CURVES: dict[str, tuple[tuple[str, ...], Callable[..., Floats]]] = {
    "linear": ((), lambda x: x),
    "clip": (("low", "high"), lambda x, low, high: np.clip(x, low, high)),
    "leaky_relu": (("alpha",), lambda x, alpha: np.where(x < 0, alpha * x, x)),
    "prelu": ((), lambda x, slope: np.where(x < 0, slope * x, x)),
    "hard_sigmoid": (("alpha", "beta"), lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1)),
    "sigmoid": ((), expit),
    "tanh": ((), np.tanh),
    "softsign": ((), lambda x: x / (1 + np.abs(x))),
    "erf": ((), erf),
    "elu": (("alpha",), _elu),
    "celu": (("alpha",), lambda x, alpha: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0) / alpha), x)),
    "selu": ((), lambda x: SELU_GAMMA * _elu(x, SELU_ALPHA)),
    "softplus": ((), _softplus),
    "hard_swish": ((), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "silu": (("beta",), lambda x, beta: x * expit(beta * x)),
    "gelu": ((), lambda x: 0.5 * x * (1 + erf(x / sqrt(2)))),
    "gelu_tanh": ((), _gelu_tanh),
    "mish": ((), lambda x: x * np.tanh(_softplus(x))),
}
# Curves that fall before they rise. Of all others the levels never fall while the charge grows.
FALLING = frozenset({"hard_swish", "silu", "gelu", "gelu_tanh", "mish"})
# f(r x) = r f(x) for every r > 0.
HOMOGENEOUS = frozenset({"linear", "leaky_relu", "prelu"})


@dataclass(frozen=True)
class Curve(Op):
    """y = f(x), element by element; f is named by ``kind``, an entry of CURVES.

    ``linear`` is f(x) = x: it marks where a weighted sum becomes signed levels. Inputs: x; for ``prelu`` also the
    slope below zero, [C].
    """

    name: ClassVar[str] = "curve"
    kind: str
    parameters: tuple[float, ...] = ()

    def infer(self, inputs: tuple[TensorType, ...]) -> TensorType:
        """Return the type of x."""
        want(inputs, 2 if self.kind == "prelu" else 1)
        if self.kind not in CURVES or len(self.parameters) != len(CURVES[self.kind][0]):
            raise ValueError(f"'{self.kind}' with parameters {self.parameters} is no curve")
        if inputs[0].dtype != FLOAT:
            raise ValueError(f"wants float32, got {inputs[0]}")
        if self.kind == "prelu" and inputs[1].shape != inputs[0].shape[:1]:
            raise ValueError(f"slope {inputs[1]} does not have the channels of {inputs[0]}")
        return inputs[0]

    def __call__(self, x: npt.ArrayLike, slope: npt.ArrayLike | None = None) -> Floats:
        """Return f(x) in float64; ``slope``, for prelu, must broadcast to x."""
        arguments = self.parameters if slope is None else (np.asarray(slope, dtype=np.float64),)
        with np.errstate(over="ignore"):
            return CURVES[self.kind][1](np.asarray(x, dtype=np.float64), *arguments)
