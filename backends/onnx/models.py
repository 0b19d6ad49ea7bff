"""The two models of an artifact, which hold the same integer network, and what manifest.json says of them.

network.onnx    float32 inputs -> levels -> charges -> int32 and float32 outputs
levels.onnx     int32 levels of the inputs -> int32 levels of every node, charges at the outputs
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from onnx import TensorProto

from snncc.backends.golden import layer_of, shown_nodes
from snncc.backends.onnx.core import Core
from snncc.backends.onnx.forms import readout_of
from snncc.backends.onnx.network import write_network
from snncc.backends.onnx.ranges import charge_ranges
from snncc.backends.onnx.writer import IR_VERSION, OPSET, Writer, checksums, model_bytes, tensor
from snncc.compiler.frontend.naming import NameTable
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, EncodeEven
from snncc.compiler.ir.types import LEVEL

NETWORK, LEVELS = "network.onnx", "levels.onnx"


@dataclass(frozen=True)
class Names:
    """What values are called in the models.

    Attributes:
        table: where all of these are taken.
        inputs: float input by encode node.
        integers: int32 output by label.
        reals: float32 output by label.
        nodes: int32 value by node; at an output it is one of ``integers``.
    """

    table: NameTable
    inputs: dict[str, str]
    integers: dict[str, str]
    reals: dict[str, str]
    nodes: dict[str, str]


def models(graph: Graph) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the bytes of the models by file name, and facts for the manifest.

    Args:
        graph: a QUANTIZED graph in which ``check`` finds nothing.
    """
    names = _names(graph)
    core = write_network(graph, names.table, names.nodes)
    encoders, decoders = _encoders(graph, names), _decoders(graph, names)
    shapes = [tensor(names.nodes[node.name], node.type.shape) for node in graph.nodes]
    floats = [tensor(names.inputs[node.name], node.type.shape, TensorProto.FLOAT) for node in _encoded(graph)]
    levels = [tensor(names.nodes[node.name], node.type.shape) for node in _encoded(graph)]
    told = [tensor(names.nodes[node.name], node.type.shape) for node in told_nodes(graph)]
    results = [
        tensor(made[label], graph.types[value].shape, kind)
        for label, value in graph.named_outputs.items()
        for made, kind in ((names.integers, TensorProto.INT32), (names.reals, TensorProto.FLOAT))
    ]
    files = {
        NETWORK: model_bytes("network", [encoders, core, decoders], floats, results, shapes),
        LEVELS: model_bytes("levels", [core], levels, told, shapes),
    }
    constants = [*checksums(core, LEVELS, NETWORK), *(c for w in (encoders, decoders) for c in checksums(w, NETWORK))]
    return files, _facts(graph, names, core, constants)


def told_nodes(graph: Graph) -> list[Node]:
    """Return the nodes that levels.onnx gives: all that golden.npz shows but the inputs."""
    return [node for node in shown_nodes(graph) if not isinstance(node.op, Encode)]


def _encoded(graph: Graph) -> list[Node]:
    return [node for node in graph.nodes if isinstance(node.op, Encode)]


def _names(graph: Graph) -> Names:
    table = NameTable()
    floats = {i.name: table.unique(i.name) for i in graph.inputs}
    inputs = {node.name: floats[node.inputs[0]] for node in _encoded(graph)}
    reals = {label: table.unique(label) for label in graph.named_outputs}
    integers = {label: table.unique(f"{reals[label]}_integer") for label in graph.named_outputs}
    first = {value: label for label, value in reversed(graph.named_outputs.items())}
    nodes = {
        node.name: integers[first[node.name]] if node.name in first else table.unique(node.name) for node in graph.nodes
    }
    return Names(table, inputs, integers, reals, nodes)


