"""Weighted sums: Conv, Gemm, MatMul, BatchNormalization, and the forms onnxruntime fuses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from snncc.compiler.frontend.onnx_context import Context, Floats, Flow, Refusal, shortest
from snncc.compiler.frontend.onnx_integer_weights import integer_weight
from snncc.compiler.frontend.onnx_window import read_window
from snncc.compiler.ir.curve import CURVES, Curve
from snncc.compiler.ir.graph import Array
from snncc.compiler.ir.ops import Add, BatchNorm, Conv, Dense, Relu, Reshape


def conv(c: Context) -> Flow:
    """Convert Conv over one or two spatial axes."""
    return _conv(c, "")


def _conv(c: Context, part: str) -> Flow:
    weight = c.floats(1, "weight")
    require_one_or_two_axes(weight)
    window = read_window(c, weight.shape[2:])
    op = Conv(window.strides, window.pads, window.dilations, c.integer("group", 1))
    return c.emit(op, c.flow(), *parameters(c, weight, optional_bias(c, 2)), part=part)


def require_one_or_two_axes(weight: Floats) -> None:
    """Raise Refusal unless a kernel has one or two spatial axes."""
    if weight.ndim not in (3, 4):
        raise Refusal(
            f"its kernel has {weight.ndim - 2} spatial axes, 1 or 2 are supported",
            "use Conv1d or Conv2d; time can be given as channels",
        )


def optional_bias(c: Context, index: int) -> Floats | None:
    """Return a bias operand, None if it is left out."""
    return None if c.value(index) is None else c.floats(index, "bias")


def parameters(
    c: Context, weight: Floats, bias: Floats | None, move: Callable[[Array], Array] = np.asarray
) -> tuple[str, ...]:
    """Enter the weight and the bias as constants, named after operands 1 and 2.

    ``move`` is what made the weight of operand 1; see ``integer_weight``.
    """
    names = (integer_weight(c, weight, move) or c.constant(weight, "weight", 1),)
    return names if bias is None else (*names, c.constant(bias, "bias", 2))


def gemm(c: Context) -> Flow:
    """Convert Gemm: y = alpha x W + beta b with constant W and b."""
    return _gemm(c, "")


def _gemm(c: Context, part: str) -> Flow:
    if c.integer("transA", 0):
        raise Refusal("it transposes its activation (transA=1)", "transpose the weight instead")
    weight = c.floats(1, "weight")

    def move(array: Array) -> Array:
        turned: Array = array if c.integer("transB", 0) else array.T
        return turned * np.float32(c.number("alpha", 1.0))

    weight = move(weight)
    bias = optional_bias(c, 2)
    if bias is not None:
        bias = _per_output(bias * np.float32(c.number("beta", 1.0)), weight.shape[0])
    return c.emit(Dense(), c.flow(), *parameters(c, weight, bias, move), part=part)


def _per_output(bias: Floats, outputs: int) -> Floats:
    """Return a bias of any shape that is the same for every sample as [O]."""
    try:
        row: Floats = np.broadcast_to(bias, (1, outputs))[0]
    except ValueError as error:
        raise Refusal(f"its bias of shape {bias.shape} differs between samples") from error
    return row


def matmul(c: Context) -> Flow:
    """Convert MatMul of an activation by a constant matrix."""
    if c.is_constant(0):
        raise Refusal("its left operand is a constant: it mixes the samples of a batch", "write it as x @ W")
    weight = c.floats(1, "weight")
    *leading, features = c.shape() or (0,)
    if not c.shape() or weight.ndim != 2 or any(size != 1 for size in leading):
        raise Refusal(
            f"it applies one weight of shape {weight.shape} at every position of {c.shape()}",
            "flatten the activation before it, or use Conv1d with kernel size 1",
        )
    names = parameters(c, weight.T, None, np.transpose)
    if not leading:
        return c.emit(Dense(), c.flow(), *names)
    flat = c.emit(Reshape((features,)), c.flow(), part="flat")
    dense = c.emit(Dense(), flat, *names, part="dense")
    return c.emit(Reshape((*leading, weight.shape[1])), dense)


def batch_norm(c: Context) -> Flow:
    """Convert BatchNormalization with the stored mean and variance."""
    if c.integer("training_mode", 0) or not c.integer("spatial", 1):
        raise Refusal(
            "it uses statistics of the batch (training mode) or per position",
            "export the model in evaluation mode: model.eval()",
        )
    roles = ("scale", "shift", "mean", "variance")
    arrays = [c.floats(i, role) for i, role in enumerate(roles, 1)]
    epsilon = c.number("epsilon", 1e-5)
    if (arrays[3] + np.float32(epsilon) <= 0).any():
        raise Refusal("its variance plus epsilon is not positive", "check the training run", "SNN105")
    names = [c.constant(a, role, i) for i, (a, role) in enumerate(zip(arrays, roles, strict=True), 1)]
    return c.emit(BatchNorm(epsilon), c.flow(), *names)


def fused_conv(c: Context) -> Flow:
    """Convert onnxruntime's FusedConv: a Conv, an optional sum, an activation."""
    total = _conv(c, "conv")
    if c.value(3) is not None:
        total = c.emit(Add(), total, c.flow(3), part="add")
    return _activation(c, total)


def fused_gemm(c: Context) -> Flow:
    """Convert onnxruntime's FusedGemm: a Gemm and an activation."""
    return _activation(c, _gemm(c, "dense"))


_FUSED = {"Tanh": "tanh", "Sigmoid": "sigmoid", "LeakyRelu": "leaky_relu", "HardSigmoid": "hard_sigmoid"}


def _activation(c: Context, total: Flow) -> Flow:
    kind = c.text("activation", "Relu")
    if kind == "Relu":
        return c.emit(Relu(), total)
    if kind in _FUSED:
        name = _FUSED[kind]
        return c.emit(Curve(name, _fused_parameters(c)[: len(CURVES[name][0])]), total)
    low, high = _fused_parameters(c) if kind == "Clip" else (1.0, 0.0)
    if low > 0 or high <= 0:
        raise Refusal(f"it fuses the activation {kind}", "save with graph optimization level BASIC")
    return c.emit(Relu(high) if low == 0 else Curve("clip", (low, high)), total)


def _fused_parameters(c: Context) -> tuple[float, ...]:
    """Return alpha and beta, or the limits; FusedConv lists them, FusedGemm names each."""
    listed = c.node.attributes.get("activation_params")
    if listed is not None:
        return tuple(map(shortest, listed.as_floats()[:2]))
    return c.number("activation_alpha", 0.0), c.number("activation_beta", 0.0)
