"""Activations: Relu and Clip in all their forms, and every other function of one variable."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan

import numpy as np

from snncc.compiler.frontend.onnx_context import Context, Floats, Flow, Refusal, shortest
from snncc.compiler.frontend.onnx_pointwise import broadcast, operands, scaled
from snncc.compiler.ir.curve import SELU_ALPHA, SELU_GAMMA, Curve
from snncc.compiler.ir.ops import Relu

_NO_LIMIT = 3.4e38


def curve(kind: str) -> Callable[[Context], Flow]:
    """Return the conversion of an activation without parameters."""
    return lambda c: c.emit(Curve(kind), c.flow())


sigmoid, tanh, softsign, softplus, erf = map(curve, ("sigmoid", "tanh", "softsign", "softplus", "erf"))
hard_swish, mish = curve("hard_swish"), curve("mish")


def relu(c: Context) -> Flow:
    """Convert Relu."""
    return c.emit(Relu(), c.flow())


def leaky_relu(c: Context) -> Flow:
    """Convert LeakyRelu."""
    return _leaky(c, c.number("alpha", 0.01))


def _leaky(c: Context, alpha: float) -> Flow:
    if alpha == 1.0:
        return c.flow()
    if alpha < 0:  # falls first, which of the two only a PRelu may
        slopes = np.full(c.shape()[:1], alpha, np.float32)
        return c.emit(Curve("prelu"), c.flow(), c.constant(slopes, "slope"))
    return c.emit(Curve("leaky_relu", (alpha,)) if alpha else Relu(), c.flow())


def prelu(c: Context) -> Flow:
    """Convert PRelu with a constant slope, one for all or one per channel."""
    slope = broadcast(c, c.floats(1, "slope"), 0)
    if slope.size == 1:
        return _leaky(c, shortest(float(slope.item())))
    if slope.size != slope.shape[0]:
        raise Refusal(f"its slope of shape {slope.shape} differs between positions", "give one slope per channel")
    return c.emit(Curve("prelu"), c.flow(), c.constant(slope.ravel(), "slope", 1))


def hard_sigmoid(c: Context) -> Flow:
    """Convert HardSigmoid: clip(alpha x + beta, 0, 1)."""
    return c.emit(Curve("hard_sigmoid", (c.number("alpha", 0.2), c.number("beta", 0.5))), c.flow())


def elu(c: Context) -> Flow:
    """Convert Elu with a positive alpha."""
    return c.emit(Curve("elu", (_positive(c, "alpha", 1.0),)), c.flow())


def celu(c: Context) -> Flow:
    """Convert Celu with a positive alpha."""
    return c.emit(Curve("celu", (_positive(c, "alpha", 1.0),)), c.flow())


def _positive(c: Context, name: str, default: float) -> float:
    value = c.number(name, default)
    if value <= 0:
        raise Refusal(f"its {name} {value} is not positive", f"give {name} a positive value")
    return value


def selu(c: Context) -> Flow:
    """Convert Selu with the constants of its paper."""
    alpha, gamma = c.number("alpha", SELU_ALPHA), c.number("gamma", SELU_GAMMA)
    if not np.allclose((alpha, gamma), (SELU_ALPHA, SELU_GAMMA), rtol=1e-6, atol=0):
        raise Refusal(f"its alpha {alpha} and gamma {gamma} are not Selu's own", "use Elu, and Mul by gamma")
    return c.emit(Curve("selu"), c.flow())


def gelu(c: Context) -> Flow:
    """Convert Gelu, exact or with approximate='tanh'."""
    approximate = c.text("approximate", "none")
    return c.emit(Curve("gelu_tanh" if approximate == "tanh" else "gelu"), c.flow())


def swish(c: Context) -> Flow:
    """Convert Swish, which torch calls SiLU: x sigmoid(alpha x), alpha positive."""
    return c.emit(Curve("silu", (_positive(c, "alpha", 1.0),)), c.flow())


def quick_gelu(c: Context) -> Flow:
    """Convert onnxruntime's QuickGelu: x sigmoid(alpha x), alpha positive."""
    return c.emit(Curve("silu", (_positive(c, "alpha", 1.702),)), c.flow())


def fast_gelu(c: Context) -> Flow:
    """Convert onnxruntime's FastGelu without bias, Gelu in its tanh form."""
    if c.value(1) is not None:
        raise Refusal("it adds a bias", "save with graph optimization level BASIC")
    return c.emit(Curve("gelu_tanh"), c.flow())


def clip(c: Context) -> Flow:
    """Convert Clip with constant limits, either of which may be left out."""
    return _clipped(c, 0, _limit(c, "min", 1), _limit(c, "max", 2))


def maximum(c: Context) -> Flow:
    """Convert Max with a constant that is one number."""
    return _clipped(c, *_against_constant(c), None)


def minimum(c: Context) -> Flow:
    """Convert Min with a constant that is one number."""
    index, limit = _against_constant(c)
    return _clipped(c, index, None, limit)


def _against_constant(c: Context) -> tuple[int, float]:
    """Return the place of the only activation, and the constant."""
    flows, constants = operands(c)
    limit: Floats = c.floats(constants[0], "limit") if len(flows) == len(constants) == 1 else np.empty(0, np.float32)
    if not limit.size or (limit != limit.flat[0]).any():
        raise Refusal("it compares an activation with more than one number", "use Relu, or MaxPool over a Concat")
    broadcast(c, limit, flows[0])
    return flows[0], shortest(float(limit.flat[0]))


def _limit(c: Context, name: str, index: int) -> float | None:
    if name in c.node.attributes:
        return c.number(name, 0.0)
    return None if c.value(index) is None else shortest(float(c.array(index, name).ravel()[0]))


def _clipped(c: Context, index: int, low: float | None, high: float | None) -> Flow:
    """Emit min(max(x, low), high): as one neuron where 0 is the lower limit or lies between both."""
    x, least, most = c.flow(index), _open(low), _open(high)
    if least is not None and most is not None and not least < most:
        raise Refusal(f"it clips to [{low}, {high}], which leaves one value", "give it a lower and a higher limit")
    if least is None:
        return x if most is None else _below(c, x, most)
    if least == 0.0:
        return c.emit(Relu(most), x)
    if most is not None and least < 0 < most:
        return c.emit(Curve("clip", (least, most)), x)
    risen = scaled(c, x, 1.0, -least, "risen")
    return scaled(c, c.emit(Relu(None if most is None else most - least), risen, part="held"), 1.0, least)


def _below(c: Context, x: Flow, high: float) -> Flow:
    """Emit min(x, high) = high - max(high - x, 0)."""
    room = scaled(c, x, -1.0, high, "room")
    return scaled(c, c.emit(Relu(), room, part="held"), -1.0, high)


def _open(limit: float | None) -> float | None:
    """Return a limit, None where float32 has no number beyond it."""
    if limit is not None and isnan(limit):
        raise Refusal("a limit of it is no number", "look for a diverged training run", "SNN105")
    return None if limit is None or abs(limit) >= _NO_LIMIT else limit
