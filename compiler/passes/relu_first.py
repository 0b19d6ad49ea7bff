"""Move ReLUs before the pools, views, pads and concatenations they follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, MaxPool, Pad, Relu
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_level, is_nonnegative
from snncc.compiler.passes.rewrite import Rewriter, sweep


@dataclass(frozen=True)
class ReluFirst(Pass):
    """relu(max(x)) -> max(relu(x)): ReLU, capped or not, is monotone, so it commutes with max and views.

    relu(relu(x)) -> relu(x) with the smaller cap; a ReLU without cap of what is never negative goes.
    """

    name: ClassVar[str] = "relu-first"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with every ReLU directly after the sum it belongs to, where there is one."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Relu):
        return None
    value = node.inputs[0]
    return _rectified(new, value, node.op.cap, node) if _is_useful(new, value) else None


def _is_useful(new: Rewriter, value: str) -> bool:
    """Return whether moving up ends at a sum or a ReLU; before an input it would only touch more neurons."""
    return is_nonnegative(new, value) or not is_level(new, value) or _ends_at_relus(new, value)


def _ends_at_relus(new: Rewriter, value: str) -> bool:
    node = new.nodes.get(value)
    if node is None or isinstance(node.op, Relu):
        return node is not None
    return _commutes(node.op) and all(_ends_at_relus(new, name) for name in node.inputs)


def _commutes(op: Op) -> bool:
    return op.view or isinstance(op, (MaxPool, Pad, Concat))


def _rectified(new: Rewriter, value: str, cap: float | None, like: Node) -> str:
    """Return relu(value) with the ReLU as far up as it can go."""
    node = new.nodes.get(value)
    if cap is None and is_nonnegative(new, value):
        return value
    if node is not None and isinstance(node.op, Relu):
        return new.add(Relu(_smaller(cap, node.op.cap)), node.inputs, node)
    if node is not None and _commutes(node.op):
        return new.add(node.op, [_rectified(new, name, cap, like) for name in node.inputs], node)
    return new.add(Relu(cap), (value,), like)


def _smaller(one: float | None, other: float | None) -> float | None:
    caps = [cap for cap in (one, other) if cap is not None]
    return min(caps) if caps else None
