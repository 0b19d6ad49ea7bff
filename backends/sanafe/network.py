"""The network file: groups, neurons, synapses, and the core of each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from snncc.backends.sanafe.layout import GATE, Group, address, gate_lines, groups_of
from snncc.backends.sanafe.roles import FIRE, INPUT, POOL, READ, Window, role_of, window_of
from snncc.backends.sanafe.synapses import Listed, listed
from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, Population, Program

Ints = npt.NDArray[np.int64]
UNITS = {DenseSynapses: "loihi_dense_synapse", ConvSynapses: "loihi_conv_synapse"}
SPARSE = "loihi_sparse_synapse"


@dataclass(frozen=True, eq=False)
class Edges:
    """Synapses between two groups: from neuron source[i] to target[i], counted in their groups, with weight[i]."""

    source_group: Group
    target_group: Group
    source: Ints
    target: Ints
    weight: Ints


@dataclass(frozen=True, eq=False)
class Network:
    """What the file holds.

    Attributes:
        groups: neuron groups.
        edges: all synapses.
        windows: by name of the population, of those that fire or are read.
        units: synapse unit by name of the receiving population.
    """

    groups: list[Group]
    edges: list[Edges]
    windows: dict[str, Window]
    units: dict[str, str]


def network_of(program: Program) -> Network:
    """Return the network of a placed program for which ``problems`` finds nothing."""
    groups, populations = groups_of(program), program.population
    synapses = {c.name: listed(c) for c in program.connections}
    windows = {}
    for population in program.populations:
        if role_of(program, population) in (FIRE, READ):
            heard = [(populations[c.source], synapses[c.name]) for c in _into(program, population)]
            windows[population.name] = window_of(program, population, heard)
    edges = [edge for c in program.connections for edge in _edges(c, synapses[c.name], groups)]
    edges += [edge for edge in _gate_edges(program, groups, windows)]
    units = {p.name: unit_of(program, p) for p in program.populations}
    return Network(groups, edges, windows, units)


def unit_of(program: Program, population: Population) -> str:
    """Return the synapse unit of a population: SANA-FE prices dense, sparse and shared synapses apart.

    A population has one; where its connections differ, that of a list.
    """
    kinds = {UNITS.get(type(c.synapses), SPARSE) for c in _into(program, population)}
    return kinds.pop() if len(kinds) == 1 else SPARSE


def _into(program: Program, population: Population) -> list[Connection]:
    return [c for c in program.connections if c.target == population.name]


def _edges(connection: Connection, synapses: Listed, groups: list[Group]) -> Iterator[Edges]:
    """Yield the synapses of a connection, group by group; those from an input's negative levels again, negated."""
    targets = [group for group in groups if group.population == connection.target]
    to, target = _places(targets, synapses.target)
    for sign in (1, -1):
        sources = [group for group in groups if group.population == connection.source and group.sign == sign]
        if not sources:
            continue
        start, source = _places(sources, synapses.source)
        key = start * len(targets) + to
        order = np.argsort(key, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(key) else ():
            pair = sources[start[part[0]]], targets[to[part[0]]]
            yield Edges(*pair, source[part], target[part], synapses.weight[part] * sign)


def _places(groups: list[Group], neurons: Ints) -> tuple[Ints, Ints]:
    """Return for neurons of a population which of its groups they are in, and their numbers there."""
    size = 1 + max(int(group.neurons.max()) for group in groups)
    owner, number = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    for k, group in enumerate(groups):
        owner[group.neurons], number[group.neurons] = k, np.arange(len(group.neurons))
    return owner[neurons], number[neurons]


def _gate_edges(program: Program, groups: list[Group], windows: Mapping[str, Window]) -> Iterator[Edges]:
    """Yield a synapse from each gate line to each neuron whose window it keeps."""
    gates = next(group for group in groups if group.role == GATE)
    for line, (name, does) in enumerate(gate_lines(program)):
        weight = windows[name].shut if does == "open" else -windows[name].drop
        for group in (g for g in groups if g.population == name):
            ones = np.ones(len(group.neurons), dtype=np.int64)
            yield Edges(gates, group, line * ones, np.arange(len(ones)), weight * ones)


def network_lines(network: Network, trains: Mapping[str, npt.NDArray[np.bool_]]) -> Iterator[str]:
    """Yield the lines of the network file.

    Args:
        network: what it holds.
        trains: spikes of the groups that are fed, bool [steps, neurons] by name of the group.
    """
    yield from ("network:", "  name: snncc", "  groups:")
    somas: dict[int, Iterator[int]] = {}
    for group in network.groups:
        yield f"    - name: {group.name}"
        yield f"      attributes: [{', '.join(_common(network, group))}]"
        yield "      neurons:"
        fed = group.role in (INPUT, GATE)
        own = _fed(trains[group.name], somas.setdefault(group.core, count())) if fed else _own(network, group)
        yield from (f"        - {number}: [{text}]" for number, text in enumerate(own))
    yield "  edges:"
    for edges in network.edges:
        a, b = edges.source_group.name, edges.target_group.name
        for source, target, weight in np.stack([edges.source, edges.target, edges.weight], axis=1).tolist():
            yield f"    - {a}.{source} -> {b}.{target}: [weight: {weight}]"
    yield "mappings:"
    yield from (f"  - {group.name}: [core: {address(group.core)}]" for group in network.groups)


def _common(network: Network, group: Group) -> list[str]:
    """Return the attributes that all neurons of a group share."""
    if group.role in (INPUT, GATE):
        return ["log_spikes: true"]
    shared = ["log_spikes: true", "soma_hw_name: loihi_lif", f"synapse_hw_name: {network.units[group.population]}"]
    if group.role == POOL:
        return [*shared, "threshold: 0.5", "reset_mode: hard", "reset: 0", "leak_decay: 0"]
    window = network.windows[group.population]
    shared += ["log_potential: true"] if group.role == READ else []
    return [*shared, "reset_mode: soft", "reverse_reset_mode: hard", f"reverse_threshold: {window.floor}"]


def _own(network: Network, group: Group) -> Iterator[str]:
    """Yield what a neuron has of its own, for each of a group."""
    if group.role == POOL:
        yield from ("" for _ in group.neurons)
        return
    window = network.windows[group.population]
    for neuron in group.neurons.tolist():
        yield f"threshold: {window.threshold[neuron]}, reverse_reset: {window.first[neuron]}"


def _fed(trains: npt.NDArray[np.bool_], somas: Iterator[int]) -> Iterator[str]:
    """Yield the soma and the spike train of each neuron of a group that is fed; trains end with their last spike."""
    for train in trains.T:
        length = int(np.flatnonzero(train)[-1]) + 1 if train.any() else 0
        digits = ", ".join("01"[int(spike)] for spike in train[:length])
        yield f'soma_hw_name: "loihi_inputs[{next(somas)}]", spikes: [{digits or 0}]'
