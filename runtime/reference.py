"""The integer executor: plain numpy over a quantized graph, one function an op. This is the definition.

It shares no arithmetic with the spiking emulator or with the passes that made the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, EncodeEven, Fire, Ladder, Readout
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

Ints = npt.NDArray[np.int64]
EXACT = 1 << 53  # integers below this are exact in float64 (IEEE 754 binary64: 53-bit significand)
MOST_VALUES = 1 << 24  # values held at a time, 128 MiB
PATCHES = 1 << 21  # values of a convolution's patches that are held at a time


def execute(graph: Graph, levels: Mapping[str, Ints], keep: Collection[str] | None = None) -> dict[str, Ints]:
    """Return every value of a quantized graph, int64 [batch, *shape] each.

    A ``fire`` node gives its levels under its name, and u + b + theta // 2 under ``name + ".charge"``; a ``ladder``
    its levels and u + b.

    Args:
        graph: a QUANTIZED graph.
        levels: the levels of each encode node, int64 [batch, *shape]; see ``encode``.
        keep: names of the values wanted, all of them by default; the others do not outlive their last reader.
    """
    values: dict[str, Ints] = {}
    last = {name: node for node in graph.nodes for name in node.inputs}
    for node in graph.nodes:
        _evaluate(graph, node, levels, values)
        if keep is not None:
            done = [node.name, f"{node.name}.charge", *node.inputs]
            for name in {name for name in done if name not in keep and last.get(name, node) is node}:
                values.pop(name, None)
    return values


def _evaluate(graph: Graph, node: Node, levels: Mapping[str, Ints], values: dict[str, Ints]) -> None:
    """Add the values of a node."""
    if isinstance(node.op, Encode):
        values[node.name] = np.asarray(levels[node.name], dtype=np.int64)
        return
    inputs = [values[name] if name in values else graph.constants[name] for name in node.inputs]
    if isinstance(node.op, Fire):
        charge, theta = _latched(node, inputs)
        values[f"{node.name}.charge"] = charge
        values[node.name] = np.clip(np.floor_divide(charge, theta), node.op.lo, node.op.hi)
    elif isinstance(node.op, Ladder):
        *charges, bias, thresholds, steps = inputs
        values[f"{node.name}.charge"] = _total(charges, bias)
        values[node.name] = _climbed(node.op, values[f"{node.name}.charge"], thresholds, steps)
    else:
        values[node.name] = _EVALUATE[type(node.op)](node.op, *inputs)


def samples_at_once(graph: Graph, most: int) -> int:
    """Return how many samples, 1 to ``most``, ``execute`` can take with all values of a network held in memory."""
    values = 2 * sum(node.type.size for node in graph.nodes)  # charges beside levels
    return max(1, min(most, MOST_VALUES // max(values, 1)))


def encode(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, Ints]:
    """Return the levels of each encode node: clip(floor(x / scale + 1/2), lo, hi) in float64; see ``EncodeEven``.

    Args:
        graph: a QUANTIZED graph.
        inputs: float arrays [batch, *shape] by the name of the graph's input.
    """
    levels = {}
    for node in graph.nodes:
        if isinstance(node.op, Encode):
            rounded = _nearest(node.op, inputs[node.inputs[0]])
            levels[node.name] = np.clip(rounded, node.op.lo, node.op.hi).astype(np.int64)
    return levels


def clipped(graph: Graph, inputs: Mapping[str, Array]) -> int:
    """Return how many input values lie outside what the levels can show, by more than half a level."""
    count = 0
    for node in graph.nodes:
        if isinstance(node.op, Encode):
            rounded = _nearest(node.op, inputs[node.inputs[0]])
            count += int(((rounded < node.op.lo) | (rounded > node.op.hi)).sum())
    return count


def _nearest(op: Encode, x: Array) -> Array:
    """Return x in levels as whole numbers, not yet held within lo..hi."""
    if isinstance(op, EncodeEven):
        return np.rint(np.asarray(x, dtype=np.float32) / np.float32(op.scale))
    return np.floor(np.asarray(x, dtype=np.float64) / op.scale + 0.5)


def _latched(node: Node, inputs: list[Ints]) -> tuple[Ints, Ints]:
    """Return u + b + theta // 2, and theta, both broadcast to the node's shape."""
    *charges, bias, theta = inputs
    theta = _broadcast(theta, node.type.shape)
    return _total(charges, bias) + np.floor_divide(theta, 2), theta


def _total(charges: list[Ints], bias: Ints) -> Ints:
    """Return b + the sum of the charges."""
    total = _broadcast(bias, charges[0].shape[1:])
    for edge in charges:
        total = total + edge
    return total


def _climbed(op: Ladder, u: Ints, thresholds: Ints, steps: Ints) -> Ints:
    """Return first + sum over j of d_j [u >= T_j]: T does not fall, so that is a sum over the first few steps."""
    q = np.empty_like(u)
    for c in range(len(thresholds)):
        reached = np.searchsorted(thresholds[c], u[:, c], side="right")
        q[:, c] = op.first + np.concatenate([[0], np.cumsum(steps[c])])[reached]
    return q


