"""Balancing: a wait longer than the target's synaptic delay is bridged by relay populations (theta = 1)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from snncc.compiler.coding import Coding, Levels, firing_neuron
from snncc.compiler.coding.base import parameters
from snncc.compiler.diagnostics import InternalError, fail
from snncc.compiler.program import Connection, ConvSynapses, Population
from snncc.compiler.targets import Target


@dataclass(frozen=True)
class Relays:
    """The relays of a program: populations that latch a level and send it again, in the same coding, later.

    Each adds a window and up to the target's longest delay. Synaptic delay costs nothing in the model, a relay one
    neuron, and one synapse, for each neuron of its source, so there are as few relays as the wait allows, and
    connections that wait alike share them.

    Attributes:
        target: gives the longest delay.
    """

    target: Target
    _made: dict[tuple[str, int], Population] = field(default_factory=dict, init=False, repr=False)

    def bridge(
        self, connection: Connection, source: Population, coding: Coding
    ) -> tuple[list[Population], list[Connection]]:
        """Return the relays that a connection needs anew, and the connections that replace it.

        Args:
            connection: the edge as the schedule wants it, its delay of any length.
            source: the sending population.
            coding: its coding.

        Raises:
            SnnccError: SNN330, the wait is too long for the synapses and too short for a relay's window.
        """
        relays: list[Population] = []
        links: list[Connection] = []
        *holds, wait = _holds(connection, source, self.target)
        for hold in holds:
            relay = self._made.get((source.name, hold))
            if relay is None:
                name = f"{connection.source}.relay{len(self._made)}"
                relay = _relay(name, source, coding, hold, self.target.state_bits)
                self._made[source.name, hold] = relay
                links.append(_copy(source, relay, coding.kernel, 1 + hold, connection))
                relays.append(relay)
            source = relay
        last = replace(connection, source=source.name, delay=1 + wait)
        return relays, [*links, last]


def _holds(connection: Connection, source: Population, target: Target) -> list[int]:
    """Return the synaptic delay of each link, beyond the step an axon takes: of those to the relays, and the last."""
    wait, most = connection.delay - 1, target.max_delay
    relays = max(0, -(-(wait - most) // (source.window + most)))
    spare = wait - relays * source.window
    if spare < 0:
        message = (
            f"spikes of '{source.name}' must wait {wait} steps for '{connection.target}'; {target.name} delays by up "
            f"to {most}, and a relay would take {source.window}"
        )
        hint = "use one coding and the same levels in every branch, or fewer levels"
        raise fail("SNN330", message, connection.loc, hint)
    return [max(0, min(most, spare - link * most)) for link in range(relays + 1)]


def _relay(name: str, source: Population, coding: Coding, hold: int, bits: int) -> Population:
    if source.claim is None:
        raise InternalError(f"population {source.name} has no levels to relay")
    claim = replace(source.claim, kind="copy")
    levels = Levels(claim.lo, claim.hi)
    neuron = firing_neuron(coding, levels, [coding.kernel], bits)
    one = np.ones((), dtype=np.int64)
    values = parameters(0 * one, one, levels)
    params = {key: values[key] for key in neuron.params}
    start = source.start + source.window + hold
    return replace(source, name=name, neuron=neuron, params=params, start=start, claim=claim)


def _copy(source: Population, relay: Population, port: str, delay: int, origin: Connection) -> Connection:
    ones = np.ones((source.shape[0], 1, *(1,) * (len(source.shape) - 1)), dtype=np.int64)
    rank = len(source.shape) - 1
    synapses = ConvSynapses(ones, source.shape, (1,) * rank, (0,) * 2 * rank, (1,) * rank, source.shape[0])
    return Connection(f"{relay.name}.in", source.name, relay.name, port, synapses, delay, None, origin.loc)
