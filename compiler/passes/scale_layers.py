"""Give scalings that no weighted sum can take in neurons of their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Relu, Reshape
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.facts import is_activation, is_level, is_nonnegative
from snncc.compiler.passes.linear import scaled
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.scaling import Scaling, scaling_of


@dataclass(frozen=True)
class ScaleLayers(Pass):
    """a x + b -> one weighted sum, whoever reads it: after affine-forward, what is left has no better place.

    A scale per channel is a depthwise 1x1 convolution. A scale of single positions is one, too, of x seen as
    that many channels with one position each. Such scalings are those with a negative factor before a
    max-pool, averages over fewer positions at the border, and masks. The sum becomes levels, unless
    only activations and outputs read it and no view stands between.
    """

    name: ClassVar[str] = "scale-layers"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph with no scaling of levels."""
        users = graph.users()
        sums = {name for name, readers in users.items() if all(is_activation(node.op) for node in readers)}

        def rule(new: Rewriter, node: Node) -> str | None:
            return _layer(new, node, node.name in sums)

        return sweep(graph, rule)


def _layer(new: Rewriter, node: Node, as_sum: bool) -> str | None:
    scaling = scaling_of(new, node)
    shape, size = node.type.shape, node.type.size
    if scaling is None or not shape or not is_level(new, node.inputs[0]):
        return None
    total = scaled(new, node.inputs[0], scaling, node)
    if total is not None:
        return total if as_sum else _levels(new, total, scaling, node)
    scale, shift = (np.broadcast_to(part, shape).reshape(size, 1) for part in (scaling.scale, scaling.shift))
    name = new.wish(node.name)
    channels = new.add(Reshape((size, 1)), node.inputs[:1], node, f"{name}.channels")
    total = scaled(new, channels, Scaling(scale, shift), node)
    assert total is not None
    return new.add(Reshape(shape), (_levels(new, total, scaling, node),), node, f"{name}.positions")


def _levels(new: Rewriter, total: str, scaling: Scaling, node: Node) -> str:
    """Return the sum as levels, without sign if it cannot be negative."""
    keeps_sign = bool(np.all(scaling.scale >= 0) and np.all(scaling.shift >= 0))
    op = Relu() if keeps_sign and is_nonnegative(new, node.inputs[0]) else Curve("linear")
    return new.add(op, (total,), node, f"{new.wish(node.name)}_levels")
