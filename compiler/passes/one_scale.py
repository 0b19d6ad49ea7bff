"""Let every convolution read channels of one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.moves import moved, moves
from snncc.compiler.ir.ops import Add, Concat, Conv, Pad
from snncc.compiler.ir.verify import level_sources
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_level
from snncc.compiler.passes.rewrite import Rewriter, sweep

Ids = npt.NDArray[np.int64]
ZERO = -1  # id of an element that is no population's


@dataclass(frozen=True)
class OneScale(Pass):
    """W concat(x1, x2) -> W pad(x1) + W pad(x2), where levels of several populations stand in one channel.

    As after a concatenation along the positions. Each population's levels have a scale of their own, which the
    weights of a channel take in; they cannot take in two. A concatenation of channels stays.
    """

    name: ClassVar[str] = "one-scale"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph in which each channel that a convolution reads shows one population."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    source = node.inputs[0] if node.inputs else ""
    if not isinstance(node.op, Conv) or not is_level(new, source) or not _is_mixed(new, source):
        return None
    parts = _parts(new, source)
    sums = [new.add(node.op, (part, *node.inputs[1 : 2 if i else 3]), node) for i, part in enumerate(parts)]
    return new.add(Add(), sums, node)


def _is_mixed(new: Rewriter, value: str) -> bool:
    """Return whether levels of several populations stand in one channel of a value."""
    sources = sorted(level_sources(new.nodes, value))
    if len(sources) == 1:
        return False
    ids = _ids(new, value, sources)
    ids = ids.reshape(len(ids), -1)
    most = ids.max(axis=1, keepdims=True)
    return bool(np.any((ids != most) & (ids != ZERO)))


def _ids(new: Rewriter, value: str, sources: list[str]) -> Ids:
    """Return for each element of a value which of the populations it shows."""
    node = new.nodes.get(value)
    shown = level_sources(new.nodes, value)
    if node is None or len(shown) == 1:
        return np.full(new.types[value].shape, sources.index(min(shown)))
    below = [_ids(new, name, sources) for name in node.inputs]
    return np.concatenate(below, node.op.axis) if isinstance(node.op, Concat) else moved(node.op, below[0], ZERO)


def _parts(new: Rewriter, value: str) -> list[str]:
    """Return values of one population each, zeros elsewhere, that add up to a value."""
    node = new.nodes.get(value)
    if node is None or len(level_sources(new.nodes, value)) == 1:
        return [value]
    if moves(node.op):
        return [new.add(node.op, (part,), node) for part in _parts(new, node.inputs[0])]
    assert isinstance(node.op, Concat)
    axis, parts, start = node.op.axis, [], 0
    for name in node.inputs:
        end = start + new.types[name].shape[axis]
        pads = [0] * (2 * len(node.type.shape))
        pads[axis], pads[len(node.type.shape) + axis] = start, node.type.shape[axis] - end
        parts += [new.add(Pad(tuple(pads)), (part,), node) for part in _parts(new, name)]
        start = end
    return parts
