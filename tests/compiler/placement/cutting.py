"""Random cuts of populations, and what boxes need counted synapse by synapse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.placement.cuts import Box, Cuts, Ints
from snncc.compiler.program import Connection, Population, Program
from snncc.compiler.targets import load_target
from snncc.runtime.matrix import synapse_matrix
from tests.integer_nets import integer_networks


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Return the program of a random integer network, graded."""
    chip = load_target("loihi2")
    return lower(draw(integer_networks(every=True)), choose("graded", chip), chip)


@st.composite
def cuts_of(draw: st.DrawFn, population: Population) -> Cuts:
    """Return random cuts of a population."""
    found = []
    for size in population.shape:
        inner = draw(st.sets(st.integers(1, size - 1), max_size=3)) if size > 1 else set()
        found.append((0, *sorted(inner), size))
    return tuple(found)


def stored(connection: Connection, source: Population, target: Population) -> Ints:
    """Return the number of stored synapses from each source to each target, int64 [targets, sources]."""
    ones = replace(connection.synapses, weight=np.ones_like(connection.synapses.weight))
    return np.asarray(synapse_matrix(replace(connection, synapses=ones), source.size, target.size).todense())


def members(population: Population, box: Box) -> Ints:
    """Return the numbers of the neurons in a box."""
    numbers = np.arange(population.size).reshape(population.shape)
    return numbers[tuple(slice(a, b) for a, b in box)].ravel()
