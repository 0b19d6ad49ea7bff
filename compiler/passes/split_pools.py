"""Split max-pools over many positions into one pool an axis."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage, rebuild
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.passes.base import Pass


@dataclass(frozen=True)
class SplitPools(Pass):
    """max over (i, j) of x = max over i of max over j of x, axis by axis, each with its own stride and padding.

    A neuron hears each position of its window apart, so a window of k x k takes k^2 in-ports, and two pools k each.

    Attributes:
        positions: pools over more positions are split.
    """

    name: ClassVar[str] = "split-pools"
    takes: ClassVar[Stage] = Stage.CANONICAL
    gives: ClassVar[Stage] = Stage.CANONICAL
    positions: int = 16

    def run(self, graph: Graph) -> Graph:
        """Return the graph with large pools split."""
        nodes: list[Node] = []
        for node in graph.nodes:
            large = isinstance(node.op, MaxPool) and prod(node.op.kernel) > self.positions
            nodes += _by_axis(node) if large else [node]
        return rebuild(graph, nodes, graph.constants)


def _by_axis(node: Node) -> list[Node]:
    """Return one pool for each axis with a window; the last keeps the name."""
    op = node.op
    assert isinstance(op, MaxPool)
    rank = len(op.kernel)
    axes = [axis for axis in range(rank) if (op.kernel[axis], op.strides[axis]) != (1, 1)]
    pools: list[Node] = []
    for axis in axes:
        last = axis == axes[-1]
        part = MaxPool(
            _only(op.kernel, axis, 1),
            _only(op.strides, axis, 1),
            (*_only(op.pads[:rank], axis, 0), *_only(op.pads[rank:], axis, 0)),
            _only(op.dilations, axis, 1),
        )
        name = node.name if last else f"{node.name}.axis{axis}"
        pools.append(replace(node, name=name, op=part, inputs=(pools[-1].name if pools else node.inputs[0],)))
    return pools


def _only(values: tuple[int, ...], axis: int, rest: int) -> tuple[int, ...]:
    return tuple(value if i == axis else rest for i, value in enumerate(values))
