"""What SANA-FE must count: its events follow from spikes and synapses alone, so they are known before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.backends.sanafe.layout import GATE, Group, place_of
from snncc.backends.sanafe.network import Edges, Network
from snncc.backends.sanafe.roles import INPUT, POOL

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
ORIGINS = {GATE: "gates", INPUT: "inputs"}  # of an event: whose spike makes it; "program" for all other groups


def events_of(network: Network, spikes: Mapping[str, Bools]) -> dict[str, dict[str, Any]]:
    """Return the events of a run, by the origin of the spike that makes them.

    ``synapses`` by synapse unit; ``messages``, one for each spike and core that it reaches; ``hops_x`` and ``hops_y``
    of them; ``accesses``, ``updates`` and ``spikes`` of neurons that integrate, inputs and gate lines being free.

    Args:
        network: what runs.
        spikes: bool [steps, neurons] by name of the group.
    """
    sent = {name: raster.sum(axis=0) for name, raster in spikes.items()}
    found = {origin: _sent(network, sent, origin) for origin in ("program", "inputs", "gates")}
    found["program"] |= _neurons(network, sent, len(next(iter(spikes.values()))))
    return found


def _sent(network: Network, sent: Mapping[str, Ints], origin: str) -> dict[str, Any]:
    """Return what the spikes of groups of one origin make."""
    edges = [e for e in network.edges if ORIGINS.get(e.source_group.role, "program") == origin]
    synapses: dict[str, int] = {}
    for edge in edges:
        unit = network.units[edge.target_group.population]
        synapses[unit] = synapses.get(unit, 0) + int(sent[edge.source_group.name][edge.source].sum())
    return {"synapses": synapses, **_messages(edges, sent)}


def _messages(edges: Iterable[Edges], sent: Mapping[str, Ints]) -> dict[str, int]:
    """Return messages and their hops."""
    reached: dict[tuple[str, int], tuple[Group, set[int]]] = {}
    for edge in edges:
        place = edge.source_group.name, edge.target_group.core
        reached.setdefault(place, (edge.source_group, set()))[1].update(np.unique(edge.source).tolist())
    total = {"messages": 0, "hops_x": 0, "hops_y": 0}
    for (name, core), (group, neurons) in reached.items():
        messages = int(sent[name][sorted(neurons)].sum())
        (x, y), (to_x, to_y) = place_of(group.core), place_of(core)
        total["messages"] += messages
        total["hops_x"] += messages * abs(x - to_x)
        total["hops_y"] += messages * abs(y - to_y)
    return total


def _neurons(network: Network, sent: Mapping[str, Ints], steps: int) -> dict[str, int]:
    """Return what neurons do.

    SANA-FE looks at every neuron in every step; it updates those whose potential is not 0 or that hear something: a
    pool when it fires, all others in every step but the first, in which nothing has reached them.
    """
    own = [group for group in network.groups if group.role not in ORIGINS]
    spikes = {group.name: int(sent[group.name].sum()) for group in own}
    updates = [spikes[g.name] if g.role == POOL else len(g.neurons) * (steps - 1) for g in own]
    return {
        "neurons": sum(len(group.neurons) for group in own),
        "accesses": sum(len(group.neurons) for group in own) * steps,
        "updates": sum(updates),
        "spikes": sum(spikes.values()),
    }
