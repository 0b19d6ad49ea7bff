"""What a canonical network becomes for training: which values get levels, in which scale, and the width of each weight.

Values that stand side by side in a concatenation share one scale, so that one weight can read them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil, log2, prod

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.ir.curve import Curve
from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.ops import AveragePool, Concat
from snncc.compiler.quantize.calibrate import run
from snncc.compiler.quantize.layers import Layer, fired_sources, layers
from snncc.compiler.quantize.scales import activation_scale
from snncc.finetuning.settings import Settings

TRAINED = ("linear", "clip", "leaky_relu", "prelu")  # curves that rescaling a channel's levels leaves as they are
INPUT_LEVELS = {False: (0, 255), True: (-128, 127)}  # unsigned, signed: the 8-bit integers of QuantizeLinear


@dataclass(frozen=True)
class Levels:
    """A value that becomes levels lo..hi.

    Attributes:
        name: of the node or input.
        group: of the values that share its scale.
        lo: least level.
        hi: greatest level.
    """

    name: str
    group: str
    lo: int
    hi: int


@dataclass(frozen=True)
class Sum:
    """A weighted sum.

    Attributes:
        node: the convolution or dense layer.
        bits: width of its weights.
        source: group of the values it reads.
        area: positions of the average pool it reads, 1 where it reads none.
        target: the value whose levels it makes; None for an output.
    """

    node: Node
    bits: int
    source: str
    area: int
    target: str | None


@dataclass(frozen=True)
class Plan:
    """The whole of it.

    Attributes:
        graph: the CANONICAL graph.
        levels: by value.
        sums: by node.
        layers: by fired value or output, the nodes that add up to it.
        scales: real value of a level to begin with, by group.
        fixed: groups whose scale is not learned, those of the inputs.
    """

    graph: Graph
    levels: Mapping[str, Levels]
    sums: Mapping[str, Sum]
    layers: Mapping[str, tuple[str, ...]]
    scales: Mapping[str, float]
    fixed: frozenset[str]

    @property
    def fired(self) -> list[str]:
        """Return the names of the layers whose number of levels can be chosen."""
        return [name for name in self.levels if name not in {i.name for i in self.graph.inputs}]


def make_plan(graph: Graph, data: Mapping[str, Array], settings: Settings) -> Plan:
    """Return the plan of a CANONICAL graph.

    Args:
        graph: the graph.
        data: float32 inputs [samples, *shape] by name, some hundred samples.
        settings: levels and widths.

    Raises:
        SnnccError: SNN532, everything that cannot be trained.
    """
    every = list(layers(graph))
    groups = _groups(graph)
    if problems := [*_curves(every), *_mixtures(graph, groups)]:
        raise SnnccError(problems)
    levels, scales = _levels(graph, every, groups, data, settings)
    targets = {linear.name: layer.node.name for layer in every if layer.kind != "readout" for linear in layer.linears}
    linears = [node for node in graph.nodes if node.op.linear]
    sums = {node.name: _sum(graph, node, groups, targets.get(node.name), settings) for node in linears}
    made = {layer.node.name: tuple(n.name for n in layer.linears) for layer in every if layer.linears}
    fixed = frozenset(groups[i.name] for i in graph.inputs)
    return Plan(graph, levels, sums, made, scales, fixed)


def _groups(graph: Graph) -> dict[str, str]:
    """Return the group of every fired value: the first of those that it is joined with."""
    parent = {layer.node.name: layer.node.name for layer in layers(graph)} | {i.name: i.name for i in graph.inputs}

    def root(name: str) -> str:
        while parent[name] != name:
            name = parent[name]
        return name

    for node in graph.nodes:
        if isinstance(node.op, Concat | AveragePool):
            members = [s for name in node.inputs for s in fired_sources(graph, name)]
            members += [node.name] if isinstance(node.op, AveragePool) else []
            for member in members[1:]:
                _join(parent, root(members[0]), root(member), graph)
    return {name: root(name) for name in parent}


def _join(parent: dict[str, str], one: str, other: str, graph: Graph) -> None:
    """Join two groups; an input, whose scale is fixed, leads."""
    if other in {i.name for i in graph.inputs}:
        one, other = other, one
    parent[other] = one


def _curves(every: list[Layer]) -> Iterator[Diagnostic]:
    for layer in every:
        op = layer.node.op
        if isinstance(op, Curve) and op.kind not in TRAINED:
            message = f"activation '{layer.node.name}' ({op.kind}) cannot be fine-tuned"
            hint = "use ReLU, LeakyReLU, PReLU or Hardtanh, or compile the float network with more levels"
            yield Diagnostic("SNN532", message, layer.node.loc, hint)


def _mixtures(graph: Graph, groups: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield sums that read average pools of one size beside other values."""
    for node in graph.nodes:
        if node.op.linear and len({_area(graph, s) for s in fired_sources(graph, node.inputs[0])}) > 1:
            message = f"'{node.name}' reads means over different numbers of positions side by side"
            yield Diagnostic("SNN532", message, node.loc, "pool all that is joined alike, or join after a convolution")


