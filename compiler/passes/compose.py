"""Two weighted sums in a row as one: shared by the passes compose-average and join-linear."""

from __future__ import annotations

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Add, AveragePool, Conv, Dense
from snncc.compiler.passes.facts import has_one_divisor, is_charge_op, is_level
from snncc.compiler.passes.linear import add_matrix, add_window, matrix_of, window_of
from snncc.compiler.passes.rewrite import Rewriter
from snncc.compiler.passes.window import Window, average_window, compose

MOST_GROWTH = 16
"""A joint weight may hold this many times the entries of both weights: else a bottleneck is undone."""
SMALL_WEIGHT = 1 << 16
"""A joint weight of up to so many entries is always fine."""


def applied(new: Rewriter, node: Node, value: str, with_bias: bool = True) -> str | None:
    """Return what a linear op or average pool makes of a value, None where that is not one weighted sum.

    f(W x + b) -> one sum; f(x1 + x2) -> f(x1) + f(x2), the bias of f added once; f(level source) -> f itself.

    Args:
        new: the graph under construction.
        node: the op to apply, with its constants.
        value: what to apply it to, instead of the node's own input.
        with_bias: whether the bias of f counts.
    """
    before = new.nodes.get(value)
    if before is not None and isinstance(before.op, Add):
        parts = [applied(new, node, name, with_bias and i == 0) for i, name in enumerate(before.inputs)]
        known = [part for part in parts if part is not None]
        return new.add(Add(), known, before) if len(known) == len(parts) else None
    if before is not None and before.op.linear:
        return _composed(new, before, node, with_bias)
    if not is_level(new, value):
        return None
    keep_all = with_bias or isinstance(node.op, AveragePool)
    return new.add(node.op, (value, *(node.inputs[1:] if keep_all else node.inputs[1:2])), node)


def follows_charge(new: Rewriter, node: Node) -> bool:
    """Return whether a node reads a weighted sum directly."""
    before = new.nodes.get(node.inputs[0])
    return before is not None and is_charge_op(before.op)


def _composed(new: Rewriter, first: Node, node: Node, with_bias: bool) -> str | None:
    if isinstance(first.op, Dense) and isinstance(node.op, Dense):
        return _product(new, first, node, with_bias)
    if not isinstance(first.op, Conv):
        return None
    second = _second_window(new, first, node)
    if second is None:
        return None
    if not with_bias:
        second = Window(second.op, second.weight, 0 * second.bias)
    joint = compose(window_of(new, first), second, new.types[first.inputs[0]].shape[1:])
    if joint is None:
        return None
    if isinstance(node.op, AveragePool):
        return add_window(new, joint, first.inputs[0], first)
    small = _is_small(joint.weight.size, new.types[first.inputs[1]].size + second.weight.size)
    return add_window(new, joint, first.inputs[0], node) if small else None


def _second_window(new: Rewriter, first: Node, node: Node) -> Window | None:
    if isinstance(node.op, AveragePool):
        exact = has_one_divisor(node.op, first.type.shape[1:])
        return average_window(node.op, first.type.shape) if exact else None
    return window_of(new, node) if isinstance(node.op, Conv) else None


def _product(new: Rewriter, first: Node, node: Node, with_bias: bool) -> str | None:
    w1, b1 = matrix_of(new, first)
    w2, b2 = matrix_of(new, node)
    if not _is_small(len(w2) * w1.shape[1], w1.size + w2.size):
        return None
    return add_matrix(new, w2 @ w1, w2 @ b1 + b2 * with_bias, first.inputs[0], node)


def _is_small(joint: int, both: int) -> bool:
    return joint <= max(SMALL_WEIGHT, MOST_GROWTH * both)
