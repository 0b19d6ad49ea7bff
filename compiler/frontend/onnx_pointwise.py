"""Element by element: sums, scales and shifts, tails, and what is dropped."""

from __future__ import annotations

import numpy as np
import onnx_ir as ir

from snncc.compiler.frontend.onnx_context import Context, Floats, Flow, Refusal
from snncc.compiler.ir.ops import Add, Affine, Tail

_PRODUCT = "a synapse multiplies by a constant only; use Add or Concat, or constant weights"
_FLOATS = {ir.DataType.FLOAT, ir.DataType.DOUBLE, ir.DataType.FLOAT16, ir.DataType.BFLOAT16}


def broadcast(c: Context, constant: Floats, index: int) -> Floats:
    """Return a constant operand with the rank of one sample of the activation at ``index``.

    Raises:
        Refusal: it would repeat the activation.
    """
    shape = c.shape(index)
    extra = constant.ndim - len(shape)
    if extra < 1 or (extra == 1 and constant.shape[0] == 1):
        fitted = constant[0] if extra == 1 else constant.reshape((1,) * -extra + constant.shape)
        if all(have in (1, size) for have, size in zip(fitted.shape, shape, strict=True)):
            return fitted
    raise Refusal(
        f"its constant of shape {constant.shape} does not fit one sample of shape {shape}",
        "give the constant the shape of the activation, or one value per channel",
    )


def _affine(c: Context, index: int, scale: Floats, shift: Floats) -> Flow:
    """Emit y = scale x + shift; either may be a scalar."""
    a, b = broadcast(c, scale, index), broadcast(c, shift, index)
    return c.emit(Affine(), c.flow(index), c.constant(a, "scale"), c.constant(b, "shift"))


def scaled(c: Context, x: Flow, scale: float, shift: float, part: str = "") -> Flow:
    """Emit y = scale x + shift for an activation that may be an earlier step of the node."""
    ones, before = (1,) * len(x.shape or ()), f"{part}." if part else ""
    a, b = np.full(ones, scale, np.float32), np.full(ones, shift, np.float32)
    return c.emit(Affine(), x, c.constant(a, f"{before}scale"), c.constant(b, f"{before}shift"), part=part)


def _scalar(value: float) -> Floats:
    return np.array(value, dtype=np.float32)


def operands(c: Context) -> tuple[list[int], list[int]]:
    """Return the places of the operands that are activations and of those that are constant."""
    constant = [i for i in range(len(c.node.inputs)) if c.is_constant(i)]
    return [i for i in range(len(c.node.inputs)) if i not in constant], constant


def add(c: Context) -> Flow:
    """Convert Add and Sum of activations and constants."""
    return _sum(c, "")


def _sum(c: Context, part: str) -> Flow:
    flows, constants = operands(c)
    if len(flows) == 1 and len(constants) == 1:
        return _affine(c, flows[0], _scalar(1.0), c.floats(constants[0], "constant"))
    if constants or not flows:
        raise Refusal("it sums several activations and a constant at once", "add the constant on its own")
    _require_one_shape(c, flows)
    return c.emit(Add(), *(c.flow(i) for i in flows), part=part) if len(flows) > 1 else c.flow(flows[0])


def _require_one_shape(c: Context, flows: list[int]) -> None:
    shapes = {c.shape(i) for i in flows}
    if len(shapes) > 1:
        raise Refusal(
            f"it adds activations of the shapes {sorted(shapes)}, one of which would be repeated",
            "give both branches the same shape",
        )


def mean(c: Context) -> Flow:
    """Convert Mean of activations."""
    if operands(c)[1]:
        raise Refusal("it takes the mean of activations and a constant", "use Add with the constant, and Mul")
    count = len(c.node.inputs)
    return c.flow() if count == 1 else scaled(c, _sum(c, "sum"), 1 / count, 0.0)


