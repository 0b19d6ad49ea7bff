"""The element-by-element operations of a float graph as steps in float32, in the order the runtimes take."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.curve import FALLING, Curve
from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.ops import Affine, BatchNorm, Relu
from snncc.compiler.ir.quantizer import Quantizer
from snncc.compiler.quantize.verbatim_values import Floats, Step

ONE = np.ones(1, dtype=np.int64)
POINTWISE = (Affine, BatchNorm, Relu, Curve, Quantizer)


def step_of(graph: Graph, node: Node) -> Step | None:
    """Return the step of a node, None where its parameters differ within a channel."""
    op, constants = node.op, [graph.constants[name].astype(np.float32) for name in node.inputs[1:]]
    if isinstance(op, Relu):
        cap = np.float32(np.inf if op.cap is None else op.cap)
        return Step(lambda x: np.clip(x, np.float32(0), cap), ONE)
    if isinstance(op, Quantizer):
        return Step(op, ONE)
    if isinstance(op, Curve):
        return _curve(op, constants)
    if isinstance(op, BatchNorm):
        gamma, beta, mean, var = constants
        scale = gamma / np.sqrt(var + np.float32(op.epsilon))
        return scaling(scale, beta - mean * scale)
    columns = [_by_channel(array) for array in constants]
    return None if any(column is None for column in columns) else scaling(*map(np.asarray, columns))


def scaling(scale: npt.ArrayLike, shift: npt.ArrayLike) -> Step:
    """Return a x + b of parameters [channels or 1], each operation rounded to float32."""
    a, b = (np.asarray(values, dtype=np.float32).reshape(-1, 1) for values in (scale, shift))

    def apply(x: Floats) -> Floats:
        product = x if (a == 1).all() else x * a
        return product if not b.any() else product + b

    direction = np.where(a[:, 0] >= 0, 1, -1)
    return Step(apply, direction, (a[:, 0].astype(np.float64), b[:, 0].astype(np.float64)))


def division(number: int) -> Step:
    """Return x / n."""
    by = np.float32(number)
    return Step(lambda x: x / by, ONE, (np.array([1 / number]), np.zeros(1)))


def _curve(op: Curve, constants: list[Array]) -> Step:
    slope = constants[0].reshape(-1, 1) if constants else None
    falls = ONE * 0 if op.kind in FALLING else ONE
    if slope is not None:
        falls = np.where(slope[:, 0] >= 0, 1, 0)
    return Step(lambda x: op(x, slope).astype(np.float32), falls)


def _by_channel(array: Array) -> Array | None:
    """Return a constant of the rank of an activation as [channels or 1]."""
    flat = array.reshape(len(array), -1)
    return flat[:, 0] if (flat == flat[:, :1]).all() else None
