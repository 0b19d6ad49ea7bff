"""What has been compared already: two objects that agreed once need not be compared again."""

from __future__ import annotations


class Agreed:
    """By population, the pair of objects that agreed last; steps that rest give the same objects again."""

    def __init__(self) -> None:
        """Begin with nothing compared."""
        self._last: dict[str, tuple[object, object]] = {}

    def knows(self, population: str, found: object, due: object) -> bool:
        """Return whether these very objects are those that agreed last."""
        last = self._last.get(population)
        return last is not None and last[0] is found and last[1] is due

    def keep(self, population: str, found: object, due: object) -> None:
        """Take note of a pair that agreed; it is kept, so that no other object can take its place in memory."""
        self._last[population] = found, due
