"""A model of what a choice per layer would lose and cost, from two probes a layer; measurements have the last word.

    drift = drift of the base + sum over layers of
            A ((7 / Q)^2 - (7 / Q_base)^2)     noise of levels, by the square of their size
          + C (z / (1 - z))^2                  weights made zero, by what was seen: the last ones cost most

    events = sum over edges of  events of the base x activity of the source x (1 - z of the receiver)

A and C are what the probes Q = 7 and z = 1/2 of that layer alone added. Activities are those that the sweep found with
one recipe throughout.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.outcome import Outcome
from snncc.runtime.tuning.point import Point, uniform
from snncc.runtime.tuning.space import LEVELS, with_zeros
from snncc.runtime.tuning.trials import Trials

PROBED_LEVELS, PROBED_ZEROS = 7, 0.5
LEAST = 1e-2  # share of the mean slope of all layers that a slope counts at least: small ones drown in noise
ROUNDS = 6  # in which the choices of single layers are fitted to each other
Edges = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Choice:
    """A layer's levels, and the share of its weights that are zero."""

    levels: int
    zeros: float = 0.0


@dataclass(frozen=True)
class Slopes:
    """What the probes of one layer added to the drift."""

    levels: float
    zeros: float


@dataclass(frozen=True)
class Model:
    """Predicts drift and events of choices by layer.

    Attributes:
        base: the recipe that all layers have in the base.
        drift: drift of the base.
        slopes: by layer.
        edges: synaptic events of the base, (source, receiver) to number; sources are layers, or inputs.
        activity: events that a layer causes with so many levels, over those of the base.
        shares: of weights that may be zero, by layer.
    """

    base: Recipe
    drift: float
    slopes: Mapping[str, Slopes]
    edges: Edges
    activity: Mapping[str, Mapping[int, float]]
    shares: Mapping[str, Sequence[float]]

    def loss_of_levels(self, layer: str, levels: int) -> float:
        """Return the drift that a number of levels of a layer adds."""
        here, base, probe = ((PROBED_LEVELS / q) ** 2 for q in (levels, self.base.levels, PROBED_LEVELS))
        return self.slopes[layer].levels * (here - base) / max(probe - base, 1e-6)

    def loss_of_zeros(self, layer: str, zeros: float) -> float:
        """Return the drift that zeros among a layer's weights add."""
        return self.slopes[layer].zeros * (zeros / (1 - zeros)) ** 2

    def drift_of(self, choices: Mapping[str, Choice]) -> float:
        """Return the drift of choices for all layers."""
        added = (self.loss_of_levels(n, c.levels) + self.loss_of_zeros(n, c.zeros) for n, c in choices.items())
        return self.drift + sum(added)

    def sent(self, layer: str, levels: int) -> float:
        """Return the activity of a source."""
        return self.activity.get(layer, {}).get(levels, 1.0)

    def caused(self, layer: str, choices: Mapping[str, Choice]) -> float:
        """Return the events that a layer would cause with the activity it has in the base."""
        return sum(
            events * (1 - choices[receiver].zeros if receiver in choices else 1.0)
            for (source, receiver), events in self.edges.items()
            if source == layer
        )

    def heard(self, layer: str, choices: Mapping[str, Choice]) -> float:
        """Return the events that would reach a layer if none of its weights were zero that is not in the base."""
        return sum(
            events * (self.sent(source, choices[source].levels) if source in choices else 1.0)
            for (source, receiver), events in self.edges.items()
            if receiver == layer
        )

    def events(self, choices: Mapping[str, Choice]) -> float:
        """Return the events of choices for all layers."""
        return sum(
            events
            * (self.sent(source, choices[source].levels) if source in choices else 1.0)
            * (1 - choices[receiver].zeros if receiver in choices else 1.0)
            for (source, receiver), events in self.edges.items()
        )

    def point(self, choices: Mapping[str, Choice]) -> Point:
        """Return the point that choices for all layers stand for."""
        return Point(tuple((name, self._recipe(choice)) for name, choice in choices.items()))

    def _recipe(self, choice: Choice) -> Recipe:
        rounding = with_zeros(choice.zeros) if choice.zeros else self.base.rounding
        return replace(self.base, levels=choice.levels, rounding=rounding)

    def choices(self, weight: float) -> dict[str, Choice]:
        """Return the choices that minimize events over those of the base + weight x drift."""
        total = sum(self.edges.values()) or 1.0
        found = dict.fromkeys(self.slopes, Choice(self.base.levels))
        for _ in range(ROUNDS):
            before = dict(found)
            for layer in self.slopes:
                found[layer] = self._best(layer, found, weight * total)
            if found == before:
                break
        return found

    def _best(self, layer: str, others: Mapping[str, Choice], weight: float) -> Choice:
        out, into = self.caused(layer, others), self.heard(layer, others)
        known = {self.base.levels, *self.activity.get(layer, {})}
        levels = min(
            (q for q in LEVELS if q in known and q <= self.base.levels),
            key=lambda q: (out * self.sent(layer, q) + weight * self.loss_of_levels(layer, q), -q),
        )
        zeros = min((0.0, *self.shares[layer]), key=lambda z: into * (1 - z) + weight * self.loss_of_zeros(layer, z))
        return Choice(levels, zeros)


