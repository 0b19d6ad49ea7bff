"""What the network must do: every spike in its step, the counts of every neuron, and what is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from snncc.backends.sanafe.layout import GATE, Group
from snncc.backends.sanafe.roles import INPUT, READ
from snncc.backends.sanafe.trains import LEAD
from snncc.compiler.program import Program
from snncc.compiler.trace import Trace

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def rasters_of(
    program: Program, groups: list[Group], trains: Mapping[str, Bools], trace: Trace, steps: int
) -> tuple[dict[str, Bools], dict[str, Ints]]:
    """Return every spike, bool [steps, neurons], and the membranes that are read, int64 [samples, neurons], by group.

    Args:
        program: what ran.
        groups: all its groups.
        trains: of the groups that are fed, see ``trains``; inputs must send what the trace has.
        trace: what the program does.
        steps: of the run, lead included.
    """
    spikes = {g.name: np.zeros((steps, len(g.neurons)), dtype=np.bool_) for g in groups}
    spikes |= {g.name: trains[g.name] for g in groups if g.role == GATE}
    read: dict[str, list[Ints]] = {g.name: [] for g in groups if g.role == READ}
    for step, sent in enumerate(trace):
        for group in (g for g in groups if g.role != GATE):
            did, start = sent[group.population], program.population[group.population].start
            spikes[group.name][LEAD + step] = did.spikes[group.neurons, 0] * group.sign > 0
            if group.role == READ and step >= start and (step - start) % program.interval == 0:
                read[group.name].append(did.membrane[group.neurons, 0].copy())
    return spikes, {name: np.stack(rows) for name, rows in read.items()}


def expected_of(
    program: Program, groups: list[Group], spikes: Mapping[str, Bools], read: Mapping[str, Ints], samples: int
) -> dict[str, Any]:
    """Return what expected.json says."""
    steps = len(next(iter(spikes.values())))
    return {
        "samples": samples,
        "interval": program.interval,
        "lead": LEAD,
        "steps": steps,
        "groups": [_group(program, group, spikes[group.name], read.get(group.name), samples) for group in groups],
    }


def _group(program: Program, group: Group, spikes: Bools, read: Ints | None, samples: int) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": group.name, "role": group.role, "population": group.population, "core": group.core}
    entry |= {"sign": group.sign} if group.role == INPUT else {}
    entry["neurons"] = group.neurons.tolist()
    entry["spikes"] = [np.flatnonzero(row).tolist() for row in spikes]
    if group.role != GATE:
        entry["first_step"] = first = LEAD + program.population[group.population].start
        begins = first + program.interval * np.arange(samples)
        entry["counts"] = [spikes[b : b + program.interval].sum(axis=0).tolist() for b in begins]
    if read is not None:
        entry["read"] = read[:samples].tolist()
    return entry
