"""Quantize without data: the integer network that calibration would give, but for the numbers that data decide.

Each layer gets the levels, the operations and the width of weights that ``quantize`` gives it. What is real of a level
is assumed:

    s_out Q = sqrt(mean over channels c of sum over edges e of |w_ce|^2 (s_e Q_e)^2)

the charge that sources make which send their greatest levels with signs at random, |w_ce| the Euclidean norm of the
weights. From there on weights and thresholds are computed as in ``quantize``, rounded to nearest and never made smaller
to fit a state: how large the charges are that can occur is for data to tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Graph, Node, Stage
from snncc.compiler.ir.ops import AveragePool
from snncc.compiler.passes.base import Pass
from snncc.compiler.quantize.averages import average_layer
from snncc.compiler.quantize.findings import too_wide, wide_payload
from snncc.compiler.quantize.ladders import extent, ladder, within
from snncc.compiler.quantize.layers import Layer, fired_sources, layer_bias
from snncc.compiler.quantize.ranges import Bounds, bounds, copies_fit, fits, payload_fits, widest_level
from snncc.compiler.quantize.recipe import Recipes
from snncc.compiler.quantize.scales import input_range
from snncc.compiler.quantize.shares import Share, Shares, Weights, by_linear
from snncc.compiler.quantize.support import unsupported
from snncc.compiler.quantize.weights import Edge, IntegerLayer, firing_layer, reading_layer
from snncc.compiler.quantize.writing import IntegerNetwork, walk
from snncc.compiler.targets import Target

Floats = npt.NDArray[np.floating]
ROOMY = 62  # bits of a state that nothing overflows
MOST_AT_ONCE = 1 << 21  # weights that are quantized at a time, some 16 MB in each array on the way


@dataclass(frozen=True)
class AssumeScales(Pass):
    """CANONICAL -> QUANTIZED, with assumed scales.

    Attributes:
        target: the chip; what cannot fit it whatever the data is refused.
        recipes: how each layer is quantized.
        graded_inputs: whether inputs are injected with payloads.
        signed: whether inputs have negative values.
        carried: whether the spikes of a node, by name and levels, must carry its levels as payloads.
    """

    name: ClassVar[str] = "assume-scales"
    takes: ClassVar[Stage] = Stage.CANONICAL
    gives: ClassVar[Stage] = Stage.QUANTIZED
    target: Target
    recipes: Recipes = field(default_factory=Recipes)
    graded_inputs: bool = True
    signed: bool = False
    carried: Callable[[str, Levels], bool] = field(default=lambda n, q: True, repr=False)

    def run(self, graph: Graph) -> Graph:
        """Return the integer network.

        Raises:
            SnnccError: SNN201, SNN202 where no data could make a layer fit the target; SNN203 where values of different
                scales meet in one weight.
        """
        if problems := list(unsupported(graph)):
            raise SnnccError(problems)
        return _Assumer(self, graph).result()


def assumed_input(signed: bool) -> Floats:
    """Return the extremes of an input that nobody has seen, float64 [2]: of pixels, or of standardized numbers."""
    return np.array([-3.0, 3.0] if signed else [0.0, 1.0])


class _Assumer:
    """Walks the layers once, in order; each kind of layer has its method."""

    def __init__(self, options: AssumeScales, graph: Graph) -> None:
        self.options, self.graph, self.shares = options, graph, Shares(graph)
        self.roomy = replace(options.target, state_bits=ROOMY, accumulator_bits=ROOMY)
        self.made = IntegerNetwork(graph)
        self.scale: dict[str, float] = {}
        self.domain: dict[str, Levels] = {}
        self.problems: list[Diagnostic] = []

    def result(self) -> Graph:
        """Walk the graph."""
        walk(self.graph, self.made, self._encode, self._layer)
        if self.problems:
            raise SnnccError(self.problems)
        return self.made.finish()

    def _encode(self, name: str) -> None:
        opts, shown = self.options, f"{name}.levels"
        graded = opts.graded_inputs and shown not in opts.recipes.by_layer
        most, widest = opts.recipes.of(shown).levels, widest_level(opts.target, opts.signed)
        scale, lo, hi = input_range(assumed_input(opts.signed), graded, most, widest)
        loc = next(i.loc for i in self.graph.inputs if i.name == name)
        self._know(name, scale, Levels(lo, hi))
        self.made.encode(name, scale, Levels(lo, hi), loc)
        if not copies_fit(Levels(lo, hi), opts.target):
            self.problems.append(too_wide(name, opts.target, loc))

    def _layer(self, layer: Layer) -> None:
        kinds = {"average": self._average, "fire": self._fire, "curve": self._curve, "readout": self._readout}
        kinds[layer.kind](layer)

    def _average(self, layer: Layer) -> None:
        node, op, target = layer.node, layer.node.op, self.options.target
        assert isinstance(op, AveragePool)
        (source,) = fired_sources(self.graph, node.inputs[0])
        made = average_layer(op, node.type.shape[0], self.domain[source], self.scale[source], target)
        if (made.integer.halvings < 0).any():
            self.problems.append(too_wide(node.name, target, node.loc))
        charge = self.made.linear(f"{node.name}.sum", made.op, node.inputs[0], made.integer.weights[0], node.loc)
        self._settle(node, [charge], made.integer, made.levels, made.scale)

    def _fire(self, layer: Layer) -> None:
        levels = Levels(0, self.options.recipes.of(layer.node.name).levels)
        shares, edges = self._edges(layer)
        scale = _reach(edges, layer.cap) / levels.hi
        integer = self._fitted(layer, edges, scale, levels)
        self._settle(layer.node, self._charges(layer, shares, integer, ".charge"), integer, levels, scale)

    def _curve(self, layer: Layer) -> None:
        node, op = layer.node, layer.node.op
        assert isinstance(op, Curve)
        slope = self.graph.constants[node.inputs[1]].astype(np.float64) if op.kind == "prelu" else None
        most = self.options.recipes.of(node.name).levels
        shares, edges = self._edges(layer)
        low, high = extent(op, slope)
        scale = _reach(edges, max(-low, high)) / most
        integer = self._fitted(layer, edges, scale, Levels(-most, most))
        levels = within(Levels(-most, most), low / scale, high / scale)
        charges = self._charges(layer, shares, integer, ".charge")
        if op.kind in ("linear", "clip"):
            self._settle(node, charges, integer, levels, scale)
            return
        reach = bounds((weight, edge.levels) for weight, edge in zip(integer.weights, edges, strict=True))
        flat = integer.bias.reshape(len(reach.low), -1)
        ends = (reach.low + flat.min(axis=1), reach.high + flat.max(axis=1))
        self._check(node, levels)
        self._know(node.name, scale, levels)
        self.made.ladder(
            node, charges, integer.bias, ladder(op, integer.unit, scale, levels, ends, slope), levels, scale
        )

    def _readout(self, layer: Layer) -> None:
        shares, edges = self._edges(layer)
        width = self.options.recipes.weight_bits(layer.node.name)
        integer = reading_layer(edges, layer_bias(self.graph, layer), width, self.roomy)
        self.made.read(layer.node, self._charges(layer, shares, integer, ".read"), integer)

    def _edges(self, layer: Layer) -> tuple[list[Share], list[Edge]]:
        shares = [share for linear in layer.linears for share in self.shares.of(linear)]
        return shares, [share.edge(self.scale, self.domain) for share in shares]

    def _fitted(self, layer: Layer, edges: list[Edge], scale: float, levels: Levels) -> IntegerLayer:
        width = self.options.recipes.weight_bits(layer.node.name)

        def make(some: Sequence[Edge], bias: Floats) -> IntegerLayer:
            return firing_layer(some, bias, scale, levels, width, self.roomy)

        return _wide(_by_rows(edges, layer_bias(self.graph, layer), make))

    def _charges(self, layer: Layer, shares: list[Share], integer: IntegerLayer, suffix: str) -> list[str]:
        weights: Weights = by_linear(shares, integer.weights)
        return [self.made.linear(n.name + suffix, n.op, n.inputs[0], weights[n.name], n.loc) for n in layer.linears]

    def _settle(self, node: Node, charges: list[str], integer: IntegerLayer, levels: Levels, scale: float) -> None:
        """Add neurons with a threshold a channel."""
        self._check(node, levels)
        self._know(node.name, scale, levels)
        self.made.fire(node, charges, integer, levels, scale)

    def _know(self, name: str, scale: float, levels: Levels) -> None:
        self.scale[name], self.domain[name] = scale, levels

    def _check(self, node: Node, levels: Levels) -> None:
        """Note what does not fit whatever the data: levels beyond a payload, or too many for a state without charge."""
        target = self.options.target
        if target.graded and self.options.carried(node.name, levels) and not payload_fits(levels, target):
            self.problems.append(wide_payload(node, levels, target))
        zero = np.zeros(1, dtype=np.int64)
        if not fits(Bounds(zero, zero, zero), zero, zero + 1, levels, target).all():
            self.problems.append(too_wide(node.name, target, node.loc))


def _reach(edges: Sequence[Edge], cap: float | None) -> float:
    """Return the assumed real value of a layer's greatest level: see the head of this file, ``cap`` at the most."""
    squares = np.zeros(len(edges[0].weight))
    for edge in edges:
        rows = edge.weight.reshape(len(squares), -1)
        norms = np.einsum("ij,ij->i", rows, rows, dtype=np.float64)
        squares = squares + norms * (edge.scale * edge.levels.magnitude) ** 2
    reach = float(np.sqrt(squares.mean()))
    reach = reach if 0 < reach < np.inf else 1.0
    return reach if cap is None else min(reach, cap)


