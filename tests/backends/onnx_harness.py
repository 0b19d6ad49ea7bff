"""What the tests of the ONNX backend share: programs around integer networks, their artifacts, and the comparison."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

from snncc.backends.artifact import write_artifact
from snncc.backends.golden import shown_nodes, write_golden_levels
from snncc.backends.onnx.backend import OnnxBackend
from snncc.compiler.ir import Graph
from snncc.compiler.ir.integer_ops import Encode
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import Origin, Population, Program, TensorInput
from snncc.compiler.trace import Feed
from snncc.runtime.reference import execute
from tests.integer_nets import random_levels

Ints = npt.NDArray[np.int64]
BACKEND = OnnxBackend()


def program_of(graph: Graph) -> Program:
    """Return a program that holds an integer network, and neurons for its inputs alone: the backend needs no more."""
    inputs = [
        TensorInput(node.inputs[0], node.name, "add", node.type.shape, node.op.lo, node.op.hi, Fraction(node.op.scale))
        for node in graph.nodes
        if isinstance(node.op, Encode)
    ]
    still = parse_neuron("port add\nstate v:32\nv = copy in.add")
    populations = tuple(Population(i.population, i.shape, still, {}) for i in inputs)
    return Program("net", "loihi2", 1, populations, (), tuple(inputs), (), Origin(graph, b""))


def emit(graph: Graph, folder: Path, samples: int = 6) -> dict[str, Ints]:
    """Emit a network with golden vectors of random levels, and return those."""
    levels = random_levels(graph, samples)
    values = execute(graph, levels)
    write_artifact(BACKEND, program_of(graph), folder, lambda part: write_golden_levels(graph, values, part))
    return levels


def feed_of(graph: Graph, levels: Mapping[str, Ints]) -> Feed:
    """Return a feed of samples, given by encode node."""
    nodes = {node.inputs[0]: node.name for node in graph.nodes if isinstance(node.op, Encode)}
    return Feed(0, {}, {name: levels[node].reshape(len(levels[node]), -1) for name, node in nodes.items()})


def assert_same_levels(graph: Graph, artifact: Path, levels: Mapping[str, Ints]) -> int:
    """Demand of every node what the integer executor gives on every sample; return how many values agreed."""
    expected = execute(graph, levels)
    told = [node.name for node in shown_nodes(graph)]
    samples = list(BACKEND.run(artifact, feed_of(graph, levels)))
    assert len(samples) == len(next(iter(levels.values())))
    count = 0
    for name in told:
        found = np.stack([sample[name].spikes for sample in samples])
        assert found.dtype == np.int64
        assert np.array_equal(found, np.stack([sample[name].membrane for sample in samples]))
        wanted = expected[name].reshape(len(samples), -1, 1)
        assert np.array_equal(found, wanted), (name, np.argwhere(found != wanted)[0])
        count += wanted.size
    assert samples[0].keys() == set(told)
    return count


def check_models(artifact: Path) -> dict[str, onnx.ModelProto]:
    """Return both models of an artifact, having put them through ONNX's checker and strict shape inference."""
    found = {}
    for name in ("network.onnx", "levels.onnx"):
        found[name] = onnx.load(artifact / name)
        onnx.checker.check_model(found[name], full_check=True)
        onnx.shape_inference.infer_shapes(found[name], check_type=True, strict_mode=True, data_prop=True)
    return found