def _area(graph: Graph, name: str) -> int:
    """Return over how many positions a fired value is a mean, pools of pools multiplied."""
    node = graph.node.get(name)
    if node is None or not isinstance(node.op, AveragePool):
        return 1
    return prod(node.op.kernel) * max(_area(graph, s) for s in fired_sources(graph, node.inputs[0]))


def _levels(
    graph: Graph, every: list[Layer], groups: Mapping[str, str], data: Mapping[str, Array], settings: Settings
) -> tuple[dict[str, Levels], dict[str, float]]:
    levels, scales = dict[str, Levels](), dict[str, float]()
    for value in graph.inputs:
        lo, hi = INPUT_LEVELS[bool(data[value.name].min() < 0)]
        levels[value.name] = Levels(value.name, groups[value.name], lo, hi)
        scales[groups[value.name]] = max(_power(data[value.name], lo, hi), scales.get(groups[value.name], 0.0))
    firing = [layer for layer in every if layer.kind in ("fire", "curve")]
    seen = run(graph, data, [layer.node.name for layer in firing]) if firing else {}
    fixed = set(scales)
    for layer in firing:
        name, most = layer.node.name, settings.options.recipes.of(layer.node.name).levels
        scale = activation_scale(np.abs(seen.pop(name)), most, layer.cap, unseen=1)
        levels[name] = _of_layer(layer, groups[name], most, scale)
        if groups[name] not in fixed:
            scales[groups[name]] = max(scale, scales.get(groups[name], 0.0))
    return levels, scales


def _power(values: Array, lo: int, hi: int) -> float:
    """Return the least power of two, as real value of a level, with which no input is clipped by half a level."""
    need = max(float(values.max()) / (hi + 0.5), float(values.min()) / (lo - 0.5), 2.0**-40)
    return float(2.0 ** ceil(log2(need)))


def _of_layer(layer: Layer, group: str, most: int, scale: float) -> Levels:
    name, op = layer.node.name, layer.node.op
    if not isinstance(op, Curve):
        return Levels(name, group, 0, most)
    if op.kind != "clip":
        return Levels(name, group, -most, most)
    low, high = (round(limit / scale) for limit in op.parameters)
    return Levels(name, group, max(-most, min(0, low)), min(most, max(1, high)))


def _sum(graph: Graph, node: Node, groups: Mapping[str, str], target: str | None, settings: Settings) -> Sum:
    sources = fired_sources(graph, node.inputs[0])
    recipes, layer = settings.options.recipes, target or node.name
    bits = recipes.weight_bits(layer)
    outer = target is None or any(source in {i.name for i in graph.inputs} for source in sources)
    single = graph.constants[node.inputs[1]][0].size == 1  # an identity: a skip, or an output that is levels
    own = layer in settings.options.settings["weight_bits"].by_layer
    if (outer or single) and not own:
        bits = max(bits, settings.outer_weight_bits)
    return Sum(node, bits, groups[sources[0]], _area(graph, sources[0]), target)
