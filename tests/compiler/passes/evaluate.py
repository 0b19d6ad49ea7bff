"""A plain float64 evaluator: each op as its docstring in ``ops.py`` defines it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir import Graph, Node, Op
from snncc.compiler.ir.curve import Curve
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
)
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

Float = npt.NDArray[np.float64]


def evaluate(graph: Graph, inputs: dict[str, Float]) -> list[Float]:
    """Return the outputs of a float graph for its inputs by name."""
    values = {name: array.astype(np.float64) for name, array in graph.constants.items()} | inputs
    for node in graph.nodes:
        values[node.name] = _value(node, [values[name] for name in node.inputs])
        assert values[node.name].shape == node.type.shape
    return [values[name] for name in graph.outputs]


def _value(node: Node, args: list[Float]) -> Float:
    op, x = node.op, args[0]
    if isinstance(op, Conv):
        return _conv(op, x, args[1], args[2] if len(args) == 3 else np.zeros(len(args[1])), node.type.shape)
    if isinstance(op, Dense):
        return args[1] @ x + (args[2] if len(args) == 3 else 0)
    if isinstance(op, Affine):
        return args[1] * x + args[2]
    if isinstance(op, BatchNorm):
        gamma, beta, mean, var = (a.reshape(-1, *[1] * (x.ndim - 1)) for a in args[1:])
        return gamma * (x - mean) / np.sqrt(var + op.epsilon) + beta
    if isinstance(op, Relu):
        return np.minimum(np.maximum(x, 0), np.inf if op.cap is None else op.cap)
    if isinstance(op, (MaxPool, AveragePool)):
        return _pool(op, x, node.type.shape)
    if isinstance(op, Curve):
        return op(x, *[slope.reshape(-1, *[1] * (x.ndim - 1)) for slope in args[1:]])
    return _moved(op, args)


def _moved(op: Op, args: list[Float]) -> Float:
    x = args[0]
    if isinstance(op, Reshape):
        return x.reshape(op.shape)
    if isinstance(op, Transpose):
        return np.transpose(x, op.perm)
    if isinstance(op, Pad):
        return np.pad(x, list(zip(op.pads[: x.ndim], op.pads[x.ndim :], strict=True)))
    if isinstance(op, Slice):
        return x[tuple(map(slice, op.starts, op.stops, op.steps))]
    if isinstance(op, (Upsample, Dilate)):
        return _spread(op, x)
    if isinstance(op, Concat):
        return np.concatenate(args, op.axis)
    if isinstance(op, Add):
        return sum(args[1:], start=x)
    assert isinstance(op, Tail)
    return x


def _spread(op: Upsample | Dilate, x: Float) -> Float:
    factors = (1, *(op.factors if isinstance(op, Upsample) else op.steps))
    if isinstance(op, Upsample):
        return x[np.ix_(*[np.arange(n * factor) // factor for n, factor in zip(x.shape, factors, strict=True)])]
    y = np.zeros([(n - 1) * factor + 1 for n, factor in zip(x.shape, factors, strict=True)])
    for at in product(*map(range, x.shape)):
        y[tuple(p * factor for p, factor in zip(at, factors, strict=True))] = x[at]
    return y


def _windows(
    x: Float, op: Conv | MaxPool | AveragePool, kernel: Sequence[int], sizes: Sequence[int], fill: float
) -> Iterator[tuple[tuple[slice | int, ...], Float]]:
    """Return for each position where its result goes, and what it sees."""
    rank = x.ndim - 1
    pads = [(0, 0), *zip(op.pads[:rank], op.pads[rank:], strict=True)]
    padded = np.pad(x, pads, constant_values=fill)
    dilations = (1,) * rank if isinstance(op, AveragePool) else op.dilations
    for at in product(*map(range, sizes)):
        axes = zip(at, op.strides, dilations, kernel, strict=True)
        seen = (slice(None), *[slice(p * s, p * s + d * (k - 1) + 1, d) for p, s, d, k in axes])
        yield (slice(None), *at), padded[seen]


def _conv(op: Conv, x: Float, w: Float, b: Float, shape: tuple[int, ...]) -> Float:
    y = np.zeros(shape)
    for at, window in _windows(x, op, w.shape[2:], shape[1:], 0.0):
        seen = window.reshape(op.groups, -1)
        weight = w.reshape(op.groups, len(w) // op.groups, -1)
        y[at] = np.einsum("goc,gc->go", weight, seen).ravel()
    return y + (b.reshape(-1, *[1] * len(shape[1:])) if b.ndim == 1 else b)


def _pool(op: MaxPool | AveragePool, x: Float, shape: tuple[int, ...]) -> Float:
    y = np.zeros(shape)
    for at, window in _windows(x, op, op.kernel, shape[1:], np.nan):
        flat = window.reshape(len(x), -1)
        if isinstance(op, MaxPool):
            y[at] = np.nanmax(flat, axis=1)
        else:
            real = np.count_nonzero(~np.isnan(flat[0]))
            y[at] = np.nansum(flat, axis=1) / (flat.shape[1] if op.count_include_pad else real)
    return y
