"""Max-pool populations: they stream, one step behind their source."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import numpy as np

from snncc.compiler.coding import Coding, Levels
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.ir.graph import Array, Node
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.mapping.edges import Part
from snncc.compiler.mapping.schedule import Slot
from snncc.compiler.program import Claim, Connection, ConvSynapses, Population
from snncc.compiler.targets import Target

Taps = dict[str, tuple[int, ...]]


def pool_population(
    node: Node, shape: tuple[int, ...], coding: Coding, slot: Slot, bits: int
) -> tuple[Population, Taps]:
    """Return the population of a max_pool node, and the weight of each tap on each in-port.

    Args:
        node: the max_pool node.
        shape: shape of its input.
        coding: the coding of its source, which it sends on.
        slot: its window.
        bits: width of a state.
    """
    op = _op(node)
    levels = Levels(node.type.lo, node.type.hi)
    pool = coding.pool(levels, prod(op.kernel), bits)
    params = _absent(node, shape, levels.lo) if pool.neuron.params else {}
    claim = Claim(node.name, "pool", coding.name, levels.lo, levels.hi)
    population = Population(
        node.name,
        node.type.shape,
        pool.neuron,
        params,
        slot.start,
        slot.window,
        coding.payload_bits(levels),
        levels.signed,
        claim,
        node.loc,
    )
    return population, pool.taps


def pool_problems(node: Node, population: Population, parts: list[Part], target: Target) -> Iterator[Diagnostic]:
    """Yield SNN331 for more in-ports a neuron than the target has, SNN333 for several populations behind a max-pool."""
    if len(parts) > 1:
        names = ", ".join(f"'{part.source.name}'" for part in parts)
        message = f"max-pool '{node.name}' reads a concatenation of {names}, which need not fire together"
        yield Diagnostic("SNN333", message, node.loc, "pool each branch before they are joined")
    ports = len(population.neuron.ports)
    if ports > target.ports:
        message = (
            f"max-pool '{node.name}' needs {ports} in-ports a neuron to hear each position of its {_op(node).kernel} "
            f"window; {target.name} has {target.ports}"
        )
        hint = "pool in steps of smaller windows, or use fewer levels or another coding"
        yield Diagnostic("SNN331", message, node.loc, hint)


def pool_connections(
    node: Node, shape: tuple[int, ...], source: str, taps: Taps, gather: Array | None
) -> list[Connection]:
    """Return one connection for each in-port: a depthwise kernel that holds the weight of every tap."""
    op = _op(node)
    found = []
    for port, weights in taps.items():
        kernel = np.array(weights, dtype=np.int64).reshape(1, 1, *op.kernel)
        kernel = np.repeat(kernel, shape[0], axis=0)
        synapses = ConvSynapses(kernel, shape, op.strides, op.pads, op.dilations, shape[0])
        found.append(Connection(f"{node.name}.{port}", source, node.name, port, synapses, 1, gather, node.loc))
    return found


def _absent(node: Node, shape: tuple[int, ...], lo: int) -> dict[str, Array]:
    """Return for each tap an array over the neurons: lo where the tap lies outside the input, else 0."""
    op = _op(node)
    rank = len(op.kernel)
    absent: dict[str, Array] = {}
    for number, tap in enumerate(np.ndindex(*op.kernel)):
        outside = np.zeros(node.type.shape[1:], dtype=bool)
        for axis in range(rank):
            steps = np.arange(outside.shape[axis]) * op.strides[axis]
            at = steps + tap[axis] * op.dilations[axis] - op.pads[axis]
            missing = (at < 0) | (at >= shape[1 + axis])
            outside |= missing.reshape([-1 if a == axis else 1 for a in range(rank)])
        absent[f"absent{number}"] = (lo * outside.astype(np.int64))[None]
    return absent


def _op(node: Node) -> MaxPool:
    assert isinstance(node.op, MaxPool)
    return node.op
