"""What a quantized model's own runtime computes: the integers of every quantizer of an activation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from snncc.compiler.ir.graph import Graph
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder
from snncc.compiler.program import Program
from snncc.runtime.reference import encode, execute

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
BATCH = 50


def in_onnxruntime(proto: onnx.ModelProto, x: Floats, optimized: bool = False) -> dict[str, Ints]:
    """Return integers minus zero point by the name of each QuantizeLinear of a float value, int64 [samples, *shape].

    Args:
        proto: a model with one input.
        x: what it is fed.
        optimized: let onnxruntime replace its float operators by integer kernels; else it runs what the file says.
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in copy.graph.initializer}
    nodes = [n for n in copy.graph.node if n.op_type == "QuantizeLinear" and n.input[0] not in constants]
    copy.graph.output.extend(helper.make_empty_tensor_value_info(n.output[0]) for n in nodes)
    found = _run(copy, x, [n.output[0] for n in nodes], optimized)
    zeros = [int(np.ravel(constants[n.input[2]])[0]) if len(n.input) > 2 else 0 for n in nodes]
    return {n.name: a.astype(np.int64) - z for n, a, z in zip(nodes, found, zeros, strict=True)}


def _run(proto: onnx.ModelProto, x: Floats, names: list[str], optimized: bool) -> list[npt.NDArray[np.generic]]:
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if optimized else levels.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = proto.graph.input[0]
    size = feed.type.tensor_type.shape.dim[0].dim_value or BATCH
    runs = [session.run(names, {feed.name: x[i : i + size]}) for i in range(0, len(x), size)]
    return [np.concatenate(parts) for parts in zip(*runs, strict=True)]


def float_values(proto: onnx.ModelProto, x: Floats, names: list[str]) -> dict[str, Floats]:
    """Return float values of a model by name, as onnxruntime computes them without optimizations."""
    copy = onnx.ModelProto()
    copy.CopyFrom(proto)
    del copy.graph.output[:]
    copy.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    found = _run(copy, x, names, optimized=False)
    return {name: np.asarray(a, np.float32) for name, a in zip(names, found, strict=True)}


def in_qonnx(proto: onnx.ModelProto, x: Floats) -> dict[str, Ints]:
    """Return integers minus zero point by the name of each Quant of an activation, as qonnx's executor computes them.

    Args:
        proto: a model with one input, whose batch is open or 1.
        x: what it is fed, one sample at a time.
    """
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    model = ModelWrapper(proto).transform(InferShapes())
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    nodes = [n for n in model.graph.node if n.op_type == "Quant" and n.input[0] not in constants]
    feed, parts = model.graph.input[0].name, [list[npt.NDArray[np.generic]]() for _ in nodes]
    for sample in x:
        context = execute_onnx(model, {feed: sample[None]}, return_full_exec_context=True)
        for part, node in zip(parts, nodes, strict=True):
            part.append(np.rint(context[node.output[0]].astype(np.float64) / constants[node.input[1]].item()))
    return {n.name: np.concatenate(p).astype(np.int64) for n, p in zip(nodes, parts, strict=True)}


def of_program(program: Program, x: Floats) -> dict[str, Ints]:
    """Return the levels of every population of a program with one input, by its node in the integer network."""
    assert program.origin is not None
    network = program.origin.network
    return execute(network, encode(network, {network.inputs[0].name: x}))


def differing(program: Program, theirs: dict[str, Ints], x: Floats) -> dict[str, int]:
    """Return how many integers differ, by the name of the model's quantizer; quantizers that do nothing are left out.

    A quantizer does nothing where its levels are those of the value it reads, as after a max-pool.
    """
    assert program.origin is not None
    ours, network = of_program(program, x), program.origin.network
    places, counts = _places(network), dict[str, int]()
    for name, values in theirs.items():
        if name in places:
            shown = shown_with(network, ours, places[name], values.size).reshape(values.shape)
            counts[name] = int(np.count_nonzero(shown != values))
    return counts


def shown_with(network: Graph, ours: dict[str, Ints], name: str, size: int) -> Ints:
    """Return the levels of a population, or those of the pool or view behind which the model has its quantizer.

    Args:
        network: the integer network.
        ours: all its values.
        name: the population.
        size: number of integers that the model's quantizer gives.
    """
    while ours[name].size != size:
        name = next(node.name for node in network.nodes if name in node.inputs and node.name in ours)
    return ours[name]


def _places(network: Graph) -> dict[str, str]:
    """Return the node of an integer network that shows each quantizer of the model, by the quantizer's name."""
    kinds = Encode | Fire | Ladder
    return {node.loc.name: node.name for node in network.nodes if isinstance(node.op, kinds)}
