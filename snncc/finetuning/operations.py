"""The canonical operations on torch tensors [samples, ...], but for weighted sums and activations."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from math import inf

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from snncc.compiler.diagnostics import InternalError
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Add, AveragePool, Concat, Conv, Dense, MaxPool, Pad, Reshape, Transpose, window_sizes
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

CONVOLUTIONS = {1: functional.conv1d, 2: functional.conv2d}
MAXIMA = {1: functional.max_pool1d, 2: functional.max_pool2d}


@singledispatch
def apply(op: Op, inputs: Sequence[Tensor]) -> Tensor:
    """Return what an operation makes of its inputs; each kind is registered below."""
    raise InternalError(f"fine-tuning knows no '{op.name}'")


def weighted_sum(op: Op, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Return the result of a convolution or dense layer."""
    if isinstance(op, Dense):
        return functional.linear(x, weight, bias)
    if not isinstance(op, Conv):
        raise InternalError(f"fine-tuning knows no weighted sum '{op.name}'")
    x, pads = _padded(x, op.pads)
    own = bias if bias is not None and bias.ndim == 1 else None
    made = CONVOLUTIONS[x.ndim - 2](x, weight, own, op.strides, pads, op.dilations, op.groups)
    return made if bias is None or bias.ndim == 1 else made + bias


def bending(graph: Graph, name: str) -> nn.Module | None:
    """Return what an activation does before its value is clipped and rounded to levels; None if nothing."""
    node = graph.node.get(name)
    if node is None or not isinstance(node.op, Curve) or node.op.kind in ("linear", "clip"):
        return None
    if node.op.kind == "leaky_relu":
        return nn.LeakyReLU(node.op.parameters[0])
    slope = torch.from_numpy(np.array(graph.constants[node.inputs[1]], np.float32))
    made = nn.PReLU(len(slope))
    made.weight = nn.Parameter(slope, requires_grad=False)
    return made


def key(name: str) -> str:
    """Return a name as torch allows it for parameters and modules."""
    return name.replace(".", "__")


def _padded(x: Tensor, pads: tuple[int, ...]) -> tuple[Tensor, tuple[int, ...]]:
    """Return the input and the pads that the operator itself adds on both sides; uneven ones are added here."""
    rank = len(pads) // 2
    if pads[:rank] == pads[rank:]:
        return x, pads[:rank]
    return functional.pad(x, _both_sides(pads)), (0,) * rank


def _both_sides(pads: tuple[int, ...]) -> list[int]:
    """Return pads as torch wants them: begin and end of the last axis first."""
    rank = len(pads) // 2
    return [pads[place] for axis in reversed(range(rank)) for place in (axis, rank + axis)]


@apply.register
def _max_pool(op: MaxPool, inputs: Sequence[Tensor]) -> Tensor:
    """Pool with as little explicit padding as possible, for the importer knows none with -infinity."""
    rank = len(op.kernel)
    sizes = window_sizes(tuple(inputs[0].shape[2:]), op.kernel, op.strides, op.pads, op.dilations)
    begins = tuple(min(pad, size // 2) for pad, size in zip(op.pads[:rank], op.kernel, strict=True))
    made = MAXIMA[rank](inputs[0], op.kernel, op.strides, begins, op.dilations, ceil_mode=True)
    if begins != op.pads[:rank] or any(n < size for n, size in zip(made.shape[2:], sizes, strict=True)):
        x = functional.pad(inputs[0], _both_sides(op.pads), value=-inf)
        return MAXIMA[rank](x, op.kernel, op.strides, 0, op.dilations)
    places = (slice(None), slice(None), *(slice(0, n) for n in sizes))
    return made[places] if made.shape[2:] != sizes else made


@apply.register
def _average_pool(op: AveragePool, inputs: Sequence[Tensor]) -> Tensor:
    x, pads = _padded(inputs[0], op.pads)
    if x.ndim == 3:
        return functional.avg_pool1d(x, op.kernel, op.strides, pads, False, op.count_include_pad)
    return functional.avg_pool2d(x, op.kernel, op.strides, pads, False, op.count_include_pad)


@apply.register
def _reshape(op: Reshape, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0].reshape(-1, *op.shape)


@apply.register
def _transpose(op: Transpose, inputs: Sequence[Tensor]) -> Tensor:
    return inputs[0].permute(0, *(axis + 1 for axis in op.perm))


@apply.register
def _pad(op: Pad, inputs: Sequence[Tensor]) -> Tensor:
    return functional.pad(inputs[0], _both_sides(op.pads))


@apply.register
def _slice(op: Slice, inputs: Sequence[Tensor]) -> Tensor:
    cuts = zip(op.starts, op.stops, op.steps, strict=True)
    places = (slice(None), *(slice(start, stop, step) for start, stop, step in cuts))
    return inputs[0][places]


@apply.register
def _upsample(op: Upsample, inputs: Sequence[Tensor]) -> Tensor:
    return functional.interpolate(inputs[0], scale_factor=tuple(map(float, op.factors)), mode="nearest")


@apply.register
def _dilate(op: Dilate, inputs: Sequence[Tensor]) -> Tensor:
    """Put zeros behind each element, join the axes, leave the last zeros out."""
    x = inputs[0]
    channels, sizes = x.shape[1], x.shape[2:]
    apart = x.reshape(-1, channels, *(size for n in sizes for size in (n, 1)))
    behind = [pad for step in reversed(op.steps) for pad in (0, step - 1, 0, 0)]
    wide = functional.pad(apart, behind).reshape(-1, channels, *(n * s for n, s in zip(sizes, op.steps, strict=True)))
    kept = ((n - 1) * step + 1 for n, step in zip(sizes, op.steps, strict=True))
    places = (slice(None), slice(None), *(slice(0, n) for n in kept))
    return wide[places]


@apply.register
def _add(op: Add, inputs: Sequence[Tensor]) -> Tensor:
    total = inputs[0]
    for term in inputs[1:]:
        total = total + term
    return total


@apply.register
def _concat(op: Concat, inputs: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(inputs), dim=op.axis + 1)
