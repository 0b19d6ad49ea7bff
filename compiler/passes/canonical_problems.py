"""What is left of a float network that has no canonical form, told to the user."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.ops import Add, Affine, AveragePool, Concat, MaxPool, Pad, Relu, Tail
from snncc.compiler.passes.facts import has_one_divisor, is_charge_op


def problems_of(graph: Graph) -> list[Diagnostic]:
    """Return one diagnostic for each node and output at fault, in the order of the model."""
    checker = _Checker(graph)
    problems = [problem for node in graph.nodes for problem in checker.of_node(node)]
    locs = {i.name: i.loc for i in graph.inputs} | {node.name: node.loc for node in graph.nodes}
    outputs = (checker.of_sum(f"output %{name}", locs.get(name, Loc()), name) for name in graph.outputs)
    return [*problems, *(problem for found in outputs for problem in found)]


class _Checker:
    """A graph with what its rules look up."""

    def __init__(self, graph: Graph) -> None:
        self.nodes, self.types, self.constants = graph.node, graph.types, graph.constants
        self.users = graph.users()

    def of_node(self, node: Node) -> Iterator[Diagnostic]:
        """Return what is wrong with one node."""
        data = node.inputs if isinstance(node.op, (Add, Concat)) else node.inputs[:1]
        if any(name in self.constants for name in data):
            yield _at(node, "SNN129", "reads a constant as data", "make it the bias of a layer")
        elif isinstance(node.op, (Add, Relu)):
            for name in node.inputs:
                yield from self.of_sum(f"%{node.name} ({node.op.name})", node.loc, name)
        elif isinstance(node.op, Tail):
            hint = "only at an output can it be dropped; end the exported network before it"
            yield _at(node, "SNN128", f"computes {node.op.kind} inside the network", hint)
        elif isinstance(node.op, Affine):
            yield from self.of_affine(node)
        elif isinstance(node.op, Pad):
            yield self.of_pad(node)
        else:
            yield from self.of_reader(node)

    def of_affine(self, node: Node) -> Iterator[Diagnostic]:
        """Return why a scaling stayed; nothing where the value it scales is reported already."""
        source = self.nodes.get(node.inputs[0])
        if source is not None and isinstance(source.op, (Pad, Tail)):
            return
        around = [source, *self.users[node.name]]
        pool = next((n for n in around if n is not None and isinstance(n.op, MaxPool)), None)
        if pool is not None and np.any(self.constants[node.inputs[1]].astype(np.float64) < 0):
            message = f"scales by a negative number next to {_named(pool)}, whose maximum would be a minimum"
            hint = "put the ReLU before the pool, or retrain with a positive scale there"
            yield _at(node, "SNN122", message, hint)
        else:
            message = "scales single positions, which no convolution's weights can take in"
            hint = "scale whole channels, or scale what a dense layer gives or reads"
            yield _at(node, "SNN121", message, hint)

    def of_pad(self, node: Node) -> Diagnostic:
        """Return why padding stayed."""
        readers = self.users[node.name]
        message = f"pads with zeros for {', '.join(map(_named, readers))}, which cannot take them in"
        if any(isinstance(n.op, MaxPool) for n in readers):
            hint = "use the max-pool's own padding, or put a ReLU before it"
        else:
            hint = "let a convolution read it, or set the padding of the layer that follows"
        return _at(node, "SNN124", message, hint)

    def of_reader(self, node: Node) -> Iterator[Diagnostic]:
        """Return a diagnostic for a sum or pool that reads a sum with no activation between."""
        behind = next((n for name in node.inputs if (n := self.sum_behind(name)) is not None), None)
        if isinstance(node.op, AveragePool):
            yield from self.of_average(node, node.op, behind)
        elif behind is not None and isinstance(node.op, MaxPool):
            readers = self.users[node.name]
            if not readers or not all(isinstance(n.op, Affine) for n in readers):
                message = f"reads the weighted sum {_named(behind)} with no activation between"
                yield _at(node, "SNN125", message, "put a ReLU before or directly after the pool")
        elif behind is not None and node.op.linear:
            message = f"reads the weighted sum {_named(behind)} with no activation between"
            yield _at(node, "SNN120", message, "insert a ReLU between them, or make one layer of the two")

    def of_average(self, node: Node, op: AveragePool, behind: Node | None) -> Iterator[Diagnostic]:
        """Return why an average pool cannot stand."""
        if behind is not None:
            message = f"averages the weighted sum {_named(behind)} and cannot be joined with it exactly"
            yield _at(node, "SNN123", message, "put a ReLU before the pool, or use no padding")
        elif not has_one_divisor(op, self.types[node.inputs[0]].shape[1:]):
            message = "divides windows at the border by fewer positions than others"
            yield _at(node, "SNN123", message, "set count_include_pad, use no padding, or pool globally")

    def of_sum(self, reader: str, loc: Loc, name: str) -> Iterator[Diagnostic]:
        """Return a diagnostic if a value that must be a sum is a view of one, or none at all."""
        node, behind = self.nodes.get(name), self.sum_behind(name)
        if name in self.constants or not self.types[name].shape:
            message = f"{reader} reads %{name}, which is a constant or a single number"
            yield Diagnostic("SNN129", message, loc, "give a single number one axis")
        elif node is not None and behind is not None and behind is not node:
            message = f"moves the weighted sum {_named(behind)} for {reader} with no activation between"
            yield _at(node, "SNN126", message, "move it after a ReLU, or use the sum as it is")

    def sum_behind(self, name: str) -> Node | None:
        """Return the sum that a value is, or is a view or concatenation of; None where there is none."""
        node = self.nodes.get(name)
        if node is None or is_charge_op(node.op):
            return node
        if not node.op.view and not isinstance(node.op, Concat):
            return None
        return next((n for source in node.inputs if (n := self.sum_behind(source)) is not None), None)


def _named(node: Node) -> str:
    return f"%{node.name} ({node.op.name})"


def _at(node: Node, code: str, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code, f"{_named(node)} {message}", node.loc, hint)
