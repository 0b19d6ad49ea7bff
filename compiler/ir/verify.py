"""Structure and legality: what must hold of a graph at each stage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, InternalError
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.integer_ops import Encode, EncodeEven, Fire, Ladder, Readout
from snncc.compiler.ir.ops import (
    Add,
    Affine,
    AveragePool,
    BatchNorm,
    Concat,
    Conv,
    Dense,
    MaxPool,
    Pad,
    Relu,
    Reshape,
    Tail,
    Transpose,
)
from snncc.compiler.ir.quantizer import IntegerWeight, Quantizer
from snncc.compiler.ir.types import CHARGE, FLOAT, LEVEL
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

_SHARED = {Conv, Dense, MaxPool, Reshape, Transpose, Concat, Slice, Upsample, Dilate, Pad}
LEGAL: dict[Stage, frozenset[type]] = {
    Stage.IMPORTED: frozenset(
        _SHARED | {Add, Affine, AveragePool, BatchNorm, Curve, IntegerWeight, Quantizer, Relu, Tail}
    ),
    Stage.CANONICAL: frozenset(_SHARED | {Add, AveragePool, Curve, Relu}),
    Stage.QUANTIZED: frozenset(_SHARED | {Encode, EncodeEven, Fire, Ladder, Readout}),
}
_DTYPES = {Stage.IMPORTED: {FLOAT}, Stage.CANONICAL: {FLOAT}, Stage.QUANTIZED: {FLOAT, LEVEL, CHARGE}}


def verify(graph: Graph) -> list[Diagnostic]:
    """Return every broken rule of the graph's stage; an empty list means the graph is well formed."""
    return [*_structure(graph), *_constants(graph), *_shape_of_stage(graph)]


def check(graph: Graph, maker: str) -> Graph:
    """Return the graph if it is well formed.

    Raises:
        InternalError: it is not; the message names what made it, lists the broken rules and prints the graph.
    """
    if problems := verify(graph):
        listed = "\n".join(map(str, problems))
        raise InternalError(f"{maker} broke its promise:\n{listed}\non:\n{graph}")
    return graph


def _structure(graph: Graph) -> Iterator[Diagnostic]:
    types = {i.name: i.type for i in graph.inputs}
    types |= {name: t for name, t in graph.types.items() if name in graph.constants}
    for node in graph.nodes:
        if node.name in types:
            yield _bad(node, "is defined twice")
        if type(node.op) not in LEGAL[graph.stage] or node.type.dtype not in _DTYPES[graph.stage]:
            yield _bad(node, f"is not legal in a {graph.stage.value} graph")
        missing = [name for name in node.inputs if name not in types]
        if missing:
            yield _bad(node, f"reads {missing}, not defined before it")
        else:
            yield from _typed(node, types)
        types[node.name] = node.type
    for name in graph.outputs:
        if name not in types:
            yield Diagnostic("SNN010", f"output %{name} is not defined")
    if not graph.outputs or not graph.inputs:
        yield Diagnostic("SNN010", "a graph needs at least one input and one output")


def _typed(node: Node, types: dict) -> Iterator[Diagnostic]:  # type: ignore[type-arg]
    try:
        inferred = node.op.infer(tuple(types[name] for name in node.inputs))
    except ValueError as error:
        yield _bad(node, str(error))
    else:
        if inferred != node.type:
            yield _bad(node, f"has type {node.type}, inference gives {inferred}")


def _constants(graph: Graph) -> Iterator[Diagnostic]:
    integers = graph.stage is Stage.QUANTIZED
    for name, array in graph.constants.items():
        if integers and array.dtype != np.int64:
            yield Diagnostic("SNN010", f"constant @{name} is {array.dtype}, a quantized graph holds int64 only")
        if not integers and array.dtype != np.float32:
            yield Diagnostic("SNN010", f"constant @{name} is {array.dtype}, a float graph holds float32 only")


def _shape_of_stage(graph: Graph) -> Iterator[Diagnostic]:
    if graph.stage is Stage.CANONICAL:
        yield from _canonical(graph)
    if graph.stage is Stage.QUANTIZED:
        for node in graph.nodes:
            theta = graph.constants.get(node.inputs[-1]) if isinstance(node.op, Fire) else None
            if theta is not None and int(theta.min()) < 1:
                yield _bad(node, "has a threshold below 1")


def _canonical(graph: Graph) -> Iterator[Diagnostic]:
    """Check that activations, Adds and outputs read weighted sums, and everything else reads levels."""
    nodes = graph.node
    sums: set[str] = set()
    for node in graph.nodes:
        if is_charge(node, nodes) or (node.op.view and node.inputs[0] in sums):
            sums.add(node.name)  # a view of a sum is for outputs alone
        yield from _canonical_reader(node, nodes, sums)
        yield from _canonical_op(node, nodes)
    for name in graph.outputs:
        if name not in sums:
            yield Diagnostic("SNN010", f"output %{name} is no weighted sum")


def _canonical_reader(node: Node, nodes: dict[str, Node], sums: set[str]) -> Iterator[Diagnostic]:
    """Check that a node reads sums or levels, as its op wants."""
    if isinstance(node.op, (Relu, Curve)):
        if not is_charge(nodes.get(node.inputs[0]), nodes):
            yield _bad(node, "reads no weighted sum")
    elif isinstance(node.op, Add):
        if not is_charge(node, nodes):
            yield _bad(node, "adds what is no convolution or dense layer")
    elif not node.op.view and not sums.isdisjoint(node.inputs):
        yield _bad(node, "reads a weighted sum with no activation between")


def _canonical_op(node: Node, nodes: dict[str, Node]) -> Iterator[Diagnostic]:
    """Check what depends on the kind of op."""
    if isinstance(node.op, Curve) and node.op.kind == "hard_sigmoid":
        yield _bad(node, "is a capped ReLU of a scaled sum")
    if isinstance(node.op, AveragePool) and any(node.op.pads) and not node.op.count_include_pad:
        yield _bad(node, "averages over fewer positions where it is padded")
    if isinstance(node.op, (AveragePool, MaxPool)) and len(level_sources(nodes, node.inputs[0])) > 1:
        yield _bad(node, "pools levels of several scales")


def is_charge(node: Node | None, nodes: dict[str, Node]) -> bool:
    """Return whether a float node is a weighted sum: a linear op, or an Add of linear ops."""
    if node is None:
        return False
    if isinstance(node.op, Add):
        return all(name in nodes and nodes[name].op.linear for name in node.inputs)
    return node.op.linear


def level_sources(nodes: Mapping[str, Node], name: str) -> set[str]:
    """Return the inputs, activations and average pools of a float graph whose levels a value shows."""
    node = nodes.get(name)
    if node is None or not (node.op.view or node.op.selects or isinstance(node.op, (MaxPool, Concat))):
        return {name}
    return {source for below in node.inputs for source in level_sources(nodes, below)}


def _bad(node: Node, message: str) -> Diagnostic:
    return Diagnostic("SNN010", f"%{node.name} ({node.op.name}) {message}", node.loc)
