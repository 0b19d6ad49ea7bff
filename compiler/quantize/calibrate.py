"""Run pieces of a float graph on calibration data, through onnxruntime, in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Input, Node, rebuild
from snncc.compiler.ir.to_onnx import to_onnx
from snncc.compiler.ir.types import FLOAT, TensorType
from snncc.compiler.quantize.layers import fired_sources, path

Floats = npt.NDArray[np.float32]
BATCH = 64
MOST_VALUES = 1 << 26  # activations of one layer that are held at a time, 256 MB in float32


def session(graph: Graph, extra_outputs: Sequence[str] = ()) -> object:
    """Return an onnxruntime session of a float graph; outputs are the graph's, then the extra ones."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 3
    model = to_onnx(graph, extra_outputs).SerializeToString()
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def batches(samples: int) -> Iterator[slice]:
    """Yield slices that cover the samples."""
    for begin in range(0, samples, BATCH):
        yield slice(begin, min(begin + BATCH, samples))


def run(graph: Graph, inputs: Mapping[str, Array], outputs: Sequence[str] = ()) -> dict[str, Floats]:
    """Return outputs of a float graph for all samples, float32 [samples, *shape] by name.

    Args:
        graph: a float graph.
        inputs: [samples, *shape] by input name.
        outputs: names of the values wanted; the graph's own outputs by default.
    """
    wanted = list(outputs or graph.outputs)
    runner = session(graph, [name for name in wanted if name not in graph.outputs])
    pieces: list[list[Floats]] = []
    for part in batches(len(next(iter(inputs.values())))):
        feed = {name: np.asarray(array[part], dtype=np.float32) for name, array in inputs.items()}
        pieces.append(runner.run(wanted, feed))  # type: ignore[attr-defined]
    return {name: np.concatenate([piece[i] for piece in pieces]) for i, name in enumerate(wanted)}


def charge_means(graph: Graph, inputs: Mapping[str, Array], names: Sequence[str]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the mean of each named value over samples and positions, float64 [channels], without holding it."""
    runner = session(graph, [name for name in names if name not in graph.outputs])
    samples = len(next(iter(inputs.values())))
    sums: dict[str, npt.NDArray[np.float64]] = {}
    for part in batches(samples):
        feed = {name: np.asarray(array[part], dtype=np.float32) for name, array in inputs.items()}
        for name, value in zip(names, runner.run(list(names), feed), strict=True):  # type: ignore[attr-defined]
            total = value.reshape(*value.shape[:2], -1).mean(axis=2, dtype=np.float64).sum(axis=0)
            sums[name] = sums.get(name, 0) + total
    return {name: total / samples for name, total in sums.items()}


def sources_of(graph: Graph, target: str) -> tuple[str, ...]:
    """Return the fired values that a charge or pool is computed from."""
    node = graph.node[target]
    names = [s for i in node.inputs if i not in graph.constants for s in _above(graph, i)]
    return tuple(dict.fromkeys(names))


def _above(graph: Graph, name: str) -> tuple[str, ...]:
    node = graph.node.get(name)
    return sources_of(graph, name) if node is not None and node.op.linear else fired_sources(graph, name)


def piece(graph: Graph, target: str, weights: Mapping[str, Array]) -> Graph:
    """Return the part of a graph that computes a charge from the fired values behind it.

    Args:
        graph: a CANONICAL graph.
        target: name of the charge, or of an average pool.
        weights: other values for some constants.
    """
    sources = sources_of(graph, target)
    types = graph.types
    inputs = tuple(Input(name, TensorType(FLOAT, types[name].shape)) for name in sources)
    nodes: tuple[Node, ...] = path(graph, target)
    constants = {**graph.constants, **weights}
    return rebuild(replace(graph, inputs=inputs), nodes, constants, outputs=(target,))


def limited(graph: Graph, data: Mapping[str, Array]) -> dict[str, Array]:
    """Return as many calibration samples as keep the largest layer's activations within MOST_VALUES."""
    largest = max(node.type.size for node in graph.nodes)
    most = max(8, MOST_VALUES // max(largest, 1))
    return {name: np.asarray(array[:most], dtype=np.float32) for name, array in data.items()}
