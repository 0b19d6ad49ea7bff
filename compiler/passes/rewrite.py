"""The rewriter: how a pass makes one graph from another, value by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.graph import Array, Graph, Node, constant_type, rebuild
from snncc.compiler.ir.op import Op

Float = npt.NDArray[np.float64]


class Rewriter:
    """A graph under construction; a rule reads it through ``nodes`` and adds to it.

    New nodes and constants get working names; ``finish`` gives each the name it wishes for, if the value that
    had that name is gone. So a convolution with a batch norm folded in keeps the convolution's name, and a
    copy gets a number.

    Attributes:
        graph: the graph before.
        nodes: the nodes so far by name, in def-before-use order, dead ones included.
        types: the type of every input, constant and node so far.
        constants: all constants so far.
    """

    def __init__(self, graph: Graph) -> None:
        """Start with the inputs and constants of a graph, and no nodes."""
        self.graph = graph
        self.nodes: dict[str, Node] = {}
        self.constants: dict[str, Array] = dict(graph.constants)
        given = graph.node
        self.types = {k: v for k, v in graph.types.items() if k not in given}
        self._old = set(graph.types)
        self._wishes: dict[str, str] = {}
        self._instead: dict[str, str] = {}
        reads = [name for node in graph.nodes for name in node.inputs]
        self._reads = Counter([*reads, *graph.outputs])
        self._read: Counter[str] = Counter({i.name: self._reads[i.name] for i in graph.inputs})

    def now(self, name: str) -> str:
        """Return the value that stands for a value of the graph before."""
        return self._instead.get(name, name)

    def redirect(self, name: str, value: str) -> None:
        """Let a value stand for a value of the graph before."""
        self._instead[name] = value
        self._read[value] += self._reads[name]

    def is_shared(self, name: str) -> bool:
        """Return whether several readers, outputs among them, have what a value stands for in the graph before."""
        return self._read[name] > 1

    def keep(self, node: Node) -> str:
        """Add a node under its own name; return the name."""
        types = tuple(self.types[name] for name in node.inputs)
        node = replace(node, type=node.op.infer(types))
        self.nodes[node.name], self.types[node.name] = node, node.type
        return node.name

    def add(self, op: Op, inputs: Iterable[str], like: Node, name: str = "") -> str:
        """Add a node located as ``like``, named as it if no other name is given; return its working name."""
        working = self._working(name or self.wish(like.name))
        return self.keep(Node(working, op, tuple(inputs), like.type, like.loc))

    def constant(self, array: npt.ArrayLike, name: str) -> str:
        """Add a constant, rounded to float32; return its working name."""
        working = self._working(name)
        with np.errstate(over="ignore"):  # finish reports an overflow, with the node that reads it
            self.constants[working] = np.ascontiguousarray(array, dtype=np.float32)
        self.types[working] = constant_type(self.constants[working])
        return working

    def wish(self, name: str) -> str:
        """Return the name that a value will have if it is free in the end."""
        return self._wishes.get(name, name)

    def array(self, name: str) -> Float:
        """Return a constant in float64, in which all folding is computed."""
        return self.constants[name].astype(np.float64)

    def finish(self, outputs: Iterable[str], **changes: object) -> Graph:
        """Return the graph that the outputs need, its values under their final names.

        Raises:
            SnnccError: SNN127 for every node with a constant that overflowed float32.
        """
        graph = rebuild(self.graph, self.nodes.values(), self.constants, outputs=tuple(outputs), **changes)
        self._check_finite(graph)
        return _rename(graph, self._final_names(graph))

    def _check_finite(self, graph: Graph) -> None:
        new = graph.constants.keys() & self._wishes.keys()
        bad = {name for name in new if not np.all(np.isfinite(self.constants[name]))}
        hint = "retrain with smaller weights or scales"
        problems = [
            Diagnostic("SNN127", f"the weights of %{self.wish(node.name)} overflow float32", node.loc, hint)
            for node in graph.nodes
            if not bad.isdisjoint(node.inputs)
        ]
        if problems:
            raise SnnccError(problems)

    def _working(self, wish: str) -> str:
        number = len(self._wishes)
        while (name := f"{wish}~{number}") in self._old:
            number += 1
        self._wishes[name] = wish
        return name

    def _final_names(self, graph: Graph) -> dict[str, str]:
        names = [name for name in graph.types if name in self._wishes]
        taken = set(graph.types) - set(names)
        final: dict[str, str] = {}
        for name in names:
            wish, number = self._wishes[name], 0
            while (free := f"{wish}_{number}" if number else wish) in taken:
                number += 1
            taken.add(free)
            final[name] = free
        return final


def _rename(graph: Graph, names: Mapping[str, str]) -> Graph:
    def new(name: str) -> str:
        return names.get(name, name)

    nodes = tuple(replace(n, name=new(n.name), inputs=tuple(map(new, n.inputs))) for n in graph.nodes)
    constants = {new(name): array for name, array in graph.constants.items()}
    return replace(graph, nodes=nodes, constants=constants, outputs=tuple(map(new, graph.outputs)))


Rule = Callable[[Rewriter, Node], "str | None"]


def _as_it_is(new: Rewriter, name: str) -> str:
    return name


def sweep(graph: Graph, rule: Rule, at_output: Callable[[Rewriter, str], str] = _as_it_is, **changes: object) -> Graph:
    """Return the graph with a rule applied to every node once, in order.

    A rule meets a node whose inputs are rewritten already. It returns None to keep the node, else the value
    that stands for it. A rule may leave nodes behind that nobody reads: they are dropped.

    Args:
        graph: the graph before.
        rule: what to do with a node.
        at_output: what to do with the value of each output; returns the value to output instead.
        changes: other fields of Graph to replace, such as stage.
    """
    new = Rewriter(graph)
    for node in graph.nodes:
        node = replace(node, inputs=tuple(new.now(name) for name in node.inputs))
        value = rule(new, node)
        new.redirect(node.name, new.keep(node) if value is None else value)
    return new.finish([at_output(new, new.now(name)) for name in graph.outputs], **changes)
