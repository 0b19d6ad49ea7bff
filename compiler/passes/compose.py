"""Two weighted sums in a row as one, and what that costs: shared by compose-average and join-linear."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Add, AveragePool, Conv, Dense
from snncc.compiler.passes.facts import has_one_divisor, is_charge_op, is_level
from snncc.compiler.passes.linear import add_matrix, add_window, matrix_of, window_of
from snncc.compiler.passes.rewrite import Rewriter
from snncc.compiler.passes.window import Window, average_window, compose, joint_kernel

MOST_WEIGHTS = 1 << 24
"""The largest joint weight that is made, in entries: 64 MiB of float32."""


@dataclass(frozen=True)
class Cost:
    """Entries of weights, and synapses: entries times output positions."""

    weights: int = 0
    synapses: int = 0

    def __add__(self, other: Cost) -> Cost:
        """Return both together."""
        return Cost(self.weights + other.weights, self.synapses + other.synapses)


Accept = Callable[[Cost, Cost], bool]
"""Whether to join, given the costs before and after."""


def applied(new: Rewriter, node: Node, accept: Accept) -> str | None:
    """Return what a linear op or average pool makes of the sum it reads, None where that is not one sum.

    f(W x + b) -> one sum; f(x1 + x2) -> f(x1) + f(x2), the bias of f added once; f(level source) -> f itself.
    An Add that others read too is left alone.

    Args:
        new: the graph under construction.
        node: the op to apply, with its constants.
        accept: whether to join, given the costs before and after.
    """
    before = new.nodes[node.inputs[0]]
    is_add = isinstance(before.op, Add)
    if is_add and new.is_shared(before.name):
        return None
    operands = before.inputs if is_add else (before.name,)
    joint = [_joint_cost(new, name, node) for name in operands]
    known = [cost for cost in joint if cost is not None]
    now = sum((_cost_of(new, name) for name in operands), _cost_of(new, node.name, node))
    if len(known) < len(joint) or not accept(now, sum(known, Cost())):
        return None
    parts = [_joined(new, name, node, number == 0) for number, name in enumerate(operands)]
    sums = [part for part in parts if part is not None]
    if len(sums) < len(parts):
        return None
    return new.add(Add(), sums, before) if is_add else sums[0]


def follows_charge(new: Rewriter, node: Node) -> bool:
    """Return whether a node reads a weighted sum directly."""
    before = new.nodes.get(node.inputs[0])
    return before is not None and is_charge_op(before.op)


def _cost_of(new: Rewriter, name: str, node: Node | None = None) -> Cost:
    """Return the cost of a node, of a name if none is given; that of an edge of weights 1 for a level source."""
    node = node or new.nodes.get(name)
    if node is not None and isinstance(node.op, AveragePool):
        return Cost(prod(node.op.kernel) * node.type.shape[0], prod(node.op.kernel) * node.type.size)
    if node is not None and node.op.linear:
        weights = new.types[node.inputs[1]].size
        return Cost(weights, weights * prod(node.type.shape[1:]))
    return Cost(new.types[name].shape[0], new.types[name].size)


def _joint_cost(new: Rewriter, name: str, node: Node) -> Cost | None:
    """Return the cost of what a node makes of one operand, None where that is no weighted sum, or a huge one."""
    first = new.nodes.get(name)
    if is_level(new, name):
        return _cost_of(new, node.name, node)
    if first is None or not first.op.linear or isinstance(first.op, Dense) != isinstance(node.op, Dense):
        return None
    channels, *spatial = new.types[first.inputs[0]].shape
    weights = node.type.shape[0] * channels
    if isinstance(first.op, Conv):
        second = _outline(new, node, first)
        if second is None:
            return None
        kernel, groups = joint_kernel(_window(new, first), second, tuple(spatial))
        weights = weights // groups * prod(kernel)
    return None if weights > MOST_WEIGHTS else Cost(weights, weights * prod(node.type.shape[1:]))


def _joined(new: Rewriter, name: str, node: Node, with_bias: bool) -> str | None:
    """Return what a node makes of one operand, with or without its bias."""
    if is_level(new, name):
        keep_all = with_bias or isinstance(node.op, AveragePool)
        return new.add(node.op, (name, *(node.inputs[1:] if keep_all else node.inputs[1:2])), node)
    first = new.nodes[name]
    if isinstance(node.op, Dense):
        (w1, b1), (w2, b2) = matrix_of(new, first), matrix_of(new, node)
        return add_matrix(new, w2 @ w1, w2 @ b1 + b2 * with_bias, first.inputs[0], node)
    second = average_window(node.op, first.type.shape) if isinstance(node.op, AveragePool) else window_of(new, node)
    if not with_bias:
        second = Window(second.op, second.weight, 0 * second.bias)
    joint = compose(window_of(new, first), second, new.types[first.inputs[0]].shape[1:])
    like = first if isinstance(node.op, AveragePool) else node
    return None if joint is None else add_window(new, joint, first.inputs[0], like)


def _outline(new: Rewriter, node: Node, first: Node) -> Window | None:
    """Return a convolution or average pool as a window whose numbers do not count, None if it is not one."""
    if not isinstance(node.op, AveragePool):
        return _window(new, node)
    return average_window(node.op, first.type.shape) if has_one_divisor(node.op, first.type.shape[1:]) else None


def _window(new: Rewriter, node: Node) -> Window:
    assert isinstance(node.op, Conv)
    return Window(node.op, np.broadcast_to(0.0, new.types[node.inputs[1]].shape), np.zeros(1))
