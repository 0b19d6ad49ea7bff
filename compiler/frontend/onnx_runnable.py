"""QONNX's quantizers as the standard operators they are made of, so that onnxruntime can run a model with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import onnx
from onnx import helper, numpy_helper

from snncc.compiler.frontend.onnx_context import Refusal
from snncc.compiler.frontend.onnx_quantizers import QONNX, quant_range
from snncc.compiler.ir.graph import Array

_ROUNDS = {"half_even": "Round", "ceil": "Ceil", "floor": "Floor"}


def runnable(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model itself where it has no such quantizers, else a copy that computes the same without them.

    Quantizers whose width is no constant, or that are not supported, stay.
    """
    if not any(node.domain in QONNX for node in proto.graph.node):
        return proto
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    known = {tensor.name: numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for node in proto.graph.node:
        if node.op_type == "Constant" and node.attribute and node.attribute[0].name == "value":
            known[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    del copy.graph.node[:]
    for number, node in enumerate(proto.graph.node):
        copy.graph.node.extend(_plain(node, known, f"{node.output[0]}.snncc{number}"))
    return copy


def _plain(node: onnx.NodeProto, known: Mapping[str, Array], name: str) -> list[onnx.NodeProto]:
    """Return the standard nodes that a node is made of; the node itself where it is one."""
    if node.domain not in QONNX:
        return [node]
    if node.op_type == "BipolarQuant":
        return [*_signs(node.input[0], name), _make("Mul", (f"{name}.rounded", node.input[1]), node.output[0])]
    if node.op_type not in ("Quant", "IntQuant") or node.input[3] not in known:
        return [node]
    try:
        bits = float(np.ravel(known[node.input[3]])[0])
        told = {a.name: a.s.decode() if a.type == a.STRING else a.i for a in node.attribute}
        least, most, rounding = quant_range(told, bits)
    except Refusal:
        return [node]  # the import tells why
    x, scale, zero = node.input[:3]
    head = [_make("Div", (x, scale), f"{name}.divided"), _make("Add", (f"{name}.divided", zero), f"{name}.moved")]
    if rounding == "sign":
        middle = [*_signs(f"{name}.moved", name), _make("Identity", (f"{name}.rounded",), f"{name}.held")]
    else:
        middle = [*_rounded(rounding, name), *_clipped(least, most, name)]
    tail = [_make("Sub", (f"{name}.held", zero), f"{name}.back"), _make("Mul", (f"{name}.back", scale), node.output[0])]
    return [*head, *middle, *tail]


def _rounded(rounding: str, name: str) -> Iterator[onnx.NodeProto]:
    """Yield the nodes from ``moved`` to ``rounded``."""
    if rounding in _ROUNDS:
        yield _make(_ROUNDS[rounding], (f"{name}.moved",), f"{name}.rounded")
        return
    yield _make("Abs", (f"{name}.moved",), f"{name}.size")
    size = f"{name}.size"
    if rounding.startswith("half"):
        yield _number(0.5, f"{name}.half")
        yield _make("Add" if rounding == "half_away" else "Sub", (size, f"{name}.half"), f"{name}.nudged")
        size = f"{name}.nudged"
    yield _make("Floor" if rounding in ("half_away", "down") else "Ceil", (size,), f"{name}.whole")
    yield _make("Sign", (f"{name}.moved",), f"{name}.sign")
    yield _make("Mul", (f"{name}.whole", f"{name}.sign"), f"{name}.rounded")


def _clipped(least: int, most: int, name: str) -> Iterator[onnx.NodeProto]:
    """Yield the nodes from ``rounded`` to ``held``."""
    yield _number(least, f"{name}.least")
    yield _number(most, f"{name}.most")
    yield _make("Clip", (f"{name}.rounded", f"{name}.least", f"{name}.most"), f"{name}.held")


def _signs(value: str, name: str) -> Iterator[onnx.NodeProto]:
    """Yield the nodes that make ``rounded`` 1 where a value is not negative, else -1."""
    for number, role in ((0.0, "nothing"), (1.0, "one"), (-1.0, "minus")):
        yield _number(number, f"{name}.{role}")
    yield _make("GreaterOrEqual", (value, f"{name}.nothing"), f"{name}.positive")
    yield _make("Where", (f"{name}.positive", f"{name}.one", f"{name}.minus"), f"{name}.rounded")


def _make(kind: str, inputs: tuple[str, ...], output: str) -> onnx.NodeProto:
    return helper.make_node(kind, list(inputs), [output], name=output)


def _number(number: float, name: str) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.array(number, np.float32)))
