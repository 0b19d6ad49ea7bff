"""Fold zero padding into the windows that read it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool, Conv, MaxPool, Pad
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import has_one_divisor, is_nonnegative
from snncc.compiler.passes.linear import add_window, window_of
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.window import Window


@dataclass(frozen=True)
class FoldPad(Pass):
    """conv(pad(x)) -> conv with larger pads; the same for an average pool that counts its padding.

    A max-pool leaves positions outside out, which equals zeros there only if x is never negative and
    every window holds a real position. Channels of zeros need no weights: a convolution in one group drops
    theirs. Padding that nothing takes in stays: it costs no neurons.
    """

    name: ClassVar[str] = "fold-pad"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph without the pads that fold exactly."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if isinstance(node.op, Pad) and not any(node.op.pads):
        return node.inputs[0]
    before = new.nodes.get(node.inputs[0])
    if before is None or not isinstance(before.op, Pad):
        return None
    sources = (before.inputs[0], *node.inputs[1:])
    if isinstance(node.op, Pad):
        return new.add(Pad(_sum(node.op.pads, before.op.pads)), sources, node)
    rank = len(before.type.shape)
    low, high = before.op.pads[0], before.op.pads[rank]
    op = _padded(new, node, before.inputs[0], before.op.pads[1:rank] + before.op.pads[rank + 1 :])
    if op is None or not (low or high):
        return None if op is None else new.add(op, sources, node)
    if not isinstance(op, Conv) or op.groups > 1:
        return None
    return _without_channels(new, node, op, sources[0], low)


def _without_channels(new: Rewriter, node: Node, op: Conv, source: str, low: int) -> str:
    """Add a convolution that reads the channels from ``low`` on, as many as the source has."""
    window, channels = window_of(new, node), new.types[source].shape[0]
    return add_window(new, Window(op, window.weight[:, low : low + channels], window.bias), source, node)


def _padded(new: Rewriter, node: Node, source: str, pads: tuple[int, ...]) -> Conv | AveragePool | MaxPool | None:
    """Return the op of a node with pads added, None where that changes its result."""
    op, spatial = node.op, new.types[source].shape[1:]
    if isinstance(op, Conv):
        return replace(op, pads=_sum(op.pads, pads))
    if isinstance(op, AveragePool):
        counts = has_one_divisor(op, new.types[node.inputs[0]].shape[1:])
        return replace(op, pads=_sum(op.pads, pads), count_include_pad=True) if counts else None
    if isinstance(op, MaxPool) and is_nonnegative(new, source):
        wider = replace(op, pads=_sum(op.pads, pads))
        return wider if _windows_hold_real(wider, spatial) else None
    return None


def _windows_hold_real(op: MaxPool, spatial: tuple[int, ...]) -> bool:
    for axis, size in enumerate(spatial):
        begin, end, step = op.pads[axis], op.pads[len(spatial) + axis], op.dilations[axis]
        taps = np.arange(op.kernel[axis]) * step
        starts = np.arange(-begin, size + end - int(taps[-1]), op.strides[axis])
        at = np.add.outer(starts, taps)
        if not np.all(np.any((at >= 0) & (at < size), axis=1)):
            return False
    return True


def _sum(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True))
