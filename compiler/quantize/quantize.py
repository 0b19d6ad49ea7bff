"""The quantize pass: from the canonical float graph to the one integer network that everything after it reproduces.

Layer by layer in data-flow order, each calibrated on the levels that the layers before it really send: the scale of a
level by least squares, weights in one unit a channel with a power-of-two threshold, the bias corrected so that the mean
charge of every channel is that of the float network, and every state proved to fit the target.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Array, Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool
from snncc.compiler.passes.base import Pass
from snncc.compiler.quantize.adapting import Adaptive
from snncc.compiler.quantize.averages import average_layer
from snncc.compiler.quantize.findings import range_findings, too_wide, wide_payload, wide_sums
from snncc.compiler.quantize.ladders import extent, ladder, within
from snncc.compiler.quantize.layers import Layer, fired_sources, layers
from snncc.compiler.quantize.ranges import bounds, copies_fit, fits, payload_fits, widest_level
from snncc.compiler.quantize.recipe import Recipes
from snncc.compiler.quantize.scales import find_scale, input_range
from snncc.compiler.quantize.shares import Share, Weights
from snncc.compiler.quantize.solving import Calibration
from snncc.compiler.quantize.support import unsupported
from snncc.compiler.quantize.weights import Edge, IntegerLayer, firing_layer, reading_layer
from snncc.compiler.quantize.writing import IntegerNetwork, walk
from snncc.compiler.targets import Target

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Quantize(Pass):
    """CANONICAL -> QUANTIZED.

    Attributes:
        calibration: float inputs [samples, *shape] by input name.
        target: the chip whose widths must hold.
        recipes: how each layer is quantized.
        graded_inputs: whether inputs are injected with payloads.
        report: called with every repair made.
        progress: called with the layer's name before each layer.
        sent: called with each node that sends levels and how often it sends each of lo..Q on the calibration data.
        carried: whether the spikes of a node, by name and levels, must carry its levels as payloads.
    """

    name: ClassVar[str] = "quantize"
    takes: ClassVar[Stage] = Stage.CANONICAL
    gives: ClassVar[Stage] = Stage.QUANTIZED
    calibration: Mapping[str, Array] = field(repr=False)
    target: Target
    recipes: Recipes = field(default_factory=Recipes)
    graded_inputs: bool = True
    report: Callable[[Diagnostic], None] = field(default=lambda d: None, repr=False)
    progress: Callable[[str], None] = field(default=lambda n: None, repr=False)
    sent: Callable[[str, npt.NDArray[np.int64]], None] = field(default=lambda n, c: None, repr=False)
    carried: Callable[[str, Levels], bool] = field(default=lambda n, q: True, repr=False)

    def run(self, graph: Graph) -> Graph:
        """Return the integer network.

        Raises:
            SnnccError: SNN201, SNN202 where a layer cannot be made to fit the target; SNN203 where values of different
                scales meet in one weight.
        """
        if problems := list(unsupported(graph)):
            raise SnnccError(problems)
        return _Quantizer(self, graph).result()


class _Quantizer:
    """Walks the layers once, in order; each kind of layer has its method."""

    def __init__(self, options: Quantize, graph: Graph) -> None:
        self.options, self.graph = options, graph
        self.known = Calibration(graph, options.calibration)
        self.made = IntegerNetwork(graph)
        self.problems: list[Diagnostic] = []
        wished = [layer for layer in layers(graph) if layer.linears]
        self.adaptive = Adaptive(self.known, [n for n in wished if options.recipes.of(n.node.name).adaptive])

    def result(self) -> Graph:
        """Walk the graph."""
        walk(self.graph, self.made, self._encode, self._layer)
        if self.problems:
            raise SnnccError(self.problems)
        for name, values in self.known.values.items():
            lo, hi = self.known.domain[name].lo, self.known.domain[name].hi
            self.options.sent(self.made.shown[name], np.bincount(values.ravel() - lo, minlength=hi - lo + 1))
        return self.made.finish()

    def _encode(self, name: str) -> None:
        data, opts = self.known.data[name], self.options
        shown = f"{name}.levels"
        graded = opts.graded_inputs and shown not in opts.recipes.by_layer
        widest = widest_level(opts.target, bool(data.min() < 0))
        scale, lo, hi = input_range(data, graded, opts.recipes.of(shown).levels, widest)
        levels = np.clip(np.floor(data.astype(np.float64) / scale + 0.5), lo, hi).astype(np.int32)
        self.known.know(name, levels, scale, Levels(lo, hi))
        loc = next(i.loc for i in self.graph.inputs if i.name == name)
        self.made.encode(name, scale, Levels(lo, hi), loc)
        if not copies_fit(Levels(lo, hi), opts.target):
            self.problems.append(too_wide(name, opts.target, loc))
        if data.min() == data.max():
            message = f"calibration input '{name}' is {data.flat[0]} everywhere: ranges cannot be told from it"
            hint = "calibrate with some hundred inputs like those to come"
            opts.report(Diagnostic("SNN211", message, loc, hint, "warning"))

    def _layer(self, layer: Layer) -> None:
        self.options.progress(layer.node.name)
        if layer.kind == "average":
            self._average(layer)
            return
        kinds = {"fire": self._fire, "curve": self._curve, "readout": self._readout}
        kinds[layer.kind](layer, self.known.shares_of(layer))

    def _average(self, layer: Layer) -> None:
        node, op, known = layer.node, layer.node.op, self.known
        assert isinstance(op, AveragePool)
        (source,) = fired_sources(self.graph, node.inputs[0])
        made = average_layer(op, node.type.shape[0], known.domain[source], known.scale[source], self.options.target)
        sums = np.rint(known.run(node.name, {}, real=False).astype(np.float64) * np.prod(op.kernel))
        known.know(node.name, _levels_of(sums, made.integer, made.levels), made.scale, made.levels)
        self._tell(layer, made.integer)
        self._check_payload(node, made.levels)
        charge = self.made.linear(f"{node.name}.sum", made.op, node.inputs[0], made.integer.weights[0], node.loc)
        self.made.fire(node, [charge], made.integer, made.levels, made.scale)

    def _fire(self, layer: Layer, shares: list[Share]) -> None:
        node, known = layer.node, self.known
        recipe = self.options.recipes.of(node.name)
        levels = Levels(0, recipe.levels)
        scale = find_scale(recipe.scales, known.real_charge(layer), levels.hi, layer.cap)
        integer, weights, charge = self._fitted(layer, shares, scale, levels)
        scale *= integer.coarsening
        levels = _capped(levels, scale, layer.cap)
        known.know(node.name, _levels_of(charge, integer, levels), scale, levels)
        self._check_payload(node, levels)
        self.made.fire(node, self._charges(layer, weights, ".charge"), integer, levels, scale)

    def _curve(self, layer: Layer, shares: list[Share]) -> None:
        node, op, known, recipe = layer.node, layer.node.op, self.known, self.options.recipes.of(layer.node.name)
        assert isinstance(op, Curve)
        slope = self.graph.constants[node.inputs[1]].astype(np.float64) if op.kind == "prelu" else None
        charge = known.real_charge(layer)
        least, most = extent(op, slope)
        values = op(charge, None if slope is None else slope.reshape(-1, *(1,) * (charge.ndim - 2)))
        cap = max(-least, most)
        scale = find_scale(recipe.scales, np.abs(values), recipe.levels, None if np.isinf(cap) else cap)
        widest = Levels(-recipe.levels, recipe.levels)
        integer, weights, charge = self._fitted(layer, shares, scale, widest)
        scale *= integer.coarsening
        levels = within(widest, least / scale, most / scale)
        charges = self._charges(layer, weights, ".charge")
        self._check_payload(node, levels)
        if op.kind in ("linear", "clip"):
            known.know(node.name, _levels_of(charge, integer, levels), scale, levels)
            self.made.fire(node, charges, integer, levels, scale)
            return
        steps = ladder(op, integer.unit, scale, levels, self._reach(shares, integer), slope)
        known.know(node.name, steps.levels(charge + _wide(integer.bias, charge)), scale, levels)
        self.made.ladder(node, charges, integer.bias, steps, levels, scale)

    def _fitted(
        self, layer: Layer, shares: list[Share], scale: float, levels: Levels
    ) -> tuple[IntegerLayer, Weights, Floats]:
        """Return the integer layer of a firing node, its weights by linear node, its charge without bias."""
        edges, target = self.known.edges(shares), self.options.target
        width = self.options.recipes.weight_bits(layer.node.name)

        def make(bias: Floats) -> IntegerLayer:
            nearest = firing_layer(edges, bias, scale, levels, width, target)
            return self._rounded(layer, shares, nearest, levels)

        solved = self.known.solve(layer, shares, make)
        self._tell(layer, solved[0])
        return solved

    def _readout(self, layer: Layer, shares: list[Share]) -> None:
        edges, target = self.known.edges(shares), self.options.target
        width = self.options.recipes.weight_bits(layer.node.name)

        def make(bias: Floats) -> IntegerLayer:
            return self._rounded(layer, shares, reading_layer(edges, bias, width, target), Levels(0, 1))

        integer, weights, _ = self.known.solve(layer, shares, make)
        self._tell(layer, integer)
        self.made.read(layer.node, self._charges(layer, weights, ".read"), integer)

    def _rounded(self, layer: Layer, shares: list[Share], nearest: IntegerLayer, levels: Levels) -> IntegerLayer:
        """Return the layer with adapted weights, where those were asked for and the range proof allows them."""
        recipe = self.options.recipes.of(layer.node.name)
        if not recipe.adaptive or (nearest.halvings < 0).any():
            return nearest
        adapted = self.adaptive.adapted(layer, shares, nearest, recipe.zeros)
        domains = [edge.levels for edge in self.known.edges(shares)]
        reach = bounds(zip(adapted.weights, domains, strict=True))
        fit = fits(reach, adapted.bias, adapted.theta, levels, self.options.target)
        pairs = zip(adapted.weights, nearest.weights, strict=True)
        weights = (np.where(fit.reshape(-1, *(1,) * (new.ndim - 1)), new, old) for new, old in pairs)
        return replace(adapted, weights=tuple(weights))

    def _reach(self, shares: list[Share], integer: IntegerLayer) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Return the least and the greatest charge of each channel, bias included, int64 [channels]."""
        edges: list[Edge] = self.known.edges(shares)
        reach = bounds((w, e.levels) for w, e in zip(integer.weights, edges, strict=True))
        flat = integer.bias.reshape(len(reach.low), -1)
        return reach.low + flat.min(axis=1), reach.high + flat.max(axis=1)

    def _charges(self, layer: Layer, weights: Weights, suffix: str) -> list[str]:
        made = self.made
        return [made.linear(n.name + suffix, n.op, n.inputs[0], weights[n.name], n.loc) for n in layer.linears]

    def _check_payload(self, node: Node, levels: Levels) -> None:
        target = self.options.target
        if target.graded and self.options.carried(node.name, levels) and not payload_fits(levels, target):
            self.problems.append(wide_payload(node, levels, target))

    def _tell(self, layer: Layer, integer: IntegerLayer) -> None:
        """Report what the range proof made necessary, and what was too wide to be adapted."""
        node = layer.node
        wide = [linear for linear in layer.linears if self.adaptive.is_wide(linear)]
        if wide and self.options.recipes.of(node.name).adaptive:
            self.options.report(wide_sums(node, len(wide)))
        if (integer.halvings < 0).any():
            self.problems.append(too_wide(node.name, self.options.target, node.loc))
        else:
            for finding in range_findings(node, integer, self.options.target):
                self.options.report(finding)


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
