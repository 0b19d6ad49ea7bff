"""The law of max-pools: from E(q_1), E(q_2), ... as they arrive, the train of the largest level.

Trains of one coding are words, and the word of a larger level is the larger word (``trains.grows``). So the train of
the largest level is, step by step, the largest payload among the taps that have been largest so far. Three kinds of
neurons find it, told apart by their states:

- flags f0, f1, ... are 1 for the taps that were largest so far. Tried: every set of such taps, every payload of each.
- a flag ``fired``: trains hold one spike, the larger the level the earlier, so after the first only silence follows.
- nothing: payloads grow with the level in every step, so the largest of all taps is that of the largest level.

Without flags and with a port or a field of a word for every tap, the program is followed with symbols for the taps.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snncc.compiler.certificate.facts import Facts
from snncc.compiler.certificate.receive import Refuted
from snncc.compiler.certificate.span import Ints
from snncc.compiler.certificate.trains import agree, grows
from snncc.compiler.certificate.trial import FIRED, Pool, Trial
from snncc.compiler.certificate.words import follow
from snncc.compiler.coding import CODINGS, Levels
from snncc.compiler.program import Claim, Connection, ConvSynapses, Population, Program


def pool_of(program: Program, population: Population, claim: Claim) -> Pool:
    """Return a max-pool ready for its proof.

    Raises:
        Refuted: it does not hear every tap once, from levels of its own coding, or misjudges which lie outside.
    """
    coding, levels = CODINGS[claim.coding], Levels(claim.lo, claim.hi)
    connections = [c for c in program.connections if c.target == population.name]
    if not connections or {c.port for c in connections} != set(population.neuron.ports):
        raise Refuted("an in-port hears nothing")
    for source in {c.source for c in connections}:
        told = program.population[source].claim
        assert told is not None
        if told.coding != claim.coding or not agree(coding, Levels(told.lo, told.hi), levels):
            raise Refuted(f"{source} sends other trains than the max-pool does")
    if len({_place(c) for c in connections}) > 1:
        raise Refuted("its in-ports hear different windows")
    taps = {c.port: _weights(c) for c in connections}
    outside = _outside(connections[0], population)
    if not levels.signed:
        outside = np.zeros_like(outside)  # a tap outside is silent, which is level 0, the least
    table, place = np.unique(outside.reshape(len(outside), -1).T, axis=0, return_inverse=True)
    if table.all(axis=1).any():
        raise Refuted("a window lies outside the input altogether")
    params = {name: _of_patterns(population, name, place.reshape(-1), len(table)) for name in population.params}
    return Pool(population, coding, levels, taps, table, params)


def _weights(connection: Connection) -> Ints:
    """Return the weight of each tap, the same in all channels, each of which hears only its own."""
    synapses = connection.synapses
    if not isinstance(synapses, ConvSynapses) or synapses.weight.shape[1] != 1:
        raise Refuted(f"connection {connection.name} mixes channels")
    flat = synapses.weight.reshape(len(synapses.weight), -1)
    if not (flat == flat[0]).all():
        raise Refuted(f"connection {connection.name} weighs the taps of channels differently")
    return flat[0]


def _place(connection: Connection) -> object:
    """Return everything but port and weights."""
    synapses = connection.synapses
    assert isinstance(synapses, ConvSynapses)
    geometry = (synapses.weight.shape, synapses.in_shape, synapses.strides, synapses.pads, synapses.dilations)
    gather = None if connection.gather is None else connection.gather.tobytes()
    return connection.source, connection.delay, gather, geometry, synapses.groups


def _outside(connection: Connection, population: Population) -> npt.NDArray[np.bool_]:
    """Return for each tap whether it lies outside the input, [taps, *positions] over one channel."""
    synapses = connection.synapses
    assert isinstance(synapses, ConvSynapses)
    spatial = population.shape[1:]
    found = []
    for tap in np.ndindex(*synapses.weight.shape[2:]):
        there = np.ones(spatial, dtype=bool)
        for axis, number in enumerate(tap):
            at = np.arange(spatial[axis]) * synapses.strides[axis] + number * synapses.dilations[axis]
            inside = (at >= synapses.pads[axis]) & (at < synapses.pads[axis] + synapses.in_shape[1 + axis])
            there &= inside.reshape([-1 if a == axis else 1 for a in range(len(spatial))])
        found.append(~there)
    return np.array(found)


def _of_patterns(population: Population, name: str, place: Ints, patterns: int) -> Ints:
    """Return the parameter's value in each pattern of taps outside; it must follow from the pattern."""
    values = np.broadcast_to(population.params[name], population.shape).reshape(population.shape[0], -1)
    found = np.zeros(patterns, dtype=np.int64)
    found[place] = values[0]
    if not (values == found[place]).all():
        raise Refuted(f"parameter {name} does not follow from which taps lie outside the input")
    return found


def prove_pool(pool: Pool, interval: int) -> Facts:
    """Return what is known of a max-pool.

    Args:
        pool: the max-pool.
        interval: steps from window to window.

    Raises:
        Refuted: some levels of its taps make it send something else than the largest.
    """
    always, words, once = grows(pool.coding, pool.levels)
    trial = Trial(pool, interval)
    states = {s.name for s in pool.population.neuron.states}
    if pool.flags and words:
        trial.with_flags()
    elif FIRED in states and once and words and _counts(pool):
        trial.with_sums(fires_once=True)
    elif always and _counts(pool):
        trial.with_sums(fires_once=False)
    elif always:
        return follow(pool.population, pool.coding, pool.levels, pool.taps, pool.outside, pool.params)
    else:
        raise Refuted("its coding does not allow a max-pool of this kind")
    return trial.facts()


def _counts(pool: Pool) -> bool:
    """Return whether all that is heard is how many taps sent a spike."""
    return len(pool.taps) == 1 and pool.payloads == (0, 1) and all((w == 1).all() for w in pool.taps.values())