def _encoders(graph: Graph, names: Names) -> Writer:
    """Write q = clip(floor(x / scale + 1/2), lo, hi) in float64, which ``snncc run`` computes it in; see EncodeEven."""
    writer = Writer(names.table)
    for node in _encoded(graph):
        assert isinstance(node.op, Encode)
        name = names.nodes[node.name]
        writer.begin(node.loc)
        if isinstance(node.op, EncodeEven):
            _even_encoder(writer, node.op, name, names.inputs[node.name])
            continue
        scale, half, lo, hi = (
            writer.constant(f"{name}.{role}", np.array(value, np.float64))
            for role, value in (("scale", node.op.scale), ("half", 0.5), ("lo", node.op.lo), ("hi", node.op.hi))
        )
        value = writer.value("Cast", [names.inputs[node.name]], f"{name}.double", to=TensorProto.DOUBLE)
        value = writer.value("Div", [value, scale], f"{name}.double")
        value = writer.value("Add", [value, half], f"{name}.double")
        value = writer.value("Floor", [value], f"{name}.double")
        value = writer.value("Clip", [value, lo, hi], f"{name}.double")
        writer.emit("Cast", [value], name, to=TensorProto.INT32)
    return writer


def _even_encoder(writer: Writer, op: EncodeEven, name: str, source: str) -> None:
    """Write q = clip(round(x / scale), lo, hi) in float32."""
    scale, lo, hi = (
        writer.constant(f"{name}.{role}", np.array(getattr(op, role), np.float32)) for role in ("scale", "lo", "hi")
    )
    value = writer.value("Round", [writer.value("Div", [source, scale], f"{name}.steps")], f"{name}.steps")
    writer.emit("Cast", [writer.value("Clip", [value, lo, hi], f"{name}.steps")], name, to=TensorProto.INT32)


def _decoders(graph: Graph, names: Names) -> Writer:
    """Write the real value of each output: charge times scale in float64, rounded once to float32."""
    writer = Writer(names.table)
    for label, value in graph.named_outputs.items():
        node = graph.node[value]
        name, integer = names.reals[label], names.integers[label]
        writer.begin(node.loc)
        if integer != names.nodes[value]:  # one value under two labels
            writer.emit("Identity", [names.nodes[value]], integer)
        scale = writer.constant(f"{name}.scale", np.array(readout_of(graph, value).scale, np.float64))
        real = writer.value("Cast", [integer], f"{name}.double", to=TensorProto.DOUBLE)
        real = writer.value("Mul", [real, scale], f"{name}.double")
        writer.emit("Cast", [real], name, to=TensorProto.FLOAT)
    return writer


def _facts(graph: Graph, names: Names, core: Core, constants: list[dict[str, Any]]) -> dict[str, Any]:
    charges = charge_ranges(graph)
    return {
        "opset": OPSET,
        "ir_version": IR_VERSION,
        "parameters": sum(values.size for values in graph.constants.values()),
        "constant_bytes": sum(len(constant.raw_data) for constant in core.constants.values()),
        "inputs": [_input(node, names) for node in _encoded(graph)],
        "values": [_value(node, names.nodes[node.name], charges) for node in told_nodes(graph)],
        "outputs": [
            {
                "name": label,
                "node": value,
                "integer": names.integers[label],
                "real": names.reals[label],
                "scale": str(Fraction(readout_of(graph, value).scale)),
            }
            for label, value in graph.named_outputs.items()
        ],
        "constants": constants,
    }


def _input(node: Node, names: Names) -> dict[str, Any]:
    op = node.op
    assert isinstance(op, Encode)
    return {
        "name": node.inputs[0],
        "node": node.name,
        "real": names.inputs[node.name],
        "levels": names.nodes[node.name],
        "shape": list(node.type.shape),
        "lo": op.lo,
        "hi": op.hi,
        "scale": str(Fraction(op.scale)),
    }


def _value(node: Node, name: str, charges: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Describe a value of levels.onnx; ``charge`` is the least and greatest accumulator, by interval arithmetic."""
    entry: dict[str, Any] = {"node": node.name, "value": name, "layer": layer_of(node.loc)}
    entry |= {"shape": list(node.type.shape)}
    if node.type.dtype == LEVEL:
        entry |= {"lo": node.type.lo, "hi": node.type.hi}
    if node.name in charges:
        entry |= {"charge": list(charges[node.name])}
    return entry
