"""When populations fire: windows one after the other, edges aligned to their ends.

    start(input) = 0
    start_i = max over in-edges (start_j + P_j), for a max-pool start_src + 1
    delay of an edge = 1 + start_i - P_j - start_j, the one step an axon takes and the wait
    interval = max P

so the last spike of every window arrives in the step in which the receiver latches, and idle steps come first, while
the accumulators are still 0: this is what makes doubling and ramp kernels exact across skips and mixed windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Slot:
    """When a population fires: first step of its first window, and the window's length P, in steps."""

    start: int
    window: int

    @property
    def end(self) -> int:
        """Return the first step after the first window."""
        return self.start + self.window


def start_after(sources: Iterable[Slot]) -> int:
    """Return the start of a population that latches when the windows of all its sources have closed."""
    return max((slot.end for slot in sources), default=0)


def edge_delay(source: Slot, start: int) -> int:
    """Return the steps from sending to arriving that align the end of a source's window with a start."""
    return 1 + start - source.end


def interval_of(slots: Mapping[str, Slot], schedule: str) -> int:
    """Return the initiation interval in steps.

    Args:
        slots: slots of all populations.
        schedule: ``pipelined``: the longest window; ``sequential``: one sample in the chip at a time.
    """
    longest = max(slot.window for slot in slots.values())
    if schedule == "sequential":
        return max(slot.end for slot in slots.values())
    return longest
