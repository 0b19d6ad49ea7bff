"""Ops that move elements, repeat them, leave some out, or put zeros between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from snncc.backends.onnx.core import Core
from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Concat, Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample


def write_reshape(core: Core, node: Node) -> None:
    """Write a reshape; the batch stays."""
    assert isinstance(node.op, Reshape)
    _reshaped(core, core.read(node)[0], node.op.shape, core.named[node.name])


def write_transpose(core: Core, node: Node) -> None:
    """Write a transpose."""
    op, name = node.op, core.named[node.name]
    assert isinstance(op, Transpose)
    if op.perm == tuple(range(len(op.perm))):
        core.emit("Identity", core.read(node), name)
        return
    core.emit("Transpose", core.read(node), name, perm=(0, *(axis + 1 for axis in op.perm)))


def write_concat(core: Core, node: Node) -> None:
    """Write a concatenation; levels stand as they are, so their ranges may differ."""
    assert isinstance(node.op, Concat)
    core.emit("Concat", core.read(node), core.named[node.name], axis=node.op.axis + 1)


def write_slice(core: Core, node: Node) -> None:
    """Write a slice."""
    op = node.op
    assert isinstance(op, Slice)
    _sliced(core, core.read(node)[0], op.starts, op.stops, op.steps, core.named[node.name])


def write_pad(core: Core, node: Node) -> None:
    """Write zeros around a value."""
    op, name = node.op, core.named[node.name]
    assert isinstance(op, Pad)
    rank = len(op.pads) // 2
    _padded(core, core.read(node)[0], (0, *op.pads[:rank], 0, *op.pads[rank:]), name)


def write_upsample(core: Core, node: Node) -> None:
    """Write [C, n] as [C, n, 1], repeat the last axis, and join both; so for each spatial axis, and in integers."""
    op, name = node.op, core.named[node.name]
    assert isinstance(op, Upsample)
    split = _reshaped(core, core.read(node)[0], _split(core, node))
    repeats = core.constant(f"{name}.repeats", np.array([1, 1, *_in_turn([1] * len(op.factors), op.factors)], np.int64))
    _reshaped(core, core.value("Expand", [split, repeats], f"{name}.split"), node.type.shape, name)


def write_dilate(core: Core, node: Node) -> None:
    """Write [C, n] as [C, n, 1], pad the last axis with zeros, join both, and cut off the zeros behind the last."""
    op, name = node.op, core.named[node.name]
    assert isinstance(op, Dilate)
    split = _split(core, node)
    behind = _in_turn([0] * len(op.steps), [step - 1 for step in op.steps])
    zeros = [0] * (1 + len(split)) + [0, 0, *behind]
    wide = _padded(core, _reshaped(core, core.read(node)[0], split), zeros, core.names.unique(f"{name}.split"))
    sizes = [n * step for n, step in zip(split[1::2], op.steps, strict=True)]
    joined = _reshaped(core, wide, (split[0], *sizes))
    rank = len(node.type.shape)
    _sliced(core, joined, [0] * rank, node.type.shape, [1] * rank, name)


def _split(core: Core, node: Node) -> tuple[int, ...]:
    """Return the shape [C, n, 1, n, 1, ...] of what a node reads."""
    channels, *spatial = core.graph.types[node.inputs[0]].shape
    return (channels, *_in_turn(spatial, [1] * len(spatial)))


def _in_turn(first: Sequence[int], second: Sequence[int]) -> list[int]:
    return [number for pair in zip(first, second, strict=True) for number in pair]


def _reshaped(core: Core, value: str, shape: Sequence[int], output: str = "") -> str:
    """Write a reshape; the batch stays."""
    output = output or core.names.unique(f"{value}.split")
    target = core.constant(f"{output}.shape", np.array([0, *shape], np.int64))
    return core.emit("Reshape", [value, target], output)


def _padded(core: Core, value: str, pads: Sequence[int], output: str) -> str:
    """Write zeros around a value; pads of all axes, the batch among them: all begins, then all ends."""
    widths = core.constant(f"{output}.pads", np.array(pads, np.int64))
    return core.emit("Pad", [value, widths, core.integer(f"{output}.zero", 0)], output)


def _sliced(
    core: Core, value: str, starts: Sequence[int], stops: Sequence[int], steps: Sequence[int], output: str
) -> str:
    cut = {"starts": starts, "ends": stops, "axes": range(1, len(starts) + 1), "steps": steps}
    cuts = [core.constant(f"{output}.{role}", np.array(numbers, np.int64)) for role, numbers in cut.items()]
    return core.emit("Slice", [value, *cuts], output)
