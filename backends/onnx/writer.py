"""Collects the nodes, constants and value names of an ONNX graph, and makes a model of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from snncc.backends.golden import layer_of
from snncc.compiler.diagnostics import Loc
from snncc.compiler.frontend.naming import NameTable
from snncc.compiler.ir.graph import Array

OPSET, IR_VERSION = 17, 8
BATCH = "N"


class Writer:
    """Nodes and constants under construction.

    Attributes:
        names: gives every value a name of letters, digits, ``_`` and ``.``.
        nodes: in def-before-use order, each named after its result.
        constants: tensors by name.
        layers: the user's layer that a constant belongs to, escaped, by the constant's name.
    """

    def __init__(self, names: NameTable) -> None:
        self.names = names
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, TensorProto] = {}
        self.layers: dict[str, str] = {}
        self._layer = "-"

    def begin(self, loc: Loc) -> None:
        """Say which of the user's layers the nodes and constants to come belong to."""
        self._layer = layer_of(loc)

    def constant(self, name: str, values: Array) -> str:
        """Add a constant and return its name, which is like the one given."""
        name = self.names.unique(name)
        self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name)
        self.layers[name] = self._layer
        return name

    def emit(self, kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Append a node and return the name of its result, which is that given."""
        doc = f"layer {self._layer}"
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, doc_string=doc, **attributes))
        return output

    def value(self, kind: str, inputs: Sequence[str], name: str, **attributes: Any) -> str:
        """Append a node and return the name of its result, which is like the one given."""
        return self.emit(kind, inputs, self.names.unique(name), **attributes)


def tensor(name: str, shape: Sequence[int], kind: int = TensorProto.INT32) -> onnx.ValueInfoProto:
    """Return the declaration of a value [N, *shape]."""
    return helper.make_tensor_value_info(name, kind, [BATCH, *shape])


def model_bytes(
    name: str,
    parts: Sequence[Writer],
    inputs: Sequence[onnx.ValueInfoProto],
    outputs: Sequence[onnx.ValueInfoProto],
    values: Iterable[onnx.ValueInfoProto] = (),
) -> bytes:
    """Return a model that runs the nodes of some writers one after the other; equal ones give equal bytes.

    Args:
        name: of the graph.
        parts: the writers.
        inputs: what is fed.
        outputs: what is given back.
        values: declarations of inner values; those that are fed or given back are left out.
    """
    nodes = [node for part in parts for node in part.nodes]
    constants = [constant for part in parts for constant in part.constants.values()]
    ends = {end.name for end in (*inputs, *outputs)}
    inner = [value for value in values if value.name not in ends]
    graph = helper.make_graph(nodes, name, inputs, outputs, constants, value_info=inner)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="snncc")
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def checksums(writer: Writer, *models: str) -> list[dict[str, Any]]:
    """Return name, layer, models and SHA-256 (of the serialized tensor, as it stands in a model) of every constant."""
    return [
        {"name": name, "layer": writer.layers[name], "models": list(models), "sha256": hashlib.sha256(data).hexdigest()}
        for name, constant in writer.constants.items()
        if (data := constant.SerializeToString(deterministic=True))
    ]
