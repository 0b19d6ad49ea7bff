"""What a canonical network may hold that the integer network cannot take yet."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.ops import Concat


def unsupported(graph: Graph) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each node of a CANONICAL graph that cannot be quantized, in the order of the model."""
    for node in graph.nodes:
        if isinstance(node.op, Concat):
            message = f"%{node.name} (concat) joins {len(node.inputs)} activations, which cannot be compiled yet"
            hint = "give each branch a convolution of its own and add the results"
            yield Diagnostic("SNN203", message, node.loc, hint)
