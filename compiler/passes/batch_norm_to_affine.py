"""Write batch norms as scale and shift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.graph import Array, Graph, Node, Stage
from snncc.compiler.ir.ops import BatchNorm
from snncc.compiler.passes.base import Pass
from snncc.compiler.passes.rewrite import Float, Rewriter, sweep
from snncc.compiler.passes.scaling import Scaling, apply_scaling, smallest


@dataclass(frozen=True)
class BatchNormToAffine(Pass):
    """gamma (x - mean) / s + beta -> a x + b: s = sqrt(var + epsilon), a = gamma / s, b = beta - a mean."""

    name: ClassVar[str] = "batch-norm-to-affine"
    takes: ClassVar[Stage] = Stage.IMPORTED
    gives: ClassVar[Stage] = Stage.IMPORTED

    def run(self, graph: Graph) -> Graph:
        """Return the graph without batch norms.

        Raises:
            SnnccError: SNN127 for every batch norm with var + epsilon <= 0.
        """
        problems = [p for node in graph.nodes if (p := _problem(graph, node)) is not None]
        if problems:
            raise SnnccError(problems)
        return sweep(graph, _rule)


def _problem(graph: Graph, node: Node) -> Diagnostic | None:
    if not isinstance(node.op, BatchNorm):
        return None
    if np.all(_variance(graph.constants[node.inputs[4]], node.op) > 0):
        return None
    message = f"%{node.name} (batch_norm) divides by the root of a variance that is not positive"
    return Diagnostic("SNN127", message, node.loc, "check the running variance that was exported")


def _variance(array: Array, op: BatchNorm) -> Float:
    return array.astype(np.float64) + op.epsilon


def _rule(new: Rewriter, node: Node) -> str | None:
    if not isinstance(node.op, BatchNorm):
        return None
    gamma, beta, mean = (new.array(name) for name in node.inputs[1:4])
    scale = gamma / np.sqrt(_variance(new.constants[node.inputs[4]], node.op))
    shift = beta - scale * mean
    shape = (-1, *[1] * (len(node.type.shape) - 1))
    scaling = Scaling(smallest(scale.reshape(shape)), smallest(shift.reshape(shape)))
    return apply_scaling(new, node.inputs[0], scaling, node)
