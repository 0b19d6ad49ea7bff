"""What a program costs: the verdict first, then the figures; one set of data for people and for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from snncc.runtime.cost.energy import Energy
from snncc.runtime.cost.neurobench import NeuroBench
from snncc.runtime.cost.timing import Timing


@dataclass(frozen=True)
class AtRate:
    """What inferences cost that come at a rate, below what is possible.

    Attributes:
        rate: inferences in a second.
        duty_cycle: share of the time in which chips step; None where the table states no time. Above 1 the rate is out
            of reach.
        dynamic_pj: energy of events in an inference; of a program with the updates of the steps that push the answer
            out, where no other inference does; None where the table states none.
        static_pj: static energy of an inference; None where the table states no static power.
        total_pj: with the dynamic one; None where either is absent.
        average_watts: static power and dynamic energy times rate; None where either is absent.
        answer_ns: time from an inference's first step to its answer: chips step on until it is out, and wait for no
            other; the latency back to back, whose steps are as full or fuller. None where the table states no time.
    """

    rate: float
    duty_cycle: float | None
    dynamic_pj: float | None
    static_pj: float | None
    total_pj: float | None
    average_watts: float | None
    answer_ns: float | None

    @property
    def reached(self) -> bool:
        """Return whether inferences can come so fast, as far as the table knows."""
        return self.duty_cycle is None or self.duty_cycle <= 1


@dataclass(frozen=True, eq=False)
class Side:
    """What an inference costs as spikes, or as frames.

    Attributes:
        energy: of events.
        timing: of steps.
        static_watts: of all chips in use; None where the table states none.
        static_pj: the same times the time from one inference to the next, back to back; None where one is absent.
        total_pj: dynamic and static energy; None where either is absent.
        interval_steps: steps from one inference to the next.
        latency_steps: steps from the first spike to the answer.
        at_rate: at the rate that was asked for; None where none was.
    """

    energy: Energy
    timing: Timing
    static_watts: float | None
    static_pj: float | None
    total_pj: float | None
    interval_steps: int
    latency_steps: int
    at_rate: AtRate | None

    @property
    def without(self) -> dict[str, list[str]]:
        """Return what the energies and the times lack, as the table states none of it."""
        static = ["static power"] if self.static_watts is None else []
        return {"energy": [*self.energy.without, *static], "time": list(self.timing.without)}


@dataclass(frozen=True, eq=False)
class CostReport:
    """The result of ``cost``. Energies and times are modelled, events counted.

    Attributes:
        program: name of the program.
        target: name of the chip or board.
        placed: whether events were counted on its cores; else on one core without limits.
        cores: cores in use.
        tiles: tiles in use.
        chips: chips in use.
        table: name of the cost table.
        table_source: whose figures those are.
        sources: what the sources named in the table's figures stand for.
        absent: why figures of the table are absent, by their path, such as ``energy.spike``.
        samples: samples that events are means of.
        spiking: the program.
        frames: the same network as an 8-bit integer ANN, frame by frame, on the same cores.
        neurobench: NeuroBench's metrics.
        notes: what else one should know.
    """

    program: str
    target: str
    placed: bool
    cores: int
    tiles: int
    chips: int
    table: str
    table_source: str
    sources: dict[str, str]
    absent: dict[str, str]
    samples: int
    spiking: Side
    frames: Side
    neurobench: NeuroBench
    notes: tuple[str, ...]

    @property
    def reached(self) -> bool:
        """Return whether the program keeps up with the rate that was asked for, as far as the table knows."""
        return self.spiking.at_rate is None or self.spiking.at_rate.reached

    @property
    def ratio(self) -> float | None:
        """Return the ANN's energy over the program's, static energy included; None where one is absent."""
        return _over(self.frames.total_pj, self.spiking.total_pj)

    @property
    def event_ratio(self) -> float | None:
        """Return the same of events alone."""
        return _over(self.frames.energy.dynamic_pj, self.spiking.energy.dynamic_pj)

    def to_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        sides = {"spiking": _side(self.spiking), "frames": _side(self.frames)}
        ratios = {"ann_over_spiking": self.ratio, "ann_over_spiking_events": self.event_ratio}
        more = {"neurobench": asdict(self.neurobench), "notes": list(self.notes)}
        return {"kind": "modelled"} | plain | sides | ratios | more


_PLAIN = (
    "program", "target", "placed", "cores", "tiles", "chips", "table", "table_source", "sources", "absent", "samples",
)  # fmt: skip


def _over(one: float | None, other: float | None) -> float | None:
    return one / other if one is not None and other else None


def _side(side: Side) -> dict[str, Any]:
    timing = side.timing
    steps = {
        "ns": timing.step_ns.tolist(),
        "bound": list(timing.bound),
        "core": [None if core < 0 else core for core in timing.core],
        "layer": [layer or None for layer in timing.layer],
    }
    return {
        "energy": asdict(side.energy),
        "static_watts": side.static_watts,
        "static_pj": side.static_pj,
        "total_pj": side.total_pj,
        "interval_steps": side.interval_steps,
        "latency_steps": side.latency_steps,
        "interval_ns": timing.interval_ns,
        "latency_ns": timing.latency_ns,
        "throughput_per_second": timing.throughput,
        "barrier_ns": timing.barrier_ns,
        "barrier_tiles": timing.barrier_tiles,
        "bottlenecks": [asdict(one) for one in timing.bottlenecks],
        "steps": steps,
        "without": side.without,
        "at_rate": None if side.at_rate is None else asdict(side.at_rate) | {"reached": side.at_rate.reached},
    }
