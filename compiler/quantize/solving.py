"""Integer weights of a layer whose sources are known: calibrated on the levels that those really send."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.ir.graph import Array, Graph
from snncc.compiler.quantize.calibrate import charge_means, limited, piece, run, sources_of
from snncc.compiler.quantize.layers import Layer, layer_bias, layers
from snncc.compiler.quantize.shares import Share, Shares, Weights, by_linear
from snncc.compiler.quantize.weights import Edge, IntegerLayer

Floats = npt.NDArray[np.floating]


@dataclass
class Calibration:
    """What is known of the network so far, while its layers are quantized in data-flow order.

    Attributes:
        graph: the CANONICAL graph.
        data: float inputs [samples, *shape] by name.
        values: levels of fired values on them, int32 [samples, *shape].
        scale: real value of a level, by fired value.
        domain: levels of a fired value.
        means: mean charge of each channel of the float network, by layer.
    """

    graph: Graph
    data: Mapping[str, Array]
    values: dict[str, npt.NDArray[np.int32]] = field(default_factory=dict)
    scale: dict[str, float] = field(default_factory=dict)
    domain: dict[str, Levels] = field(default_factory=dict)
    means: Mapping[str, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Run the float network once."""
        self.data = limited(self.graph, self.data)
        self.shares = Shares(self.graph)
        charges = list(dict.fromkeys(layer.charge for layer in layers(self.graph) if layer.linears))
        self.means = charge_means(self.graph, self.data, charges)

    def know(self, name: str, levels: npt.NDArray[np.int32], scale: float, domain: Levels) -> None:
        """Enter a fired value."""
        self.values[name], self.scale[name], self.domain[name] = levels, scale, domain

    def shares_of(self, layer: Layer) -> list[Share]:
        """Return the edges of a layer, one for each fired value that each of its linear nodes reads.

        Raises:
            MixedScalesError: see ``Shares.of``.
        """
        return [share for linear in layer.linears for share in self.shares.of(linear)]

    def edges(self, shares: list[Share]) -> list[Edge]:
        """Return the edges with the scales and levels of their sources."""
        return [share.edge(self.scale, self.domain) for share in shares]

    def real_charge(self, layer: Layer) -> Floats:
        """Return the pre-activation, bias included, that the float weights make of the levels sent, in real units."""
        return self.run(layer.charge, {}, real=True)

    def levels(self, name: str) -> npt.NDArray[np.floating]:
        """Return a value that moves levels, [samples, *shape], in whole levels."""
        return self.values[name].astype(np.float32) if name in self.values else self.run(name, {}, real=False)

    def run(self, target: str, weights: Mapping[str, Array], real: bool) -> Floats:
        """Return a charge on the calibration levels, in real units or with sources in whole levels."""
        inputs = {}
        for name in sources_of(self.graph, target):
            factor = self.scale[name] if real else 1.0
            inputs[name] = self.values[name].astype(np.float32) * np.float32(factor)
        return run(piece(self.graph, target, weights), inputs)[target]

    def solve(
        self, layer: Layer, shares: list[Share], make: Callable[[Floats], IntegerLayer]
    ) -> tuple[IntegerLayer, Weights, Floats]:
        """Return the integer layer, its bias corrected, the weights by linear node, and its charge without bias.

        The correction makes the mean charge of every channel, over calibration samples and positions, that of the float
        network (bias correction: Nagel et al., 2019, "Data-free quantization through weight equalization and bias
        correction", section 4.2, with measured means).
        """
        bias = self.bias(layer)
        first = make(bias)
        weights = by_linear(shares, first.weights)
        charge = self._charge(layer, weights)
        seen = charge.reshape(*charge.shape[:2], -1).mean(axis=(0, 2)) * first.unit
        seen = seen + bias.reshape(len(bias), -1).mean(axis=1)
        shift = self.means[layer.charge] - seen
        integer = make(bias + shift.reshape(-1, *(1,) * (bias.ndim - 1)))
        if all(np.array_equal(a, b) for a, b in zip(first.weights, integer.weights, strict=True)):
            return integer, weights, charge
        weights = by_linear(shares, integer.weights)
        return integer, weights, self._charge(layer, weights)

    def _charge(self, layer: Layer, weights: Weights) -> npt.NDArray[np.float64]:
        """Return the sum of the integer edges on the calibration levels, without bias."""
        constants: dict[str, Array] = {}
        for linear in layer.linears:
            constants[linear.inputs[1]] = weights[linear.name].astype(np.float32)
            for bias in linear.inputs[2:]:
                constants[bias] = np.zeros_like(self.graph.constants[bias])
        return self.run(layer.charge, constants, real=False).astype(np.float64)

    def bias(self, layer: Layer) -> Floats:
        """Return the sum of the edges' biases, [channels] unless one of them is per position."""
        return layer_bias(self.graph, layer)
