"""What a user can type against a cause: options of ``snncc compile`` with the layer in question filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from snncc.compiler.quantize.averages import MOST_LEVELS
from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.refining import OFF

MOST_WEIGHT_BITS = 8
MORE_BITS = 2  # of levels, which quarter the step
DATA = "calibrate with more inputs, as large as those to come"


class Knobs:
    """Knows what a program was compiled with."""

    def __init__(self, settings: Mapping[str, object]) -> None:
        """Read the settings that a program keeps of its compilation."""
        recipes: Any = settings.get("recipes") or {}
        self._default: dict[str, Any] = asdict(Recipe())
        self._default |= {key: value for key, value in recipes.items() if key != "by_layer"}
        for key in ("levels", "weight_bits"):
            if key not in recipes and isinstance(settings.get(key), int):
                self._default[key] = settings[key]
        self._by_layer: Mapping[str, Mapping[str, Any]] = recipes.get("by_layer") or {}

    def of(self, layer: str, key: str) -> Any:
        """Return a layer's ``levels``, ``weight_bits``, ``scales`` or ``rounding``."""
        return self._by_layer.get(layer, {}).get(key, self._default[key])

    def weight_bits(self, layer: str) -> int:
        """Return the width of a layer's weights."""
        return int(self.of(layer, "weight_bits"))

    def reduced(self, layer: str, cause: str) -> bool:
        """Return whether an option of its own gives a layer less against a cause than others have."""
        mine = self._by_layer.get(layer, {})
        if cause in (causes.WEIGHT_ROUNDING, causes.UNIT_ROUNDING, causes.BIAS_ROUNDING):
            fewer = int(mine.get("weight_bits", self._default["weight_bits"])) < int(self._default["weight_bits"])
            return fewer or ":" in str(mine.get("rounding", ""))
        fewer = int(mine.get("levels", self._default["levels"])) < int(self._default["levels"])
        return fewer or (cause == causes.CLIPPING and "scales" in mine)

    def usual(self, key: str) -> Any:
        """Return the choice for layers that have none of their own."""
        return self._default[key]

    def against(self, cause: str, layer: Layer) -> str:
        """Return the options to try against a measured cause in a layer."""
        if cause == causes.INPUT_CLIPPING:
            return "calibrate with inputs as large as those to come"
        if cause in (causes.INPUT_ROUNDING, causes.LEVEL_ROUNDING):
            return self._more_levels(layer)
        if cause == causes.CLIPPING:
            return self._wider(layer)
        if cause == causes.POOL_ROUNDING:
            most = max(1, (MOST_LEVELS // layer.area + 1).bit_length() - 1)
            return f"{self._bits(layer.reads[0], most)}: then the sums are exact" if layer.reads else "a smaller pool"
        if cause == causes.RANGE_REPAIR:
            return self._narrower(layer)
        return self._finer_weights(layer)

    def against_levels(self, cause: str, layer: Layer, ratio: float) -> str:
        """Return what to try where clipping and rounding were looked at together; ``ratio`` as in ``Levelling``."""
        if cause == causes.CLIPPING:
            return self._wider(layer)
        if cause == causes.CHANNEL_SPREAD:
            return f"{self._more_levels(layer)}, or a ReLU without bound, whose channels the compiler can rescale"
        if ratio > OFF and self.of(layer.name, "scales") != "mse":
            return f"--scales {self.usual('scales')},{layer.name}=mse"
        return self._more_levels(layer)

    def _more_levels(self, layer: Layer) -> str:
        assert layer.levels is not None
        return self._bits(layer.name, min(16, layer.levels.magnitude.bit_length() + MORE_BITS))

    def _bits(self, layer: str, bits: int) -> str:
        usual = int(self.usual("levels"))
        if (usual + 1).bit_count() == 1:
            return f"--bits {usual.bit_length()},{layer}={bits}"
        return f"--levels {usual},{layer}={(1 << bits) - 1}"

    def _wider(self, layer: Layer) -> str:
        if self.of(layer.name, "scales") == "max":
            return DATA
        other = "max" if self.of(layer.name, "scales") != "mse" else "percentile:99.99"
        other = "mse" if str(self.of(layer.name, "scales")).startswith("percentile") else other
        return f"--scales {self.usual('scales')},{layer.name}={other}, or {DATA}"

    def _narrower(self, layer: Layer) -> str:
        source = layer.reads[0] if layer.reads else layer.name
        own, usual = int(self.of(source, "levels")), int(self.usual("levels"))
        return self._bits(source, max(1, usual.bit_length() if own > usual else own.bit_length() - 1))

    def _finer_weights(self, layer: Layer) -> str:
        if int(self.of(layer.name, "weight_bits")) < MOST_WEIGHT_BITS:
            return f"--weight-bits {self.usual('weight_bits')},{layer.name}={MOST_WEIGHT_BITS}"
        if ":" in str(self.of(layer.name, "rounding")) or self.of(layer.name, "rounding") == "nearest":
            return f"--rounding {self.usual('rounding')},{layer.name}=adaptive"
        return "train with weights of this width"
