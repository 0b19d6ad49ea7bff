"""Spike trains that reach the network from outside: inputs in rate code, and gate lines that keep windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from snncc.backends.sanafe.layout import GATE, Group, gate_lines
from snncc.backends.sanafe.roles import INPUT
from snncc.compiler.program import Program, TensorInput

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
LEAD = 2  # steps before step 0 of the program, in which the closing lines put every neuron to its first value


def steps_of(program: Program, samples: int) -> int:
    """Return the steps of a run of so many samples, lead included."""
    return LEAD + max(samples * program.interval, program.latency + (samples - 1) * program.interval + 1)


def trains_of(program: Program, groups: list[Group], levels: Mapping[str, Ints]) -> dict[str, Bools]:
    """Return the spikes of the groups that are fed, bool [steps, neurons] by name of the group.

    Args:
        program: see ``problems``: its inputs are tensors, in rate code.
        groups: all its groups.
        levels: int64 [samples, neurons] by name of the input.
    """
    samples = len(next(iter(levels.values())))
    fed = {i.population: levels[i.name] for i in program.inputs if isinstance(i, TensorInput)}
    found = {}
    for group in groups:
        trains = np.zeros((steps_of(program, samples), len(group.neurons)), dtype=np.bool_)
        if group.role == GATE:
            for line, (name, does) in enumerate(gate_lines(program)):
                trains[_gate_steps(program, name, does, samples), line] = True
        elif group.role == INPUT:
            _encode(program, group, fed[group.population], trains)
        else:
            continue
        found[group.name] = trains
    return found


def _encode(program: Program, group: Group, levels: Ints, trains: Bools) -> None:
    """Write the thermometers of every sample: a spike in each of the first |q| steps of the window."""
    population = program.population[group.population]
    for sample, q in enumerate(levels[:, group.neurons] * group.sign):
        first = LEAD + population.start + sample * program.interval
        trains[first : first + population.window] |= np.arange(population.window)[:, None] < q


def _gate_steps(program: Program, name: str, does: str, samples: int) -> Ints:
    """Return the steps of the run in which a gate line fires, one before its spike arrives."""
    population = program.population[name]
    before = population.start - 1 + (population.window if does == "close" else 0)
    each = LEAD + before + program.interval * np.arange(samples)
    return np.concatenate([[0], each]) if does == "close" else each
