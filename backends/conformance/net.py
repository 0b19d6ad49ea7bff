"""Quantized networks written by hand, lowered to cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.backends.conformance.case import FILE, Case, Ints, spread
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir import FLOAT, Graph, Input, Node, Op, Stage, TensorType, check
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder, Readout
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Reshape, Transpose
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Origin, TensorInput
from snncc.compiler.targets import load_target
from snncc.compiler.trace import feed_levels

SAMPLES = 7


class Net:
    """A quantized graph under construction; each method adds a node and returns its name."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._inputs: list[Input] = []
        self._nodes: dict[str, Node] = {}
        self._constants: dict[str, Ints] = {}
        self._types: dict[str, TensorType] = {}

    def input(self, *shape: int, lo: int = 0, hi: int = 3, name: str = "x") -> str:
        """Add an input of levels lo..hi and its encode node, whose name is returned."""
        kind = TensorType(FLOAT, shape)
        self._inputs.append(Input(name, kind, Loc(FILE, name)))
        self._types[name] = kind
        return self._add(Encode(0.5, lo, hi), name, name=f"{name}.levels")

    def conv(
        self,
        x: str,
        out: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        pads: Sequence[int] = (),
        dilation: int = 1,
        groups: int = 1,
        weight: npt.ArrayLike | None = None,
    ) -> str:
        """Add a convolution; ``pads`` lists all begins, then all ends, none by default."""
        channels, *sizes = self._types[x].shape
        rank = len(sizes)
        op = Conv((stride,) * rank, tuple(pads) or (0,) * 2 * rank, (dilation,) * rank, groups)
        return self._add(op, x, self._weight(weight, out, channels // groups, *[kernel] * rank))

    def dense(self, x: str, out: int, weight: npt.ArrayLike | None = None) -> str:
        """Add a dense layer, flattening what it reads."""
        size = self._types[x].size
        if len(self._types[x].shape) > 1:
            x = self._add(Reshape((size,)), x)
        return self._add(Dense(), x, self._weight(weight, out, size))

    def fire(
        self, *charges: str, lo: int = 0, hi: int = 3, theta: npt.ArrayLike = 4, bias: npt.ArrayLike = 0, name: str = ""
    ) -> str:
        """Add integer neurons; theta and bias have one element for all channels, for each, or for each neuron."""
        name = name or f"fire{len(self._nodes)}"
        constants = [self._spread(f"{name}.{key}", value, charges[0]) for key, value in (("b", bias), ("theta", theta))]
        return self._add(Fire(lo, hi, 1.0), *charges, *constants, name=name)

    def read(self, *charges: str, bias: npt.ArrayLike = 0, name: str = "y") -> str:
        """Add a readout."""
        return self._add(Readout(1.0), *charges, self._spread(f"{name}.b", bias, charges[0]), name=name)

    def max_pool(self, x: str, kernel: int = 2, stride: int = 2, pads: Sequence[int] = (), dilation: int = 1) -> str:
        """Add a max-pool."""
        rank = len(self._types[x].shape) - 1
        op = MaxPool((kernel,) * rank, (stride,) * rank, tuple(pads) or (0,) * 2 * rank, (dilation,) * rank)
        return self._add(op, x)

    def ladder(
        self,
        *charges: str,
        thresholds: npt.ArrayLike,
        steps: npt.ArrayLike = 1,
        lo: int = 0,
        hi: int = 3,
        first: int = 0,
        bias: npt.ArrayLike = 0,
    ) -> str:
        """Add neurons that go a step up or down at each threshold [channels, m]; steps of 1 by default."""
        name, bars = f"ladder{len(self._nodes)}", np.asarray(thresholds)
        constants = [self._spread(f"{name}.b", bias, charges[0]), self._constant(f"{name}.thresholds", bars)]
        constants.append(self._constant(f"{name}.steps", np.broadcast_to(steps, bars.shape)))
        return self._add(Ladder(lo, hi, first, 1.0), *charges, *constants, name=name)

    def transpose(self, x: str, *perm: int) -> str:
        """Add a transpose."""
        return self._add(Transpose(perm), x)

    def concat(self, *values: str, axis: int = 0) -> str:
        """Add a concatenation."""
        return self._add(Concat(axis), *values)

    def moved(self, x: str, op: Op) -> str:
        """Add an op that moves elements, repeats them or leaves some out, or puts zeros between them."""
        return self._add(op, x)

    def graph(self, *outputs: str) -> Graph:
        """Return the graph."""
        graph = Graph(
            "net", Stage.QUANTIZED, tuple(self._inputs), tuple(self._nodes.values()), outputs, self._constants
        )
        return check(graph, "the conformance kit")

    def _add(self, op: Op, *inputs: str, name: str = "") -> str:
        name = name or f"{op.name}{len(self._nodes)}"
        kind = op.infer(tuple(self._types[i] for i in inputs))
        self._nodes[name] = Node(name, op, inputs, kind, Loc(FILE, name))
        self._types[name] = kind
        return name

    def _constant(self, name: str, value: npt.ArrayLike) -> str:
        self._constants[name] = np.asarray(value, dtype=np.int64)
        self._types[name] = TensorType("int64", self._constants[name].shape)
        return name

    def _weight(self, given: npt.ArrayLike | None, *shape: int) -> str:
        seed = len(self._constants)
        return self._constant(
            f"w{seed}", spread(-3, 3, *shape, seed=seed) if given is None else np.reshape(given, shape)
        )

    def _spread(self, name: str, value: npt.ArrayLike, charge: str) -> str:
        array, shape = np.asarray(value), self._types[charge].shape
        return self._constant(name, np.broadcast_to(array, shape[:1]) if array.ndim < 2 else array)


def lowered(
    name: str,
    about: str,
    graph: Graph,
    coding: str = "graded",
    *,
    inputs: str = "",
    by_node: Mapping[str, str] | None = None,
    levels: Mapping[str, npt.ArrayLike] | None = None,
    max_delay: int = 62,
    schedule: str = "pipelined",
) -> Case:
    """Return the case of a network that is lowered for Loihi 2.

    Args:
        name: of the case.
        about: what a backend may get wrong here.
        graph: the network.
        coding: how levels are sent.
        inputs: how the inputs' levels are sent; as all others where it is empty.
        by_node: other codings for some nodes.
        levels: what is fed, [samples, *shape] by input; extremes back to back and a few others by default.
        max_delay: synaptic delay beyond which relays wait.
        schedule: ``pipelined`` or ``sequential``.
    """
    target = replace(load_target("loihi2"), max_delay=max_delay)
    chosen = {node: CODINGS[coding] for node, coding in (by_node or {}).items()}
    choice = Choice(CODINGS[coding], CODINGS[inputs or coding], chosen)
    program = replace(lower(graph, choice, target, schedule), name=name.replace("-", "_"), origin=Origin(graph, b""))
    tensors = [i for i in program.inputs if isinstance(i, TensorInput)]
    given = levels or {tensor.name: samples(tensor, seed) for seed, tensor in enumerate(tensors)}
    return Case(name, about, program, feed_levels(program, {key: np.asarray(a) for key, a in given.items()}))


def samples(tensor: TensorInput, seed: int) -> Ints:
    """Return levels [SAMPLES, *shape]: all least and all greatest in turn, then some between."""
    levels = spread(tensor.lo, tensor.hi, SAMPLES, *tensor.shape, seed=seed)
    levels[0:4:2], levels[1:4:2] = tensor.lo, tensor.hi
    return levels
