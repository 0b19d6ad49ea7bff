"""Activations as ONNX nodes: one where opset 17 has the operator, else the equation in basic ones."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

import numpy as np

from snncc.compiler.ir.curve import GELU_CUBIC, SELU_ALPHA, SELU_GAMMA, Curve
from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.onnx_writer import Writer

# Kinds that are one operator, with the names of the attributes that take the parameters.
_OPERATORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "linear": ("Identity", ()),
    "leaky_relu": ("LeakyRelu", ("alpha",)),
    "hard_sigmoid": ("HardSigmoid", ("alpha", "beta")),
    "sigmoid": ("Sigmoid", ()),
    "tanh": ("Tanh", ()),
    "softsign": ("Softsign", ()),
    "erf": ("Erf", ()),
    "elu": ("Elu", ("alpha",)),
    "celu": ("Celu", ("alpha",)),
    "softplus": ("Softplus", ()),
    "hard_swish": ("HardSwish", ()),
}


def write_curve(op: Curve, writer: Writer, node: Node) -> None:
    """Write an activation."""
    if op.kind not in _OPERATORS:
        _EQUATIONS[op.kind](op, _Steps(writer, node), node)
        return
    kind, names = _OPERATORS[op.kind]
    writer.emit(kind, node.inputs, node.name, **dict(zip(names, op.parameters, strict=True)))


class _Steps:
    """Writes the steps of one equation: each gets a number, constants are scalars."""

    def __init__(self, writer: Writer, node: Node) -> None:
        self.writer, self.node, self._count = writer, node, 0

    def __call__(self, kind: str, *operands: str | float) -> str:
        """Write a step and return the name of its result."""
        self._count += 1
        result = self.writer.extra(self.node, f"step{self._count}")
        self.last(kind, *operands, result=result)
        return result

    def last(self, kind: str, *operands: str | float, result: str = "") -> None:
        """Write the step whose result is the node's."""
        names = [self._name(operand, i) for i, operand in enumerate(operands)]
        self.writer.emit(kind, names, result or self.node.name)

    def _name(self, operand: str | float, index: int) -> str:
        if isinstance(operand, str):
            return operand
        role = f"constant{self._count}_{index}"
        return self.writer.helper(self.node, role, np.array(operand, np.float32))


def _clip(op: Curve, step: _Steps, node: Node) -> None:
    step.last("Clip", node.inputs[0], *op.parameters)


def _prelu(op: Curve, step: _Steps, node: Node) -> None:
    source, slope = node.inputs
    rank = len(node.type.shape)
    fitted = step.writer.constants[slope].reshape(-1, *(1,) * (rank - 1))
    step.last("PRelu", source, step.writer.helper(node, "slope", fitted))


def _selu(op: Curve, step: _Steps, node: Node) -> None:
    step.writer.emit("Selu", node.inputs, node.name, alpha=SELU_ALPHA, gamma=SELU_GAMMA)


def _silu(op: Curve, step: _Steps, node: Node) -> None:
    x = node.inputs[0]
    step.last("Mul", x, step("Sigmoid", step("Mul", x, op.parameters[0])))


def _gelu(op: Curve, step: _Steps, node: Node) -> None:
    x = node.inputs[0]
    _half_times_one_plus(x, step("Erf", step("Mul", x, 1 / sqrt(2))), step)


def _gelu_tanh(op: Curve, step: _Steps, node: Node) -> None:
    x = node.inputs[0]
    cube = step("Mul", step("Mul", x, x), x)
    inner = step("Add", x, step("Mul", cube, GELU_CUBIC))
    _half_times_one_plus(x, step("Tanh", step("Mul", inner, sqrt(2 / pi))), step)


def _half_times_one_plus(x: str, inner: str, step: _Steps) -> None:
    step.last("Mul", step("Mul", x, 0.5), step("Add", inner, 1.0))


def _mish(op: Curve, step: _Steps, node: Node) -> None:
    x = node.inputs[0]
    step.last("Mul", x, step("Tanh", step("Softplus", x)))


_EQUATIONS: dict[str, Callable[[Curve, _Steps, Node], None]] = {
    "clip": _clip,
    "prelu": _prelu,
    "selu": _selu,
    "silu": _silu,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "mish": _mish,
}
