"""The quantize pass: from the canonical float graph to the one integer network that everything after it reproduces.

Layer by layer in data-flow order, each calibrated on the levels that the layers before it really send: the scale of a
level by least squares, weights in one unit a channel with a power-of-two threshold, the bias corrected so that the mean
charge of every channel is that of the float network, and every state proved to fit the target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.ir.graph import Array, Graph, Node, Stage, rebuild
from snncc.compiler.ir.integer_ops import Encode, Fire, Readout
from snncc.compiler.ir.ops import AveragePool, MaxPool
from snncc.compiler.ir.types import CHARGE, FLOAT, TensorType
from snncc.compiler.passes.base import Pass
from snncc.compiler.quantize.averages import average_layer
from snncc.compiler.quantize.calibrate import charge_means, limited, piece, run, sources_of
from snncc.compiler.quantize.layers import Layer, fired_sources, layers
from snncc.compiler.quantize.ranges import copies_fit, payload_fits, widest_level
from snncc.compiler.quantize.scales import activation_scale, input_range
from snncc.compiler.quantize.support import unsupported
from snncc.compiler.quantize.weights import Edge, IntegerLayer, firing_layer, reading_layer
from snncc.compiler.targets import Target

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Quantize(Pass):
    """CANONICAL -> QUANTIZED.

    Attributes:
        calibration: float inputs [samples, *shape] by input name.
        target: the chip whose widths must hold.
        levels: Q, the greatest level of every activation.
        weight_bits: width of a weight, sign included, 2..8.
        graded_inputs: whether inputs are injected with payloads.
        report: called with every repair made.
        progress: called with the layer's name before each layer.
    """

    name: ClassVar[str] = "quantize"
    takes: ClassVar[Stage] = Stage.CANONICAL
    gives: ClassVar[Stage] = Stage.QUANTIZED
    calibration: Mapping[str, Array] = field(repr=False)
    target: Target
    levels: int = 15
    weight_bits: int = 8
    graded_inputs: bool = True
    report: Callable[[Diagnostic], None] = field(default=lambda d: None, repr=False)
    progress: Callable[[str], None] = field(default=lambda n: None, repr=False)

    def run(self, graph: Graph) -> Graph:
        """Return the integer network.

        Raises:
            SnnccError: SNN201, SNN202 where a layer cannot be made to fit the target; SNN203 for unsupported nodes.
        """
        if problems := list(unsupported(graph)):
            raise SnnccError(problems)
        return _Quantizer(self, graph).result()


class _Quantizer:
    """Holds what is known so far while the layers are walked once."""

    def __init__(self, options: Quantize, graph: Graph) -> None:
        self.options, self.graph = options, graph
        self.data = limited(graph, options.calibration)
        self.values: dict[str, npt.NDArray[np.int32]] = {}  # levels of fired values on the calibration inputs
        self.scale: dict[str, float] = {}
        self.domain: dict[str, Levels] = {}
        self.fired: dict[str, str] = {}  # float value -> node of the integer network that shows it
        self.nodes: list[Node] = []
        self.constants: dict[str, Array] = {}
        self.problems: list[Diagnostic] = []

    def result(self) -> Graph:
        """Walk the graph."""
        todo = list(layers(self.graph))
        charges = list(dict.fromkeys(layer.charge for layer in todo if layer.linears))
        self.means = charge_means(self.graph, self.data, charges)
        by_node: dict[str, list[Layer]] = {}
        for layer in todo:
            by_node.setdefault(layer.node.name, []).append(layer)
        for value in self.graph.inputs:
            self._encode(value.name)
        for node in self.graph.nodes:
            if node.op.view or isinstance(node.op, MaxPool):
                self._levels_op(node)
            for layer in by_node.get(node.name, []):
                self.options.progress(node.name)
                self._layer(layer)
        if self.problems:
            raise SnnccError(self.problems)
        return rebuild(self.graph, self.nodes, self.constants, stage=Stage.QUANTIZED)

    def _encode(self, name: str) -> None:
        data, opts = self.data[name], self.options
        scale, lo, hi = input_range(data, opts.graded_inputs, opts.levels, widest_level(opts.target))
        self.values[name] = np.clip(np.floor(data.astype(np.float64) / scale + 0.5), lo, hi).astype(np.int32)
        self.scale[name], self.domain[name] = scale, Levels(lo, hi)
        self._emit(f"{name}.levels", Encode(scale, lo, hi), (name,), name)
        loc = next(i.loc for i in self.graph.inputs if i.name == name)
        if not copies_fit(self.domain[name], opts.target):
            self._refuse(name, loc)
        if data.min() == data.max():
            message = f"calibration input '{name}' is {data.flat[0]} everywhere: ranges cannot be told from it"
            hint = "calibrate with some hundred inputs like those to come"
            opts.report(Diagnostic("SNN211", message, loc, hint, "warning"))

    def _levels_op(self, node: Node) -> None:
        """Carry a view or max-pool over: it works on levels as it does on floats."""
        sources = fired_sources(self.graph, node.name)
        self.scale[node.name] = self.scale[sources[0]]
        self.domain[node.name] = self.domain[sources[0]]
        inputs = tuple(self.fired[name] for name in node.inputs)
        self._emit(node.name, node.op, inputs, node.name, node)

    def _layer(self, layer: Layer) -> None:
        if layer.kind == "average":
            self._average(layer)
        elif layer.kind == "readout":
            self._readout(layer)
        else:
            self._fire(layer)

    def _average(self, layer: Layer) -> None:
        node, op = layer.node, layer.node.op
        assert isinstance(op, AveragePool)
        source = node.inputs[0]
        made = average_layer(op, node.type.shape[0], self.domain[source], self.scale[source], self.options.target)
        sums = np.rint(self._run(node.name, {}, real=False).astype(np.float64) * np.prod(op.kernel))
        self.values[node.name] = _levels_of(sums, made.integer, made.levels)
        self.scale[node.name], self.domain[node.name] = made.scale, made.levels
        self._tell(node, made.integer)
        self._check_payload(node, made.levels)
        charge = self._linear(f"{node.name}.sum", made.op, source, made.integer.weights[0], node)
        self._emit_fire(node, [charge], made.integer, made.levels)

    def _fire(self, layer: Layer) -> None:
        node, opts = layer.node, self.options
        levels = Levels(0, opts.levels)
        scale = activation_scale(self._run(layer.charge, {}, real=True), levels.hi, layer.cap, unseen=1)
        edges = self._edges(layer)
        integer, charge = self._solve(
            layer, lambda bias: firing_layer(edges, bias, scale, levels, opts.weight_bits, opts.target)
        )
        self._tell(node, integer)
        levels = _capped(levels, scale * integer.coarsening, layer.cap)
        self.values[node.name] = _levels_of(charge, integer, levels)
        self.scale[node.name], self.domain[node.name] = scale * integer.coarsening, levels
        self._check_payload(node, levels)
        charges = self._linear_nodes(layer, integer, ".charge")
        self._emit_fire(node, charges, integer, levels)

    def _readout(self, layer: Layer) -> None:
        node, opts = layer.node, self.options
        edges = self._edges(layer)
        integer, _ = self._solve(layer, lambda bias: reading_layer(edges, bias, opts.weight_bits, opts.target))
        self._tell(node, integer)
        charges = self._linear_nodes(layer, integer, ".read")
        bias = self._constant(f"{node.name}.read.bias", integer.bias)
        self._emit(node.name, Readout(float(integer.unit[0])), (*charges, bias), None, node)

    def _solve(self, layer: Layer, make: Callable[[Floats], IntegerLayer]) -> tuple[IntegerLayer, Floats]:
        """Return the integer layer, its bias corrected, and its charge without bias on the calibration levels.

        The correction makes the mean charge of every channel, over calibration samples and positions, that of the float
        network (bias correction: Nagel et al., 2019, "Data-free quantization through weight equalization and bias
        correction", section 4.2, with measured means).
        """
        bias = self._bias(layer)
        first = make(bias)
        charge = self._charge(layer, first)
        seen = charge.reshape(*charge.shape[:2], -1).mean(axis=(0, 2)) * first.unit
        seen = seen + bias.reshape(len(bias), -1).mean(axis=1)
        shift = self.means[layer.charge] - seen
        integer = make(bias + shift.reshape(-1, *(1,) * (bias.ndim - 1)))
        same = all(np.array_equal(a, b) for a, b in zip(first.weights, integer.weights, strict=True))
        return integer, charge if same else self._charge(layer, integer)

    def _charge(self, layer: Layer, integer: IntegerLayer) -> npt.NDArray[np.float64]:
        """Return the sum of the integer edges on the calibration levels, without bias."""
        constants: dict[str, Array] = {}
        for linear, weight in zip(layer.linears, integer.weights, strict=True):
            constants[linear.inputs[1]] = weight.astype(np.float32)
            for bias in linear.inputs[2:]:
                constants[bias] = np.zeros_like(self.graph.constants[bias])
        return self._run(layer.charge, constants, real=False).astype(np.float64)

    def _run(self, target: str, weights: Mapping[str, Array], real: bool) -> Floats:
        """Return a charge on the calibration levels, in real units or with sources in whole levels."""
        inputs = {}
        for name in sources_of(self.graph, target):
            factor = self.scale[name] if real else 1.0
            inputs[name] = self.values[name].astype(np.float32) * np.float32(factor)
        return run(piece(self.graph, target, weights), inputs)[target]

    def _edges(self, layer: Layer) -> list[Edge]:
        found = []
        for linear in layer.linears:
            weight = self.graph.constants[linear.inputs[1]]
            source = linear.inputs[0]
            found.append(Edge(weight, self.scale[source], self.domain[source]))
        return found

    def _bias(self, layer: Layer) -> Floats:
        """Return the sum of the edges' biases, [channels] unless one of them is per position."""
        shape = layer.node.type.shape
        total = np.zeros(shape[0], dtype=np.float64)
        for linear in layer.linears:
            if len(linear.inputs) < 3:
                continue
            bias = self.graph.constants[linear.inputs[2]].astype(np.float64)
            if bias.ndim != total.ndim:
                wide = (-1, *(1,) * (len(shape) - 1))
                bias, total = (a.reshape(wide) if a.ndim == 1 else a for a in (bias, total))
            total = total + bias
        return total

    def _linear_nodes(self, layer: Layer, integer: IntegerLayer, suffix: str) -> list[str]:
        pairs = zip(layer.linears, integer.weights, strict=True)
        return [self._linear(linear.name + suffix, linear.op, linear.inputs[0], w, linear) for linear, w in pairs]

    def _linear(self, name: str, op: object, source: str, weight: Array, node: Node) -> str:
        constant = self._constant(f"{name}.weight", weight)
        self.nodes.append(Node(name, op, (self.fired[source], constant), node.type, node.loc))  # type: ignore[arg-type]
        return name

    def _emit_fire(self, node: Node, charges: list[str], integer: IntegerLayer, levels: Levels) -> None:
        bias = self._constant(f"{node.name}.bias", integer.bias)
        theta = self._constant(f"{node.name}.theta", integer.theta)
        op = Fire(levels.lo, levels.hi, self.scale[node.name])
        self._emit(node.name, op, (*charges, bias, theta), node.name, node)

    def _emit(
        self, name: str, op: object, inputs: tuple[str, ...], shows: str | None, node: Node | None = None
    ) -> None:
        loc = node.loc if node else next(i.loc for i in self.graph.inputs if i.name == shows)
        kind = TensorType(CHARGE if isinstance(op, Readout) else FLOAT, ())
        self.nodes.append(Node(name, op, inputs, kind, loc))  # type: ignore[arg-type]
        if shows is not None:
            self.fired[shows] = name

    def _constant(self, name: str, value: Array) -> str:
        self.constants[name] = np.asarray(value, dtype=np.int64)
        return name

    def _check_payload(self, node: Node, levels: Levels) -> None:
        if self.options.target.graded and not payload_fits(levels, self.options.target):
            self.problems.append(
                Diagnostic(
                    "SNN202",
                    f"levels up to {levels.hi} of '{node.name}' do not fit a payload of "
                    f"{self.options.target.payload_bits} bits",
                    node.loc,
                    "use fewer levels (--bits or --levels)",
                )
            )

    def _refuse(self, name: str, loc: Loc) -> None:
        message = f"the accumulator of '{name}' can exceed {self.options.target.state_bits} bits"
        hint = "use fewer levels (--bits or --levels), fewer weight bits, or a smaller fan-in"
        self.problems.append(Diagnostic("SNN201", message, loc, hint))

    def _tell(self, node: Node, integer: IntegerLayer) -> None:
        """Report what the range proof made necessary."""
        width = self.options.target.state_bits
        if (integer.halvings < 0).any():
            self._refuse(node.name, node.loc)
        elif integer.coarsening > 1 or (integer.halvings > 0).any():
            channels, worst = int((integer.halvings > 0).sum()), int(integer.halvings.max())
            what = f"{channels} channels of '{node.name}' keep up to {worst} bits less of weight precision"
            if integer.coarsening > 1:
                what = f"levels of '{node.name}' are {integer.coarsening} times coarser"
            message = f"{what}, so that no input can overflow {width}-bit states"
            self.options.report(Diagnostic("SNN210", message, node.loc, severity="warning"))


def _wide(constant: npt.NDArray[np.int64], like: Floats) -> npt.NDArray[np.int64]:
    """Return a constant [channels] or [channels, ...] so that it broadcasts to [samples, channels, ...]."""
    return constant.reshape(-1, *(1,) * (like.ndim - 2)) if constant.ndim == 1 else constant


def _capped(levels: Levels, scale: float, cap: float | None) -> Levels:
    """Return the levels up to the activation's cap; only where levels were made coarser are there any above it."""
    return levels if cap is None else Levels(levels.lo, max(1, min(levels.hi, round(cap / scale))))


def _levels_of(charge: Floats, integer: IntegerLayer, levels: Levels) -> npt.NDArray[np.int32]:
    theta = _wide(integer.theta, charge)
    q = np.floor((charge + _wide(integer.bias, charge) + theta // 2) / theta)
    return np.clip(q, levels.lo, levels.hi).astype(np.int32)
