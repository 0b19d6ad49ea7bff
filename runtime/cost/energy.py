"""What events cost in energy: counts times the energies of a table, for each kind, layer and core.

    energy = sum over kinds of  events x energy of one

What the table does not state is absent, not 0: it is named beside every sum that lacks it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from snncc.compiler.targets.target import CostTable
from snncc.runtime.cost.events import KINDS, Events, Floats, summed
from snncc.runtime.cost.timing import COMPUTE


@dataclass(frozen=True)
class KindCost:
    """What events of one kind cost in an inference.

    Attributes:
        kind: a key of PRICED.
        events: mean number in an inference; None where not counted.
        each_pj: energy of one; None where the table states none.
        energy_pj: their product; 0 where there are no events, None where a factor is absent.
    """

    kind: str
    events: float | None
    each_pj: float | None
    energy_pj: float | None


@dataclass(frozen=True)
class PartCost:
    """What a layer, or a core, costs in an inference.

    Attributes:
        name: of the layer, or of the core.
        neurons: how many there are.
        events: mean number by kind that was counted.
        energy_pj: over the kinds that the table states; None where it states none.
        core_ns: time that cores compute for it, see ``timing``, added up; None where the table states none.
    """

    name: str
    neurons: int
    events: dict[str, float]
    energy_pj: float | None
    core_ns: float | None


@dataclass(frozen=True)
class Energy:
    """The energy of an inference, in pJ; without that of chips that do nothing.

    Attributes:
        dynamic_pj: over the kinds that the table states; None where it states none that occurs.
        without: kinds that occur, or may, and have no energy here.
        kinds: every kind.
        layers: in data-flow order.
        cores: by number.
    """

    dynamic_pj: float | None
    without: tuple[str, ...]
    kinds: tuple[KindCost, ...]
    layers: tuple[PartCost, ...]
    cores: tuple[PartCost, ...]


def energy(events: Events, table: CostTable) -> Energy:
    """Return what an inference costs by a table."""
    means = events.means()
    kinds = tuple(_kind(kind, means.get(kind), table.energy.get(kind)) for kind in KINDS)
    known = [kind.energy_pj for kind in kinds if kind.energy_pj is not None and kind.each_pj is not None]
    cores = _parts(events, means, table, [part.core for part in events.slices])
    return Energy(
        sum(known) if known else None,
        tuple(kind.kind for kind in kinds if kind.energy_pj is None),
        kinds,
        _parts(events, means, table, [part.population for part in events.slices]),
        tuple(sorted(cores, key=lambda part: int(part.name))),
    )


def _kind(kind: str, events: Floats | None, each: float | None) -> KindCost:
    total = None if events is None else float(events.sum())
    if total == 0:
        return KindCost(kind, 0.0, each, 0.0)
    return KindCost(kind, total, each, None if total is None or each is None else total * each)


def _parts(
    events: Events, means: Mapping[str, Floats], table: CostTable, keys: Sequence[object]
) -> tuple[PartCost, ...]:
    """Return costs summed over the slices that share a key; slices that the host plays have none."""
    some = np.flatnonzero(events.on_core).tolist()
    picked = [keys[i] for i in some]
    sizes = summed(np.array([events.slices[i].size for i in some], dtype=np.float64), picked)
    sums = {kind: summed(values[some], picked) for kind, values in means.items()}
    found = []
    for key, size in sizes.items():
        of = {kind: values[key] for kind, values in sums.items()}
        computing = {kind: each for kind, each in table.time.items() if kind in COMPUTE}
        found.append(PartCost(str(key), int(size), of, _priced(of, table.energy), _priced(of, computing)))
    return tuple(found)


def _priced(events: Mapping[str, float], each: Mapping[str, float]) -> float | None:
    priced = [count * each[kind] for kind, count in events.items() if kind in each]
    return sum(priced) if priced else None