def sub(c: Context) -> Flow:
    """Convert Sub of activations and constants."""
    if c.is_constant(1):
        return _affine(c, 0, _scalar(1.0), -c.floats(1, "constant"))
    if c.is_constant(0):
        return _affine(c, 1, _scalar(-1.0), c.floats(0, "constant"))
    _require_one_shape(c, [0, 1])
    return c.emit(Add(), c.flow(0), scaled(c, c.flow(1), -1.0, 0.0, "negated"))


def mul(c: Context) -> Flow:
    """Convert Mul by a constant; products that are SiLU, HardSwish, GELU or Mish are recognized before."""
    flows, constants = operands(c)
    if len(constants) != 1:
        raise Refusal("it multiplies activations with each other", _PRODUCT)
    return _affine(c, flows[0], c.floats(constants[0], "factor"), _scalar(0.0))


def div(c: Context) -> Flow:
    """Convert Div by a constant."""
    if not c.is_constant(1):
        raise Refusal("it divides by an activation", _PRODUCT)
    with np.errstate(divide="ignore", over="ignore"):
        factor = 1.0 / c.floats(1, "divisor").astype(np.float64)
    return _affine(c, 0, c.finite(factor, 1, "reciprocal of the divisor"), _scalar(0.0))


def neg(c: Context) -> Flow:
    """Convert Neg."""
    return _affine(c, 0, _scalar(-1.0), _scalar(0.0))


def drop(c: Context) -> Flow:
    """Convert Identity: nothing is left of it."""
    return c.flow()


def dropout(c: Context) -> Flow:
    """Convert Dropout outside training: nothing is left of it."""
    if c.value(2) is not None and (not c.is_constant(2) or c.array(2, "training_mode").any()):
        raise Refusal("it drops values at random (training mode)", "export in evaluation mode: model.eval()")
    return c.flow()


def cast(c: Context) -> Flow:
    """Convert Cast between float types, or of small integers to float; nothing is left of it."""
    to, value = ir.DataType(c.integer("to", int(ir.DataType.FLOAT))), c.value(0)
    source = value.dtype if value is not None else None
    if to not in _FLOATS and (source is None or source in _FLOATS):
        raise Refusal(f"it turns floats into {to.name.lower()}", "keep activations as float")
    return c.flow()


def cast_like(c: Context) -> Flow:
    """Convert CastLike between float types; nothing is left of it."""
    like = c.value(1)
    if like is not None and like.dtype is not None and like.dtype not in _FLOATS:
        raise Refusal(f"it turns floats into {like.dtype.name.lower()}", "keep activations as float")
    return c.flow()


def softmax(c: Context) -> Flow:
    """Convert Softmax at the end of the model."""
    return _tail(c, "softmax", -1)


def log_softmax(c: Context) -> Flow:
    """Convert LogSoftmax at the end of the model."""
    return _tail(c, "log_softmax", -1)


def argmax(c: Context) -> Flow:
    """Convert ArgMax at the end of the model."""
    if c.integer("select_last_index", 0):
        raise Refusal("it takes the last of equal values", "ties go to the lowest index: select_last_index=0")
    return _tail(c, "argmax", 0)


_AFTER = {"Identity", "Cast", "CastLike", "Dropout"}
_AFTER_SOFTMAX = _AFTER | {"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Softmax", "LogSoftmax", "ArgMax"}


def _tail(c: Context, kind: str, default_axis: int) -> Flow:
    rank = len(c.shape()) + 1
    axis = c.integer("axis", default_axis) % rank
    if axis == 0:
        raise Refusal("it runs over the batch axis", "run it over the classes: axis=1")
    follower = _inside(c.node, _AFTER if kind == "argmax" else _AFTER_SOFTMAX)
    if follower is not None:
        raise Refusal(
            f"'{follower.name or follower.op_type}' computes with it; it is supported at the end only",
            "as an output it is dropped; inside it is attention, replace it by convolutions",
        )
    return c.emit(Tail(kind, axis - 1), c.flow())


def _inside(node: ir.Node, allowed: set[str]) -> ir.Node | None:
    """Return a later node that computes with the result, None if it only goes out."""
    for use in node.outputs[0].uses():
        if use.node.op_type not in allowed:
            return use.node
        if found := _inside(use.node, allowed):
            return found
    return None
