"""Move what computes element by element before the pools, views and joins it follows, up to the sum it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from snncc.compiler.ir.curve import FALLING, Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Affine, Concat, MaxPool, Relu
from snncc.compiler.ir.quantizer import Quantizer
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.selects import adds_zeros


@dataclass(frozen=True)
class QuantizerFirst(Pass):
    """q(max(x)) -> max(q(x)), where x has no quantizer yet: it never falls, so it commutes with max; also with views.

    Concatenations are passed in any case, so that each of the values joined is quantized by itself; and activations
    and scalings are moved with the quantizers behind them.
    """

    name: ClassVar[str] = "quantizer-first"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with every quantizer directly after what it quantizes."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not _is_pointwise(new, node):
        return None
    passed = _passed(new, node.inputs[0], node)
    return _applied(new, node.inputs[0], node) if passed else None


def _is_pointwise(new: Rewriter, node: Node) -> bool:
    """Return whether a node computes the same function of each element."""
    if isinstance(node.op, Affine):
        return all(new.array(name).size == 1 for name in node.inputs[1:])
    return isinstance(node.op, Quantizer | Relu) or (isinstance(node.op, Curve) and len(node.inputs) == 1)


def _passed(new: Rewriter, value: str, node: Node) -> bool:
    """Return whether moving up passes a concatenation, or a pool or view of what has no quantizer."""
    below = new.nodes.get(value)
    moved = False
    while below is not None and _commutes(new, below.op, node):
        if isinstance(below.op, Concat):
            return True
        below, moved = new.nodes.get(below.inputs[0]), True
    return moved and not (below is not None and isinstance(below.op, Quantizer))


def _commutes(new: Rewriter, before: Op, node: Node) -> bool:
    if isinstance(before, MaxPool):
        return _never_falls(new, node)
    if before.selects:
        return not adds_zeros(before) or isinstance(node.op, Relu | Quantizer)
    return before.view or isinstance(before, Concat)


def _never_falls(new: Rewriter, node: Node) -> bool:
    if isinstance(node.op, Affine):
        return bool((new.array(node.inputs[1]) > 0).all())
    return not (isinstance(node.op, Curve) and node.op.kind in FALLING)


def _applied(new: Rewriter, value: str, node: Node) -> str:
    """Return a node's function of a value, as far up as it can go."""
    below = new.nodes.get(value)
    if below is None or not _commutes(new, below.op, node):
        return new.add(node.op, (value, *_parameters(new, value, node)), node)
    parts = [_applied(new, name, node) for name in below.inputs]
    return new.add(below.op, parts, below)


def _parameters(new: Rewriter, value: str, node: Node) -> list[str]:
    """Return the constants of a scaling, with the rank of another value."""
    rank = len(new.types[value].shape)
    return [new.constant(new.array(name).reshape((1,) * rank), new.wish(name)) for name in node.inputs[1:]]
