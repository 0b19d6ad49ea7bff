"""Points of the search: what each layer of one integer network is quantized with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from snncc.compiler.ir.graph import Graph
from snncc.compiler.options import Options, make_options
from snncc.compiler.quantize.layers import layers
from snncc.compiler.quantize.recipe import Recipe
from snncc.compiler.targets import load_target
from snncc.runtime.tuning.space import ZEROS

FIELDS = tuple(field.name for field in fields(Recipe))
Value = int | float | str


@dataclass(frozen=True)
class Point:
    """One choice of all that decides about the integer network; codings do not.

    Attributes:
        recipes: name of each layer and its recipe, in the order of the network.
    """

    recipes: tuple[tuple[str, Recipe], ...]

    @property
    def by_layer(self) -> dict[str, Recipe]:
        """Return the recipes by layer."""
        return dict(self.recipes)

    def settings(self) -> dict[str, Any]:
        """Return the options of ``snncc.compile`` that make this network: one value, or a mapping by layer."""
        return {name: _told([(layer, getattr(recipe, name)) for layer, recipe in self.recipes]) for name in FIELDS}

    def options(self, target: str, coding: str | Mapping[str, str] | None = None) -> Options:
        """Return checked options, weights no wider than the target stores."""
        most = load_target(target).weight_bits
        stored = (replace(recipe, weight_bits=min(recipe.weight_bits, most)) for _, recipe in self.recipes)
        narrowed = Point(tuple(zip(self.by_layer, stored, strict=True)))
        return make_options(target, coding, **narrowed.settings())

    def params(self) -> dict[str, Value]:
        """Return the point as a flat mapping, ``layer.field`` to value, as a study keeps it."""
        return {f"{layer}.{name}": value for layer, recipe in self.recipes for name, value in asdict(recipe).items()}

    def changed(self, layer: str, **values: Value) -> Point:
        """Return the point with one layer changed."""
        made = {name: replace(recipe, **values) if name == layer else recipe for name, recipe in self.recipes}  # type: ignore[arg-type]
        return Point(tuple(made.items()))


def layer_names(canonical: Graph) -> tuple[str, ...]:
    """Return the layers of a CANONICAL graph that have recipes: all that add up weights, in order."""
    return tuple(dict.fromkeys(layer.node.name for layer in layers(canonical) if layer.linears))


def shares_of_zeros(canonical: Graph) -> dict[str, tuple[float, ...]]:
    """Return by layer the shares of weights that may be zero: each sum keeps a weight of every neuron at least."""
    found: dict[str, tuple[float, ...]] = {}
    for layer in layers(canonical):
        fan_in = [int(np.prod(canonical.constants[linear.inputs[1]].shape[1:])) for linear in layer.linears]
        if fan_in:
            known = found.get(layer.node.name, ZEROS)
            found[layer.node.name] = tuple(share for share in known if round(share * min(fan_in)) < min(fan_in))
    return found


def uniform(names: Iterable[str], recipe: Recipe) -> Point:
    """Return the point with one recipe throughout."""
    return Point(tuple((name, recipe) for name in names))


def from_params(names: Iterable[str], params: Mapping[str, Any]) -> Point:
    """Return the point that ``Point.params`` was made of."""
    return Point(tuple((name, Recipe(**{key: params[f"{name}.{key}"] for key in FIELDS})) for name in names))


def _told(values: Sequence[tuple[str, Any]]) -> Any:
    """Return one value, or a mapping by layer with the most frequent one under ``""``."""
    usual = Counter(value for _, value in values).most_common(1)[0][0]
    others = {layer: value for layer, value in values if value != usual}
    return {"": usual, **others} if others else usual
