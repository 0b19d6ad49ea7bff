"""What one point of the search was found to lose and to cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OBJECTIVES = {"energy": "picojoules", "latency": "latency_steps", "interval": "initiation_interval", "synops": "synops"}

FARTHEST = 1e12


@dataclass(frozen=True)
class Cost:
    """What an inference of one program costs.

    Attributes:
        coding: the codings, as ``snncc.compile`` takes them.
        latency_steps: from the first input spike to the answer.
        initiation_interval: steps from one sample to the next.
        synops: mean synaptic events, counted on the levels of tuning samples and the synapses of the lowered program.
        updates: neuron updates: interval times neurons.
        picojoules: events and updates by the target's cost, a model.
        edges: mean synaptic events from one population to another, by ``source>receiver``.
    """

    coding: str | Mapping[str, str]
    latency_steps: int
    initiation_interval: int
    synops: float
    updates: int
    picojoules: float
    edges: Mapping[str, float] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Outcome:
    """What was measured at a point.

    Attributes:
        loss: lost against the float network on the tuning data; see ``snncc.runtime.diagnosis.scoring.Loss`` for unit.
        low: lower end of its 95% interval.
        high: upper end.
        drift: how far the outputs are from the float network's; see ``snncc.runtime.tuning.drift``.
        cost: of the program in the codings that cost least; None where the point was refused.
        refused: why the point cannot be compiled; empty where it can.
        seconds: processor time that it took.
    """

    loss: float
    low: float
    high: float
    drift: float
    cost: Cost | None
    refused: str = ""
    seconds: float = 0.0

    def objective(self, minimize: str) -> float:
        """Return what is to be minimized, a key of OBJECTIVES; infinite where the point was refused."""
        return float("inf") if self.cost is None else float(getattr(self.cost, OBJECTIVES[minimize]))

    def to_json(self) -> dict[str, Any]:
        """Return the outcome as JSON has it."""
        return asdict(self)


def from_json(plain: Mapping[str, Any]) -> Outcome:
    """Return the outcome that ``Outcome.to_json`` was made of."""
    cost = plain["cost"]
    return Outcome(**{**plain, "cost": None if cost is None else Cost(**cost)})


def refusal(reason: str, seconds: float) -> Outcome:
    """Return the outcome of a point that cannot be compiled: it has no cost, and drifts as far as can be."""
    return Outcome(0.0, 0.0, 0.0, FARTHEST, None, reason, seconds)
