"""What is left of a float network that has no canonical form, told to the user."""

from __future__ import annotations

from collections.abc import Iterator

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.ops import Add, Concat, Tail
from snncc.compiler.passes.facts import is_activation


def problems_of(graph: Graph) -> list[Diagnostic]:
    """Return one diagnostic for each node and output at fault, in the order of the model."""
    single = {name for name, kind in graph.types.items() if not kind.shape} | set(graph.constants)
    problems = [problem for node in graph.nodes for problem in _of_node(graph, node, single)]
    locs = {i.name: i.loc for i in graph.inputs} | {node.name: node.loc for node in graph.nodes}
    return [*problems, *(_single(f"output %{n}", locs.get(n, Loc()), n) for n in graph.outputs if n in single)]


def _of_node(graph: Graph, node: Node, single: set[str]) -> Iterator[Diagnostic]:
    data = node.inputs if isinstance(node.op, (Add, Concat)) else node.inputs[:1]
    if any(name in graph.constants for name in data):
        yield _at(node, "SNN129", "reads a constant as data", "make it the bias of a layer")
    elif isinstance(node.op, Add) or is_activation(node.op):
        yield from (_single(f"%{node.name} ({node.op.name})", node.loc, name) for name in data if name in single)
    elif isinstance(node.op, Tail):
        hint = "only at an output can it be dropped; end the exported network before it"
        yield _at(node, "SNN128", f"computes {node.op.kind} inside the network", hint)


def _single(reader: str, loc: Loc, name: str) -> Diagnostic:
    message = f"{reader} reads %{name}, which is a constant or a single number"
    return Diagnostic("SNN129", message, loc, "give a single number one axis")


def _at(node: Node, code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code, f"%{node.name} ({node.op.name}) {message}", node.loc, hint)
