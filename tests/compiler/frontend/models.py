"""Small ONNX models for the tests, and the comparison with onnxruntime."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir import Graph
from snncc.compiler.ir.to_onnx import to_onnx

OPSETS = (7, 9, 11, 13, 18, 21)


def weight(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng((seed, *shape)).standard_normal(shape).astype(np.float32)


def node(kind: str, inputs: Sequence[str] | str, output: str = "y", **attributes: Any) -> onnx.NodeProto:
    names = inputs.split() if isinstance(inputs, str) else inputs
    return helper.make_node(kind, names, output.split(), **attributes)


def model(
    nodes: Sequence[onnx.NodeProto],
    shape: Sequence[int | str | None] = ("N", 2, 6, 6),
    weights: Mapping[str, np.ndarray] | None = None,
    *,
    opset: int = 18,
    outputs: str = "y",
    kind: int = TensorProto.FLOAT,
    inputs: Mapping[str, Sequence[int | str | None]] | None = None,
    out_kind: int | None = None,
    weights_are_inputs: bool = False,
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    """A model with input x (or several), whose outputs carry no shape."""
    values = [helper.make_tensor_value_info(n, kind, s) for n, s in (inputs or {"x": shape}).items()]
    tensors = [numpy_helper.from_array(array, name) for name, array in (weights or {}).items()]
    if weights_are_inputs:
        values += [helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in tensors]
    kinds = out_kind or (kind if kind in (TensorProto.DOUBLE, TensorProto.FLOAT16) else TensorProto.FLOAT)
    results = [helper.make_tensor_value_info(name, kinds, None) for name in outputs.split()]
    graph = helper.make_graph(list(nodes), "net", values, results, tensors)
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    return helper.make_model(graph, opset_imports=imports, ir_version=3 if weights_are_inputs else 8)


def run(proto: onnx.ModelProto, feeds: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return [np.asarray(value) for value in session.run(None, dict(feeds))]


def agrees(proto: onnx.ModelProto, batch: int = 3) -> Graph:
    """Import a model and compare it, batch open, with onnxruntime on a batch of its own."""
    graph = import_onnx(proto)
    rng = np.random.default_rng(7)
    feeds = {i.loc.name: rng.standard_normal((batch, *i.type.shape)).astype(np.float32) for i in graph.inputs}
    wanted = run(proto, feeds)
    found = run(to_onnx(graph), {i.name: feeds[i.loc.name] for i in graph.inputs})
    assert len(wanted) == len(found)
    for want, have in zip(wanted, found, strict=True):
        np.testing.assert_allclose(have, want, rtol=1e-5, atol=1e-5)
    return graph


def codes(error: Any) -> list[str]:
    return [d.code for d in error.value.diagnostics]


def after_conv(*nodes: Any, opset: int = 18, channels: int = 4, weights: Any = None, size: int = 7) -> Graph:
    """Import a Conv on [N, 2, size, size] followed by nodes that read h."""
    first = node("Conv", "x w", "h", pads=[1, 1, 1, 1])
    given = {"w": weight(channels, 2, 3, 3), **(weights or {})}
    return agrees(model([first, *nodes], ("N", 2, size, size), given, opset=opset))


def kinds(graph: Graph) -> list[str]:
    return [n.op.name for n in graph.nodes]
