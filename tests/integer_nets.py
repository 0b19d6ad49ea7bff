"""Quantized graphs to test with: a builder, and random ones for hypothesis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir import FLOAT, Graph, Input, Node, Op, Stage, TensorType, check
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder, Readout
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

Ints = npt.NDArray[np.int64]
MOST_MOVED = 200  # elements of a value that is moved


class IntegerNet:
    """Builds a quantized graph; each method adds a node and returns its name."""

    def __init__(self, seed: int = 0) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs: list[Input] = []
        self.nodes: dict[str, Node] = {}
        self.constants: dict[str, Ints] = {}
        self.types: dict[str, TensorType] = {}

    def input(self, *shape: int, lo: int = 0, hi: int = 3, scale: float = 1.0, name: str = "x") -> str:
        """Add an input and its encode node, whose name is returned."""
        self.inputs.append(Input(name, TensorType(FLOAT, shape)))
        self.types[name] = self.inputs[-1].type
        return self.add(Encode(scale, lo, hi), name, name=f"{name}.levels")

    def add(self, op: Op, *inputs: str, name: str = "") -> str:
        name = name or f"{op.name}{len(self.nodes)}"
        kind = op.infer(tuple(self.types[i] for i in inputs))
        self.nodes[name] = Node(name, op, inputs, kind, Loc("net.onnx", name))
        self.types[name] = kind
        return name

    def const(self, name: str, value: npt.ArrayLike) -> str:
        self.constants[name] = np.asarray(value, dtype=np.int64)
        self.types[name] = TensorType("int64", self.constants[name].shape)
        return name

    def weight(self, given: npt.ArrayLike | None, *shape: int) -> str:
        value = self.random.integers(-3, 4, shape) if given is None else np.reshape(given, shape)
        return self.const(f"w{len(self.constants)}", value)

    def conv(
        self,
        x: str,
        out: int = 2,
        kernel: int = 1,
        stride: int = 1,
        pads: Sequence[int] = (),
        dilation: int = 1,
        groups: int = 1,
        weight: npt.ArrayLike | None = None,
    ) -> str:
        """Add a convolution; ``pads`` lists all begins, then all ends, none by default."""
        channels, *sizes = self.types[x].shape
        rank = len(sizes)
        w = self.weight(weight, out, channels // groups, *[kernel] * rank)
        return self.add(Conv((stride,) * rank, tuple(pads) or (0,) * 2 * rank, (dilation,) * rank, groups), x, w)

    def dense(self, x: str, out: int = 2, weight: npt.ArrayLike | None = None) -> str:
        """Add a dense layer, flattening what it reads."""
        if len(self.types[x].shape) > 1:
            x = self.reshape(x, self.types[x].size)
        return self.add(Dense(), x, self.weight(weight, out, self.types[x].size))

    def fire(
        self, *charges: str, lo: int = 0, hi: int = 3, theta: npt.ArrayLike = 4, bias: npt.ArrayLike = 0, name: str = ""
    ) -> str:
        """Add integer neurons; theta and bias of one element stand for all channels."""
        name, shape = name or f"fire{len(self.nodes)}", self.types[charges[0]].shape
        constants = [self._channels(f"{name}.{key}", value, shape) for key, value in (("bias", bias), ("theta", theta))]
        return self.add(Fire(lo, hi, 1.0), *charges, *constants, name=name)

    def ladder(
        self,
        *charges: str,
        lo: int = 0,
        hi: int = 3,
        first: int = 0,
        thresholds: npt.ArrayLike,
        steps: npt.ArrayLike = 1,
        bias: npt.ArrayLike = 0,
        name: str = "",
    ) -> str:
        """Add ladders with thresholds [C, m]; steps of one element stand for all of them."""
        name, shape = name or f"ladder{len(self.nodes)}", self.types[charges[0]].shape
        rows = np.asarray(thresholds)
        constants = [
            self._channels(f"{name}.bias", bias, shape),
            self.const(f"{name}.thresholds", rows),
            self.const(f"{name}.steps", np.broadcast_to(np.asarray(steps), rows.shape)),
        ]
        return self.add(Ladder(lo, hi, first, 1.0), *charges, *constants, name=name)

    def read(self, *charges: str, bias: npt.ArrayLike = 0, name: str = "") -> str:
        name, shape = name or f"read{len(self.nodes)}", self.types[charges[0]].shape
        return self.add(Readout(1.0), *charges, self._channels(f"{name}.bias", bias, shape), name=name)

    def _channels(self, name: str, value: npt.ArrayLike, shape: tuple[int, ...]) -> str:
        array = np.asarray(value)
        return self.const(name, np.broadcast_to(array, shape[:1]) if array.ndim < 2 else array)

    def max_pool(
        self, x: str, kernel: int = 2, stride: int = 2, pads: Sequence[int] = (), dilation: int = 1, name: str = ""
    ) -> str:
        rank = len(self.types[x].shape) - 1
        op = MaxPool((kernel,) * rank, (stride,) * rank, tuple(pads) or (0,) * 2 * rank, (dilation,) * rank)
        return self.add(op, x, name=name)

    def reshape(self, x: str, *shape: int) -> str:
        return self.add(Reshape(shape), x)

    def transpose(self, x: str, *perm: int) -> str:
        return self.add(Transpose(perm), x)

    def pad(self, x: str, *pads: int) -> str:
        """Add zeros around; pads lists all begins, then all ends, channels included."""
        return self.add(Pad(pads), x)

    def slice(self, x: str, starts: Sequence[int], stops: Sequence[int], steps: Sequence[int] = ()) -> str:
        return self.add(Slice(tuple(starts), tuple(stops), tuple(steps) or (1,) * len(starts)), x)

    def upsample(self, x: str, *factors: int) -> str:
        return self.add(Upsample(factors), x)

    def dilate(self, x: str, *steps: int) -> str:
        return self.add(Dilate(steps), x)

    def concat(self, axis: int, *values: str) -> str:
        return self.add(Concat(axis), *values)

    def graph(self, *outputs: str, labels: tuple[str, ...] = ()) -> Graph:
        inputs, nodes = tuple(self.inputs), tuple(self.nodes.values())
        return check(Graph("net", Stage.QUANTIZED, inputs, nodes, outputs, self.constants, labels), "the test")


def two_layers(lo: int = 0, theta: int = 4) -> Graph:
    """Return conv, fire, max-pool, dense, fire, dense, readout on [1, 4, 4]; witnesses reach every level."""
    net = IntegerNet(9)
    charge = net.conv(net.input(1, 4, 4), 2, 3, pads=(1, 1, 1, 1))
    first = net.fire(charge, lo=lo, theta=theta, bias=[1, -2], name="first")
    pooled = net.max_pool(first, name="pool")
    second = net.fire(net.dense(pooled, 3), hi=5, theta=theta, name="second")
    return net.graph(net.read(net.dense(second, 2), name="y"))


def random_levels(graph: Graph, samples: int, seed: int = 0) -> dict[str, Ints]:
    """Return levels of every encode node, all least and all greatest first: int64 [samples, *shape]."""
    rng = np.random.default_rng(seed)
    levels = {}
    for node in graph.nodes:
        if isinstance(node.op, Encode):
            q = rng.integers(node.op.lo, node.op.hi + 1, (samples, *node.type.shape))
            q[:1], q[1:2] = node.op.lo, node.op.hi
            levels[node.name] = q
    return levels


class _Drawn:
    """A network under construction, its structure drawn by hypothesis.

    Attributes:
        values: what layers may read.
        whole: those of them that show one population, all of it: what pools may read.
    """

    def __init__(self, draw: st.DrawFn, powers: bool, every: bool) -> None:
        self.draw, self.powers, self.every = draw, powers, every
        self.net = IntegerNet(draw(st.integers(0, 999)))
        self.values: list[str] = []
        self.whole: list[str] = []

    def shape(self, name: str) -> tuple[int, ...]:
        return self.net.types[name].shape

    def made(self, name: str, whole: bool = True) -> None:
        self.values.append(name)
        if whole:
            self.whole.append(name)

    def levels(self) -> tuple[int, int]:
        """Return lo and hi."""
        return self.draw(st.sampled_from([0, 0, 0, -1, -3])), self.draw(st.sampled_from([1, 2, 3, 7]))

    def layer(self) -> None:
        """Add a firing layer that reads one to three values: convolved where their sizes agree, else densely."""
        first = self.draw(st.sampled_from(self.values))
        sizes = self.shape(first)[1:]
        if len(sizes) > 0 and self.draw(st.booleans()):
            alike = [v for v in self.values if self.shape(v)[1:] == sizes]
            charges = self.convolved(self.draw(st.lists(st.sampled_from(alike), min_size=1, max_size=3)))
        else:
            read = self.draw(st.lists(st.sampled_from(self.values), min_size=1, max_size=3))
            out = self.draw(st.integers(1, 4))
            charges = [self.net.dense(v, out) for v in read]
        self.made(self.climbed(charges) if self.every and self.draw(st.booleans()) else self.fired(charges))

    def convolved(self, read: list[str]) -> list[str]:
        sizes = self.shape(read[0])[1:]
        kernel = self.draw(st.integers(1, min(3, *sizes)))
        dilation = self.draw(st.integers(1, 2)) if min(sizes) > 2 * kernel - 2 else 1
        pads = [self.draw(st.integers(0, 2)) for _ in range(2 * len(sizes))]
        even = all(self.shape(v)[0] % 2 == 0 for v in read)
        stride, groups = self.draw(st.integers(1, 2)), self.draw(st.integers(1, 1 + even))
        return [self.net.conv(v, 2, kernel, stride, pads, dilation, groups) for v in read]

    def fired(self, charges: list[str]) -> str:
        lo, hi = self.levels()
        shape = self.net.types[charges[0]].shape
        some = [1, 2, 4, 8] if self.powers else [1, 2, 3, 4, 5, 8]
        spread: list[tuple[int, ...]] = [(1,), shape[:1]] if self.powers else [(1,), shape[:1], shape]
        theta = self.net.random.choice(some, self.draw(st.sampled_from(spread)))
        bias = self.net.random.integers(-6, 7, shape if self.draw(st.booleans()) else shape[0])
        return self.net.fire(*charges, lo=lo, hi=hi, theta=theta, bias=bias)

    def climbed(self, charges: list[str]) -> str:
        """Add a ladder of up to nine steps, up only or up and down, within its levels."""
        lo, hi = self.levels()
        shape, random = self.net.types[charges[0]].shape, self.net.random
        count, first = self.draw(st.integers(1, 9)), self.draw(st.integers(lo, hi))
        level, columns = np.full(shape[0], first), []
        down = self.draw(st.booleans())
        for _ in range(count):
            step = np.where(level >= hi, -1, 1)
            step = np.where((level > lo) & (random.random(shape[0]) < 0.3), -1, step) if down else step
            level = level + step
            columns.append(step)
        steps = np.stack(columns, axis=1)
        thresholds = np.sort(random.integers(-15, 16, (shape[0], count)), axis=1)
        if not down:  # a count of thresholds: what would pass hi is never reached
            thresholds = np.where(np.arange(count) < hi - first, thresholds, 1 << 20)
            steps = np.ones_like(steps)
        bias = random.integers(-6, 7, shape[0])
        return self.net.ladder(
            *charges, lo=lo, hi=hi, first=first, thresholds=thresholds, steps=steps, bias=bias
        )  # fmt: skip

    def pool(self) -> None:
        spatial = [v for v in self.whole if len(self.shape(v)) > 1]
        if not spatial:
            return self.layer()
        value = self.draw(st.sampled_from(spatial))
        rank, sizes = len(self.shape(value)) - 1, self.shape(value)[1:]
        kernel = self.draw(st.integers(1, min(3, *sizes)))
        pads = [self.draw(st.integers(0, kernel - 1)) for _ in range(2 * rank)]
        self.made(self.net.max_pool(value, kernel, self.draw(st.integers(1, 2)), pads))
        return None

    def view(self) -> None:
        value = self.draw(st.sampled_from(self.values))
        perm = self.draw(st.permutations(range(len(self.shape(value)))))
        self.made(self.net.transpose(value, *perm), value in self.whole)

    def move(self) -> None:
        """Slice, repeat, spread, pad or join some value."""
        value = self.draw(st.sampled_from(self.values))
        shape, spatial = self.shape(value), len(self.shape(value)) - 1
        kind = self.draw(st.sampled_from(["slice", "upsample", "dilate", "pad", "concat"]))
        few = [self.draw(st.integers(1, 2)) for _ in range(spatial)]
        if kind == "slice":
            starts = [self.draw(st.integers(0, n - 1)) for n in shape]
            stops = [self.draw(st.integers(start + 1, n)) for start, n in zip(starts, shape, strict=True)]
            moved = self.net.slice(value, starts, stops, [self.draw(st.integers(1, 2)) for _ in shape])
        elif kind == "pad":
            moved = self.net.pad(value, *(self.draw(st.integers(0, 1)) for _ in range(2 * len(shape))))
        elif kind == "concat":
            axis = self.draw(st.integers(0, spatial))
            rest = [*shape[:axis], *shape[axis + 1 :]]
            alike = [v for v in self.values if len(self.shape(v)) == len(shape)]
            alike = [v for v in alike if [*self.shape(v)[:axis], *self.shape(v)[axis + 1 :]] == rest]
            moved = self.net.concat(axis, value, *self.draw(st.lists(st.sampled_from(alike), min_size=1, max_size=2)))
        else:
            moved = self.net.upsample(value, *few) if kind == "upsample" else self.net.dilate(value, *few)
        if self.net.types[moved].size <= MOST_MOVED:
            self.made(moved, whole=False)

    def shown(self, output: str) -> str:
        """Return an output, or a view of it."""
        if not self.every or not self.draw(st.booleans()):
            return output
        turned = self.net.transpose(self.net.reshape(output, 1, self.net.types[output].size), 1, 0)
        return turned if self.draw(st.booleans()) else self.net.reshape(turned, self.net.types[output].size, 1, 1)


@st.composite
def integer_networks(draw: st.DrawFn, powers: bool = False, every: bool = False) -> Graph:
    """Return a small quantized graph with skips, views, pools, signed levels, one or two inputs and outputs.

    ``powers`` asks for thresholds that are powers of two, ``every`` for ladders, for values that are sliced, repeated,
    spread, padded and joined, and for outputs in another shape, too.
    """
    made = _Drawn(draw, powers, every)
    rank = draw(st.integers(0, 2))
    for name in ("x", "z")[: draw(st.integers(1, 2))]:
        lo, hi = made.levels()
        shape = (draw(st.integers(1, 2)), *(draw(st.integers(2, 4)) for _ in range(rank)))
        made.made(made.net.input(*shape, lo=lo, hi=hi, scale=0.5, name=name))
    some = ["layer", "layer", "pool", "view", *(["move", "move"] if every else [])]
    for step in draw(st.lists(st.sampled_from(some), min_size=1, max_size=5)):
        {"layer": made.layer, "pool": made.pool, "view": made.view, "move": made.move}[step]()
    outputs = []
    for name in ("y", "w")[: draw(st.integers(1, 2))]:
        read = [made.values[-1], draw(st.sampled_from(made.values))]
        output = made.net.read(*(made.net.dense(v, 2) for v in read), bias=draw(st.integers(-9, 9)), name=name)
        outputs.append(made.shown(output))
    return made.net.graph(*outputs)
