"""A builder of small float graphs, and checks that passes keep their function."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snncc.compiler.diagnostics import Loc, SnnccError
from snncc.compiler.ir import FLOAT, Graph, Input, Node, Op, Stage, TensorType, check
from snncc.compiler.ir.curve import Curve
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
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from snncc.compiler.passes.base import Pass, run_passes
from snncc.compiler.passes.canonical import canonical_passes
from tests.compiler.passes.evaluate import evaluate

Float = npt.NDArray[np.float64]


class Net:
    """Builds an imported graph; each method adds a node and returns its name."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs: list[Input] = []
        self.nodes: dict[str, Node] = {}
        self.constants: dict[str, npt.NDArray[np.float32]] = {}
        self.types: dict[str, TensorType] = {}

    def input(self, *shape: int, name: str = "x") -> str:
        self.inputs.append(Input(name, TensorType(FLOAT, shape), Loc("net.onnx", name)))
        self.types[name] = self.inputs[-1].type
        return name

    def const(self, name: str, array: npt.ArrayLike) -> str:
        self.constants[name] = np.asarray(array, dtype=np.float32)
        self.types[name] = TensorType(FLOAT, self.constants[name].shape)
        return name

    def add(self, op: Op, *inputs: str, name: str = "") -> str:
        name = name or f"{op.name}{len(self.nodes)}"
        kind = op.infer(tuple(self.types[i] for i in inputs))
        self.nodes[name] = Node(name, op, inputs, kind, Loc("net.onnx", name, op.name))
        self.types[name] = kind
        return name

    def some(self, *shape: int) -> Float:
        """Return small dyadic numbers, most of them not zero, that float32 holds exactly."""
        return self.random.integers(-8, 9, shape) / 8

    def conv(
        self,
        x: str,
        out: int,
        kernel: int = 3,
        stride: int = 1,
        pad: int = 0,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = True,
        name: str = "",
    ) -> str:
        name = name or f"conv{len(self.nodes)}"
        channels, rank = self.types[x].shape[0], len(self.types[x].shape) - 1
        inputs = [x, self.const(f"{name}.w", self.some(out, channels // groups, *[kernel] * rank))]
        if bias:
            inputs.append(self.const(f"{name}.b", self.some(out)))
        op = Conv((stride,) * rank, (pad,) * 2 * rank, (dilation,) * rank, groups)
        return self.add(op, *inputs, name=name)

    def dense(self, x: str, out: int, name: str = "") -> str:
        name = name or f"dense{len(self.nodes)}"
        weight = self.const(f"{name}.w", self.some(out, *self.types[x].shape))
        return self.add(Dense(), x, weight, self.const(f"{name}.b", self.some(out)), name=name)

    def batch_norm(self, x: str, gamma: npt.ArrayLike | None = None, name: str = "") -> str:
        name, n = name or f"bn{len(self.nodes)}", self.types[x].shape[0]
        values = {
            "gamma": self.some(n) if gamma is None else np.broadcast_to(gamma, (n,)),
            "beta": self.some(n),
            "mean": self.some(n),
            "var": np.abs(self.some(n)) + 0.5,
        }
        inputs = [self.const(f"{name}.{key}", value) for key, value in values.items()]
        return self.add(BatchNorm(), x, *inputs, name=name)

    def affine(self, x: str, scale: npt.ArrayLike, shift: npt.ArrayLike, name: str = "") -> str:
        name, rank = name or f"affine{len(self.nodes)}", len(self.types[x].shape)
        parts = []
        for key, value in (("a", scale), ("b", shift)):
            array = np.asarray(value)
            parts.append(self.const(f"{name}.{key}", array.reshape(array.shape or (1,) * rank)))
        return self.add(Affine(), x, *parts, name=name)

    def relu(self, x: str, cap: float | None = None, name: str = "") -> str:
        return self.add(Relu(cap), x, name=name)

    def curve(self, x: str, kind: str, *parameters: float, name: str = "") -> str:
        return self.add(Curve(kind, parameters), x, name=name)

    def prelu(self, x: str, slope: npt.ArrayLike, name: str = "") -> str:
        name = name or f"prelu{len(self.nodes)}"
        return self.add(Curve("prelu"), x, self.const(f"{name}.slope", slope), name=name)

    def max_pool(self, x: str, kernel: int = 2, stride: int = 2, pad: int = 0, name: str = "") -> str:
        rank = len(self.types[x].shape) - 1
        op = MaxPool((kernel,) * rank, (stride,) * rank, (pad,) * 2 * rank, (1,) * rank)
        return self.add(op, x, name=name)

    def average_pool(
        self, x: str, kernel: int = 2, stride: int = 2, pad: int = 0, include: bool = False, name: str = ""
    ) -> str:
        rank = len(self.types[x].shape) - 1
        op = AveragePool((kernel,) * rank, (stride,) * rank, (pad,) * 2 * rank, include)
        return self.add(op, x, name=name)

    def pad(self, x: str, *pads: int, name: str = "") -> str:
        return self.add(Pad(pads), x, name=name)

    def slice(self, x: str, *cuts: tuple[int, int, int], name: str = "") -> str:
        """Add a slice of (start, stop, step) per axis."""
        starts, stops, steps = zip(*cuts, strict=True)
        return self.add(Slice(starts, stops, steps), x, name=name)

    def upsample(self, x: str, *factors: int, name: str = "") -> str:
        return self.add(Upsample(factors), x, name=name)

    def dilate(self, x: str, *steps: int, name: str = "") -> str:
        return self.add(Dilate(steps), x, name=name)

    def plus(self, *inputs: str, name: str = "") -> str:
        return self.add(Add(), *inputs, name=name)

    def concat(self, *inputs: str, axis: int = 0, name: str = "") -> str:
        return self.add(Concat(axis), *inputs, name=name)

    def reshape(self, x: str, *shape: int, name: str = "") -> str:
        return self.add(Reshape(shape or (self.types[x].size,)), x, name=name)

    def transpose(self, x: str, *perm: int, name: str = "") -> str:
        return self.add(Transpose(perm), x, name=name)

    def tail(self, x: str, kind: str = "softmax", name: str = "") -> str:
        return self.add(Tail(kind), x, name=name)

    def graph(self, *outputs: str) -> Graph:
        inputs, nodes = tuple(self.inputs), tuple(self.nodes.values())
        return check(Graph("net", Stage.IMPORTED, inputs, nodes, outputs, self.constants), "the test")


class Reference:
    """A graph evaluated on a few inputs, to compare later graphs with."""

    def __init__(self, graph: Graph) -> None:
        random = np.random.default_rng(1)
        self.inputs = [{i.name: random.uniform(-2, 2, i.type.shape) for i in graph.inputs} for _ in range(2)]
        self.wanted = [evaluate(graph, inputs) for inputs in self.inputs]
        self.last = graph

    def check(self, graph: Graph, tolerance: float = 2e-5) -> None:
        """Check that a graph computes the same function; only float32 rounding of constants may differ."""
        if graph == self.last:
            return
        self.last = graph
        for inputs, outputs in zip(self.inputs, self.wanted, strict=True):
            for wanted, got in zip(outputs, evaluate(graph, inputs), strict=True):
                assert wanted.shape == got.shape
                error = np.abs(got - wanted).max()
                assert error <= tolerance * (1 + np.abs(wanted).max()), f"off by {error} in\n{graph}"


def assert_same(before: Graph, after: Graph, tolerance: float = 2e-5) -> None:
    """Check that two graphs compute the same function."""
    Reference(before).check(after, tolerance)


def run(graph: Graph, *passes: Pass) -> Graph:
    """Return what passes make of a graph, having checked that it computes the same."""
    after = run_passes(graph, passes)
    assert_same(graph, after)
    return after


def canonical(graph: Graph) -> Graph:
    """Return the canonical graph, having checked that it computes the same."""
    return run(graph, *canonical_passes())


def codes(graph: Graph) -> list[str]:
    """Return the codes of all diagnostics the canonical passes report."""
    try:
        run_passes(graph, canonical_passes())
    except SnnccError as error:
        return [d.code for d in error.diagnostics]
    return []


def shape_of(graph: Graph) -> list[str]:
    """Return ``op(inputs)`` per node, without constants: what most tests compare."""
    lines = []
    for node in graph.nodes:
        data = [name for name in node.inputs if name not in graph.constants]
        lines.append(f"{node.name} = {node.op.name}({', '.join(data)})")
    return lines
