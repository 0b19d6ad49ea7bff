"""Join views that follow each other, drop those that do nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class MergeViews(Pass):
    """Two reshapes, transposes, slices, upsamples or dilates in a row -> one; x in its own shape -> x.

    A transpose that moves only axes of size 1 keeps the row-major order, so it is a reshape. A concatenation of
    one value goes.
    """

    name: ClassVar[str] = "merge-views"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with as few views as these rules allow."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if isinstance(node.op, Concat):
        return node.inputs[0] if len(node.inputs) == 1 else None
    if not (node.op.view or node.op.selects):
        return None
    source, op = node.inputs[0], _simplest(node.op, new.types[node.inputs[0]].shape)
    below = new.nodes.get(source)
    if below is not None and (joined := _joined(below.op, op)) is not None:
        source = below.inputs[0]
        op = _simplest(joined, new.types[source].shape)
    if _does_nothing(op, node.type.shape, new.types[source].shape):
        return source
    return None if (op, source) == (node.op, node.inputs[0]) else new.add(op, (source,), node)


def _simplest(op: Op, shape: tuple[int, ...]) -> Op:
    if not isinstance(op, Transpose):
        return op
    moved = [axis for axis in op.perm if shape[axis] > 1]
    return Reshape(tuple(shape[axis] for axis in op.perm)) if moved == sorted(moved) else op


def _joined(inner: Op, outer: Op) -> Op | None:
    if isinstance(inner, Reshape) and isinstance(outer, Reshape):
        return outer
    if isinstance(inner, Transpose) and isinstance(outer, Transpose):
        return Transpose(tuple(inner.perm[axis] for axis in outer.perm))
    if isinstance(inner, Slice) and isinstance(outer, Slice):
        return _sliced(inner, outer)
    if isinstance(inner, Upsample) and isinstance(outer, Upsample):
        return Upsample(_product(inner.factors, outer.factors))
    if isinstance(inner, Dilate) and isinstance(outer, Dilate):
        return Dilate(_product(inner.steps, outer.steps))
    return None


def _sliced(inner: Slice, outer: Slice) -> Slice:
    """Return the slice that takes element start + step i of the inner one's elements."""
    starts = [a + s * b for a, s, b in zip(inner.starts, inner.steps, outer.starts, strict=True)]
    stops = [a + s * (b - 1) + 1 for a, s, b in zip(inner.starts, inner.steps, outer.stops, strict=True)]
    return Slice(tuple(starts), tuple(stops), _product(inner.steps, outer.steps))


def _product(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a * b for a, b in zip(one, other, strict=True))


def _does_nothing(op: Op, shape: tuple[int, ...], source: tuple[int, ...]) -> bool:
    return shape == source and isinstance(op, (Reshape, Slice, Upsample, Dilate, Pad))
