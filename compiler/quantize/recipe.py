"""How each layer is quantized: what a user, or the tuner, chooses of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

ROUNDINGS = ("nearest", "adaptive", "adaptive:0.5")


def is_rounding(text: str) -> bool:
    """Return whether a text names a rounding: nearest, adaptive, or adaptive:SHARE with a share in (0, 1)."""
    name, colon, share = text.partition(":")
    if not colon:
        return name in ROUNDINGS
    try:
        return name == "adaptive" and 0 < float(share) < 1
    except ValueError:
        return False


@dataclass(frozen=True)
class Recipe:
    """The choices for one layer.

    Attributes:
        levels: Q, the greatest level; signed activations have levels -Q..Q. A readout has none.
        weight_bits: width of a weight, sign included, 2..8.
        scales: how the real value of a level is found: see ``scales.find_scale``.
        rounding: ``nearest``; ``adaptive`` for the integer weights that reproduce the layer's float charges best; with
            ``adaptive:0.5`` half of them are zero, and no synapses.
    """

    levels: int = 15
    weight_bits: int = 8
    scales: str = "mse"
    rounding: str = "adaptive"

    @property
    def adaptive(self) -> bool:
        """Return whether weights are rounded to what they do."""
        return self.rounding.startswith("adaptive")

    @property
    def zeros(self) -> float:
        """Return the share of weights that are to be zero."""
        return float(self.rounding.partition(":")[2] or 0)


@dataclass(frozen=True)
class Recipes:
    """One recipe for most layers, others for single ones.

    Attributes:
        default: the recipe of all other layers.
        by_layer: by the name of the layer's node in the integer network.
    """

    default: Recipe = Recipe()
    by_layer: Mapping[str, Recipe] = field(default_factory=dict)

    def of(self, layer: str) -> Recipe:
        """Return the recipe of a layer."""
        return self.by_layer.get(layer, self.default)

    def weight_bits(self, layer: str) -> int:
        """Return the width of a layer's weights."""
        return self.of(layer).weight_bits

    def told(self) -> dict[str, object]:
        """Return the recipes as JSON values: the default's fields, and what single layers have instead."""
        usual = asdict(self.default)
        others = {
            name: {key: value for key, value in asdict(recipe).items() if value != usual[key]}
            for name, recipe in self.by_layer.items()
        }
        return usual | {"by_layer": others}
