"""Where neurons live: every population cut into boxes, each on one core."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

HOST = -1  # core of a slice that the host plays: an input population whose encoder takes no core


@dataclass(frozen=True, slots=True)
class Slice:
    """The neurons of a population from lo up to hi along each axis, hi excluded, on one core.

    Attributes:
        name: unique in the program.
        population: name of the population.
        lo: first index along each axis of its shape.
        hi: index past the last one along each axis.
        core: number of the core, see ``targets.target.Board``; HOST for none.
    """

    name: str
    population: str
    lo: tuple[int, ...]
    hi: tuple[int, ...]
    core: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the sizes of the box."""
        return tuple(b - a for a, b in zip(self.lo, self.hi, strict=True))

    @property
    def size(self) -> int:
        """Return the number of neurons."""
        return prod(self.shape)
