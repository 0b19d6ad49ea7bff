"""Join reshapes and transposes that follow each other, drop those that do nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Reshape, Transpose
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class MergeViews(Pass):
    """Reshape of reshape -> reshape; transpose of transpose -> transpose; x in its own shape -> x.

    A transpose that moves only axes of size 1 keeps the row-major order, so it is a reshape.
    """

    name: ClassVar[str] = "merge-views"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with as few views as these rules allow."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not node.op.view:
        return None
    source, op = node.inputs[0], _simplest(node.op, new.types[node.inputs[0]].shape)
    below = new.nodes.get(source)
    if below is not None and (joined := _joined(below.op, op)) is not None:
        source = below.inputs[0]
        op = _simplest(joined, new.types[source].shape)
    if isinstance(op, Reshape) and op.shape == new.types[source].shape:
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
    return None
