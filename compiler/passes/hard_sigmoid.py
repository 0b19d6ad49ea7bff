"""Write hard sigmoids as a scaling and a capped ReLU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import Relu
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Rewriter, sweep
from snncc.compiler.passes.scaling import Scaling, apply_scaling


@dataclass(frozen=True)
class HardSigmoid(Pass):
    """clip(alpha x + beta, 0, 1) -> relu(alpha x + beta) with cap 1; the scaling folds into the sum before it."""

    name: ClassVar[str] = "hard-sigmoid"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph without hard sigmoids."""
        return sweep(graph, _rule)


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, Curve) or node.op.kind != "hard_sigmoid":
        return None
    ones = (1,) * len(node.type.shape)
    alpha, beta = (np.full(ones, parameter) for parameter in node.op.parameters)
    return new.add(Relu(1.0), (apply_scaling(new, node.inputs[0], Scaling(alpha, beta), node),), node)