def probe(trials: Trials, shares: Mapping[str, Sequence[float]], base: Point) -> Model:
    """Measure each layer by itself, and return the model.

    Args:
        trials: what has been measured.
        shares: of weights that may be zero, by layer.
        base: a point with one recipe throughout.

    Raises:
        Spent: the budget did not last.
    """
    start, recipe, layers = trials.known[base], base.recipes[0][1], tuple(shares)
    coarser = trials.measure(base.changed(layer, levels=PROBED_LEVELS) for layer in layers)
    sparser = trials.measure(base.changed(layer, rounding=with_zeros(PROBED_ZEROS)) for layer in layers)
    slopes = zip(_added(coarser, start), _added(sparser, start), strict=True)
    edges, owner = _edges(start, layers)
    (plain,) = trials.measure([uniform(layers, Recipe(levels=recipe.levels))])
    return Model(
        recipe,
        start.drift,
        {layer: Slopes(*pair) for layer, pair in zip(layers, slopes, strict=True)},
        edges,
        {layer: _activity(trials, layers, layer, plain, owner) for layer in layers},
        shares,
    )


def _added(found: Sequence[Outcome], start: Outcome) -> list[float]:
    """Return the drifts that probes added, none below a share of their mean."""
    added = [max(one.drift - start.drift, 0.0) for one in found]
    finite = [one for one, outcome in zip(added, found, strict=True) if outcome.cost is not None]
    least = max(LEAST * sum(finite) / max(len(finite), 1), 1e-9)
    return [max(one, least) for one in added]


def _edges(outcome: Outcome, layers: Sequence[str]) -> tuple[dict[tuple[str, str], float], dict[str, str]]:
    """Return events by source and receiver, and the layer behind each population that sends another's levels on."""
    assert outcome.cost is not None
    owner: dict[str, str] = {}
    found: dict[tuple[str, str], float] = {}
    for edge, events in outcome.cost.edges.items():
        source, _, receiver = edge.partition(">")
        source = owner.get(source, source)
        if receiver not in layers:
            owner[receiver] = source
        found[source, receiver] = found.get((source, receiver), 0.0) + events
    return found, owner


def _activity(
    trials: Trials, layers: Sequence[str], layer: str, plain: Outcome, owner: Mapping[str, str]
) -> dict[int, float]:
    """Return the events that a layer causes at each number of levels that was swept, over those of the base."""
    base = _caused(plain, layer, owner)
    found = {}
    for levels in LEVELS:
        outcome = trials.known.get(uniform(layers, Recipe(levels=levels)))
        if outcome is not None and outcome.cost is not None:
            found[levels] = _caused(outcome, layer, owner) / base if base else 1.0
    return found


def _caused(outcome: Outcome, layer: str, owner: Mapping[str, str]) -> float:
    cost = outcome.cost
    if cost is None:
        return 0.0
    pairs = ((edge.partition(">")[0], events) for edge, events in cost.edges.items())
    return sum(events for source, events in pairs if owner.get(source, source) == layer)