def _by_rows(
    edges: Sequence[Edge], bias: Floats, make: Callable[[Sequence[Edge], Floats], IntegerLayer]
) -> IntegerLayer:
    """Return the layer that is made of some channels at a time, for those of a layer do not hang on each other."""
    channels = len(bias)
    rows = max(1, MOST_AT_ONCE * channels // max(1, sum(edge.weight.size for edge in edges)))
    if rows >= channels:
        return make(edges, bias)
    parts = [slice(begin, begin + rows) for begin in range(0, channels, rows)]
    weights = tuple(np.empty(edge.weight.shape, dtype=np.int64) for edge in edges)
    made = []
    for part in parts:
        layer = make([replace(edge, weight=edge.weight[part]) for edge in edges], bias[part])
        for whole, some in zip(weights, layer.weights, strict=True):
            whole[part] = some
        made.append(replace(layer, weights=()))
    return IntegerLayer(
        weights,
        np.concatenate([layer.bias for layer in made]),
        np.concatenate([layer.theta for layer in made]),
        np.concatenate([layer.unit for layer in made]),
        np.concatenate([layer.halvings for layer in made]),
        np.concatenate([layer.steps for layer in made], axis=1),
        made[0].mosts,
    )


def _wide(layer: IntegerLayer) -> IntegerLayer:
    """Return the layer with the largest weight of each edge odd, in its steps.

    A chip stores no zeros at the end of a weight, so that a weight of 64 would take 2 bits, as the skip of a residual
    block may by chance; those that calibration gives are as good as sure to take all.
    """
    for weight, steps in zip(layer.weights, layer.steps, strict=True):
        flat = weight.reshape(len(weight), -1)
        channel = int(np.argmax(np.maximum(flat.max(axis=1), -flat.min(axis=1)) // steps))
        place = int(np.argmax(np.abs(flat[channel])))
        digits, step = abs(int(flat[channel, place])) // int(steps[channel]), int(steps[channel])
        if digits:
            flat[channel, place] = np.sign(flat[channel, place]) * (digits | 1) * step
    return layer
