"""What a placed program did on each core in each step, in exact numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.equality import ByValue

Ints = npt.NDArray[np.int64]
COUNTED = (
    "spikes",
    "synaptic_events",
    "updates",
    "word_reads",
    "received",
    "sent",
    "hops_x",
    "hops_y",
    "chip_hops",
    "injected",
)


@dataclass(frozen=True, eq=False)
class Counts(ByValue):
    """Counts of a run, int64 [steps, cores] where nothing else is said.

    A spike is sent in step t and arrives in step t + delay. What happens at the sender is counted in step t on the
    sender's core, what happens at the receiver in the step of arrival on the receiver's core.

    Where samples were fed, a population counts in the ``interval`` steps that it has for each of them. What it does
    before the first and after the last is not counted, so that a total divided by the samples is that of an
    inference, and equals what ``verify`` reports.

    Attributes:
        cores: int64 [cores], their numbers, ascending; those that hold a slice.
        samples: how many samples were fed back to back; 0 for a run that is not made of samples.
        interval: steps from one sample to the next; 0 where free-running.
        spikes: spikes sent, each once, whoever hears them; at the sender.
        synaptic_events: weights other than 0 that spikes meet; at the receiver.
        updates: neurons that take a step.
        word_reads: words of synapse memory read, see ``fans.fan``; at the receiver.
        received: messages: one for each spike, connection and slice that it reaches, two slices of one core hear it
            twice; at the receiver.
        sent: messages; at the sender.
        hops_x: steps of messages along a row between tiles of one chip; at the sender.
        hops_y: the same along a column; routes go along the row first.
        chip_hops: steps of messages from a chip to its neighbour, which are not in hops_x and hops_y; at the sender.
            hops_x + hops_y + chip_hops is the distance between the two tiles, as ``Board.place_of`` has them.
        injected: values other than 0 that inputs put into neurons of the core.
        busiest_link: int64 [steps], messages sent in the step that pass the link which most of them pass. A link leads
            one way, from a tile to its neighbour.
        slices: totals over the run, int64 [slices] by name of a count, in the order of the program's slices.
        host: counts of the slices that the host plays; None where it plays none. Its messages make no hops.
    """

    cores: Ints
    samples: int
    interval: int
    spikes: Ints
    synaptic_events: Ints
    updates: Ints
    word_reads: Ints
    received: Ints
    sent: Ints
    hops_x: Ints
    hops_y: Ints
    chip_hops: Ints
    injected: Ints
    busiest_link: Ints
    slices: Mapping[str, Ints]
    host: Counts | None = None

    @property
    def steps(self) -> int:
        """Return the steps of the run."""
        return len(self.busiest_link)

    def total(self, name: str) -> int:
        """Return the sum of a count, a name of COUNTED, over cores, host and steps."""
        own = int(getattr(self, name).sum())
        return own + (self.host.total(name) if self.host else 0)
