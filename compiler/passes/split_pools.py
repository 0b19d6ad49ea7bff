"""Split max-pools over many positions into several over few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import ClassVar

from snncc.compiler.ir.graph import Graph, Node, Stage, rebuild
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.passes.base import Pass

MOST_POSITIONS = 9
"""Each neuron program is proved by trying what can reach its ports in one step: up to 2^9 combinations."""


@dataclass(frozen=True)
class SplitPools(Pass):
    """max over (i, j) of x = max over i of max over j of x, axis by axis, each with its own stride and padding.

    A neuron hears each position of its window apart, so a window of k x k takes k^2 in-ports, and two pools k each.
    What is still too long along one axis becomes windows of windows: a positions, then every d-th of the results.

    Attributes:
        positions: pools over more positions are split, and in any case those over more than 9.
    """

    name: ClassVar[str] = "split-pools"
    takes: ClassVar[Stage] = Stage.CANONICAL
    gives: ClassVar[Stage] = Stage.CANONICAL
    positions: int = MOST_POSITIONS

    def run(self, graph: Graph) -> Graph:
        """Return the graph with large pools split."""
        most = max(2, min(self.positions, MOST_POSITIONS))
        types, nodes = graph.types, list[Node]()
        for node in graph.nodes:
            large = isinstance(node.op, MaxPool) and prod(node.op.kernel) > most
            nodes += _split(node, types[node.inputs[0]].shape[1:], most) if large else [node]
        return rebuild(graph, nodes, graph.constants)


def _split(node: Node, sizes: tuple[int, ...], most: int) -> list[Node]:
    """Return pools in a row that make one; the last keeps the name."""
    assert isinstance(node.op, MaxPool)
    parts = [part for axis, size in enumerate(sizes) for part in _along(node.op, axis, size, most)]
    pools: list[Node] = []
    for number, (axis, part) in enumerate(parts):
        again = [a for a, _ in parts[:number]].count(axis)
        name = f"{node.name}.axis{axis}" + (f"_{again}" if again else "")
        source = pools[-1].name if pools else node.inputs[0]
        pools.append(replace(node, name=name, op=part, inputs=(source,)))
    return [*pools[:-1], replace(pools[-1], name=node.name)]


def _along(op: MaxPool, axis: int, size: int, most: int) -> Iterator[tuple[int, MaxPool]]:
    """Return the pools along one axis of a size, none if the window has one position there and no stride.

    A first window may reach outside, but each must hold a position inside: true for windows of which one end is
    inside or beyond either end of the axis, if their steps are no longer than the axis. Whole windows outside are
    left to the padding of those that follow.
    """
    rank = len(op.kernel)
    kernel, step, pads = op.kernel[axis], op.dilations[axis], (op.pads[axis], op.pads[rank + axis])
    while kernel > most and step <= size:
        positions, apart = _first_window(kernel, most)
        reach = step * (positions - 1)
        inner = (min(pads[0], reach), min(pads[1], reach))
        yield axis, _only(rank, axis, (positions, 1, *inner, step))
        size += sum(inner) - reach
        kernel, step = (kernel - positions) // apart + 1, step * apart
        pads = (pads[0] - inner[0], pads[1] - inner[1])
    if (kernel, op.strides[axis]) != (1, 1):
        yield axis, _only(rank, axis, (kernel, op.strides[axis], *pads, step))


def _first_window(kernel: int, most: int) -> tuple[int, int]:
    """Return a window and the step between windows of that size, which together see each position of a kernel.

    Of those with the fewest windows, the largest step.
    """
    choices = [(a, d) for a in range(2, most + 1) for d in range(1, a + 1) if (kernel - a) % d == 0]
    return min(choices, key=lambda choice: ((kernel - choice[0]) // choice[1], -choice[1]))


def _only(rank: int, axis: int, along: tuple[int, int, int, int, int]) -> MaxPool:
    """Return the pool of (kernel, stride, begin, end, dilation) along one axis."""

    def spread(value: int, rest: int) -> tuple[int, ...]:
        return tuple(value if i == axis else rest for i in range(rank))

    kernel, stride, begin, end, dilation = along
    return MaxPool(spread(kernel, 1), spread(stride, 1), spread(begin, 0) + spread(end, 0), spread(dilation, 1))