def _broadcast(constant: Ints, shape: tuple[int, ...]) -> Ints:
    return constant if constant.shape == shape else constant.reshape(-1, *(1,) * (len(shape) - 1))


def _conv(op: Conv, x: Array, w: Array) -> Ints:
    rank = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0), *zip(op.pads[:rank], op.pads[rank:], strict=True)])
    spans = [d * (k - 1) + 1 for k, d in zip(w.shape[2:], op.dilations, strict=True)]
    sizes = [(n - span) // s + 1 for n, span, s in zip(x.shape[2:], spans, op.strides, strict=True)]
    cuts = list(_cuts(w.shape[2:], op.dilations, op.strides, sizes))
    kernels = w.reshape(op.groups, w.shape[0] // op.groups, -1)
    x, kernels = _exactly(x, kernels)
    few = max(1, PATCHES // max(1, x.shape[1] * len(cuts) * prod(sizes)))
    parts = []
    for begin in range(0, len(x), few):
        block = x[begin : begin + few]
        patches = np.stack([_part(block, cut) for cut in cuts], axis=2)
        patches = patches.reshape(len(patches), op.groups, -1, prod(sizes))
        parts.append(np.matmul(kernels, patches).astype(np.int64))
    return np.concatenate(parts).reshape(len(x), -1, *sizes)


def _part(x: Array, cut: tuple[slice, ...]) -> Array:
    """Return the part of every sample that its last axes' slices leave."""
    index = (*(slice(None),) * (x.ndim - len(cut)), *cut)
    return x[index]


def _dense(op: Dense, x: Array, w: Array) -> Ints:
    x, w = _exactly(x, w)
    y: Ints = np.matmul(x, w.T).astype(np.int64)
    return y


def _exactly(x: Ints, w: Ints) -> tuple[Array, Array]:
    """Return x and w [..., inputs] as float64 where sums of their products stay below 2^53, else as they are."""
    reach = int(np.abs(w).sum(axis=-1).max(initial=0)) * int(np.abs(x).max(initial=0))
    return (x.astype(np.float64), w.astype(np.float64)) if reach < EXACT else (x, w)


def _cuts(
    kernel: tuple[int, ...], dilations: tuple[int, ...], strides: tuple[int, ...], sizes: list[int]
) -> Iterator[tuple[slice, ...]]:
    """Yield for each tap of a kernel the part of the padded input it meets, in row-major order of taps."""
    for tap in np.ndindex(*kernel):
        begins = [t * d for t, d in zip(tap, dilations, strict=True)]
        yield tuple(slice(b, b + (n - 1) * s + 1, s) for b, n, s in zip(begins, sizes, strides, strict=True))


def _max_pool(op: MaxPool, x: Ints) -> Ints:
    rank = x.ndim - 2
    least = np.iinfo(np.int64).min
    x = np.pad(x, [(0, 0), (0, 0), *zip(op.pads[:rank], op.pads[rank:], strict=True)], constant_values=least)
    spans = [d * (k - 1) + 1 for k, d in zip(op.kernel, op.dilations, strict=True)]
    sizes = [(n - span) // s + 1 for n, span, s in zip(x.shape[2:], spans, op.strides, strict=True)]
    y = np.full((*x.shape[:2], *sizes), least, dtype=np.int64)
    for cut in _cuts(op.kernel, op.dilations, op.strides, sizes):
        y = np.maximum(y, _part(x, cut))
    return y


def _readout(op: Readout, *inputs: Ints) -> Ints:
    *charges, bias = inputs
    return _total(charges, bias)


def _reshape(op: Reshape, x: Ints) -> Ints:
    return x.reshape(len(x), *op.shape)


def _transpose(op: Transpose, x: Ints) -> Ints:
    y: Ints = x.transpose(0, *(axis + 1 for axis in op.perm))
    return y


def _concat(op: Concat, *inputs: Ints) -> Ints:
    return np.concatenate(inputs, axis=op.axis + 1)


def _slice(op: Slice, x: Ints) -> Ints:
    cuts = (slice(*cut) for cut in zip(op.starts, op.stops, op.steps, strict=True))
    return _part(x, tuple(cuts))


def _upsample(op: Upsample, x: Ints) -> Ints:
    for axis, factor in enumerate(op.factors, 2):
        x = np.repeat(x, factor, axis)
    return x


def _dilate(op: Dilate, x: Ints) -> Ints:
    sizes = [(n - 1) * step + 1 for n, step in zip(x.shape[2:], op.steps, strict=True)]
    y = np.zeros((*x.shape[:2], *sizes), dtype=np.int64)
    index = (slice(None), slice(None), *(slice(None, None, step) for step in op.steps))
    y[index] = x
    return y


def _pad(op: Pad, x: Ints) -> Ints:
    rank = x.ndim - 1
    return np.pad(x, [(0, 0), *zip(op.pads[:rank], op.pads[rank:], strict=True)])


_EVALUATE: dict[type[Op], Callable[..., Ints]] = {
    Conv: _conv,
    Dense: _dense,
    MaxPool: _max_pool,
    Readout: _readout,
    Reshape: _reshape,
    Transpose: _transpose,
    Slice: _slice,
    Upsample: _upsample,
    Dilate: _dilate,
    Pad: _pad,
    Concat: _concat,
}
