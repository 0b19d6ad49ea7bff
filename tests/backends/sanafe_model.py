"""What SANA-FE 2.2.9 does with a network file, in a page of numpy, for where SANA-FE is not installed.

It follows SANA-FE's documentation; ``test_sanafe_run`` holds exports against the simulator itself.
In each step every neuron takes the charge that its synapses collected in the last one, then

    v = trunc(64 leak v) / 64 + charge
    fires if v > threshold; soft: v -= threshold, hard: v = reset
    if v < reverse threshold and that resets: v = reverse reset
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
ITEM = re.compile(r'(\w+): (\[[^\]]*\]|"[^"]*"|[^,\]]+)')
HEIGHT, TILE_CORES = 4, 4
FREE = -1e300


@dataclass
class Model:
    """A network as its file has it.

    Attributes:
        names: groups, in the order of the file.
        neurons: attributes of each neuron, those of its group included, by group.
        edges: (source group, source, target group, target, weight).
        core: (column, row, core in the tile) by group.
    """

    names: list[str] = field(default_factory=list)
    neurons: dict[str, list[dict[str, str]]] = field(default_factory=dict)
    edges: list[tuple[str, int, str, int, int]] = field(default_factory=list)
    core: dict[str, tuple[int, int, int]] = field(default_factory=dict)


def read_network(path: Path) -> Model:
    """Read a network file."""
    model, common = Model(), {}
    for line in path.read_text(encoding="ascii").splitlines():
        if named := re.fullmatch(r"    - name: (\w+)", line):
            model.names.append(named[1])
            model.neurons[named[1]] = []
        elif shared := re.fullmatch(r"      attributes: \[(.*)\]", line):
            common = dict(ITEM.findall(shared[1]))
        elif own := re.fullmatch(r"        - (\d+): \[(.*)\]", line):
            assert int(own[1]) == len(model.neurons[model.names[-1]])
            model.neurons[model.names[-1]].append(common | dict(ITEM.findall(own[2])))
        elif edge := re.fullmatch(r"    - (\w+)\.(\d+) -> (\w+)\.(\d+): \[weight: (-?\d+)\]", line):
            model.edges.append((edge[1], int(edge[2]), edge[3], int(edge[4]), int(edge[5])))
        elif place := re.fullmatch(r"  - (\w+): \[core: (\d+)\.(\d+)\]", line):
            model.core[place[1]] = (*divmod(int(place[2]), HEIGHT), int(place[3]))
        else:
            assert line in ("network:", "  name: snncc", "  groups:", "      neurons:", "  edges:", "mappings:"), line
    return model


def simulate(model: Model, steps: int) -> tuple[dict[str, npt.NDArray[np.bool_]], dict[str, Floats], dict[str, Any]]:
    """Return spikes and potentials, [steps, neurons] by group, and counted events."""
    begin, size = {}, 0
    for name in model.names:
        begin[name] = size
        size += len(model.neurons[name])
    every = [neuron for name in model.names for neuron in model.neurons[name]]
    spikes, potentials, updates = _run(every, _wires(model, begin), steps)
    cut = {name: slice(begin[name], begin[name] + len(model.neurons[name])) for name in model.names}
    accesses = sum("spikes" not in neuron for neuron in every) * steps
    events = _events(model, begin, spikes.sum(axis=0)) | {"updates": updates, "accesses": accesses}
    return {n: spikes[:, s] for n, s in cut.items()}, {n: potentials[:, s] for n, s in cut.items()}, events


def _run(
    every: list[dict[str, str]], wires: tuple[Ints, Ints, Floats], steps: int
) -> tuple[npt.NDArray[np.bool_], Floats, int]:
    """Return spikes and potentials, [steps, neurons], and how often neurons are updated."""
    value = {key: np.array([float(n.get(key, other)) for n in every]) for key, other in DEFAULTS.items()}
    soft = np.array([n.get("reset_mode") == "soft" for n in every])
    back = np.array([n.get("reverse_reset_mode") == "hard" for n in every])
    fed, trains, updates = np.array(["spikes" in n for n in every]), _trains(every, steps), 0
    source, target, weight = wires
    potential, charge, heard = np.zeros(len(every)), np.zeros(len(every)), np.zeros(len(every), dtype=bool)
    spikes, potentials = np.zeros((steps, len(every)), dtype=bool), np.zeros((steps, len(every)))
    for step in range(steps):
        updates += int((((potential != 0) | heard) & ~fed).sum())
        potential = np.trunc(64 * value["leak_decay"] * potential) / 64 + charge
        fires = np.where(fed, trains[step], potential > value["threshold"])
        potential = np.where(fires, np.where(soft, potential - value["threshold"], value["reset"]), potential)
        potential = np.where(back & (potential < value["reverse_threshold"]), value["reverse_reset"], potential)
        met, charge = fires[source], np.zeros(len(every))
        np.add.at(charge, target[met], weight[met])
        heard = np.bincount(target[met], minlength=len(every)) > 0
        assert not (heard & fed).any()
        spikes[step], potentials[step] = fires, potential
    return spikes, potentials, updates


def _trains(every: list[dict[str, str]], steps: int) -> npt.NDArray[np.bool_]:
    """Return the spikes of neurons that are fed, [steps, neurons]."""
    trains = np.zeros((steps, len(every)), dtype=bool)
    for number, neuron in enumerate(every):
        digits = re.findall(r"[01]", neuron.get("spikes", ""))[:steps]
        trains[: len(digits), number] = np.array(digits, dtype=int)
    return trains


DEFAULTS = {"threshold": 0, "reset": 0, "leak_decay": 1, "reverse_threshold": FREE, "reverse_reset": 0}


def _wires(model: Model, begin: dict[str, int]) -> tuple[Ints, Ints, Floats]:
    rows = [(begin[a] + i, begin[b] + j, w) for a, i, b, j, w in model.edges]
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2].astype(np.float64)


def _events(model: Model, begin: dict[str, int], sent: Ints) -> dict[str, Any]:
    """Return synaptic events by unit, messages and hops: a spike goes once to each core that it reaches."""
    synapses: dict[str, int] = {}
    reached = set()
    for a, i, b, j, _ in model.edges:
        unit = model.neurons[b][j]["synapse_hw_name"]
        synapses[unit] = synapses.get(unit, 0) + int(sent[begin[a] + i])
        reached.add((a, i, model.core[b]))
    found: dict[str, Any] = {"synapses": synapses, "messages": 0, "hops_x": 0, "hops_y": 0}
    for a, i, (x, y, _) in reached:
        spikes = int(sent[begin[a] + i])
        found["messages"] += spikes
        found["hops_x"] += spikes * abs(x - model.core[a][0])
        found["hops_y"] += spikes * abs(y - model.core[a][1])
    return found
