"""What a sign of damage is, and which layer of the integer network a node of the user's model belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from snncc.compiler.diagnostics import Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.runtime.diagnosis.pairing import Layer


@dataclass(frozen=True)
class Sign:
    """Something found in the float network or in the data that explains a loss.

    Attributes:
        cause: a key of ``causes.SIGNS``.
        layer: node of the integer network, or a name for what is no layer: an input, the labels.
        loc: where it is in the user's model.
        evidence: one sentence with figures.
        knob: what to do.
        strength: how far beyond what is usual, 1 where it begins to be unusual; orders signs.
        decisive: whether it is named before any measured loss.
        first: whether it explains all others, and so is named before them.
    """

    cause: str
    layer: str
    loc: Loc
    evidence: str
    knob: str
    strength: float
    decisive: bool = True
    first: bool = False


class Places:
    """Finds the layer of the integer network that a node of the user's model became part of."""

    def __init__(self, imported: Graph, layers: Sequence[Layer]) -> None:
        """Index the layers by the names in the user's model of their nodes and of their weighted sums."""
        self.graph, self._nodes, self._users = imported, imported.node, imported.users()
        self._known: dict[str, str] = {}
        for layer in layers:
            for loc in (layer.loc, *(one.loc for one in layer.sums)):
                self._known.setdefault(loc.name, layer.name)

    def of(self, node: Node) -> str:
        """Return the layer that holds a node: its own, that of the weighted sum before it, or of what reads it."""
        before = self._first(node, lambda n: [self._nodes[i] for i in n.inputs if i in self._nodes])
        return before or self._first(node, lambda n: self._users[n.name]) or node.name

    def _first(self, node: Node, further: Callable[[Node], list[Node]]) -> str:
        """Return the layer of the nearest node that is known, looking in one direction only."""
        waiting, seen = [node], {node.name}
        while waiting:
            nearest = waiting.pop(0)
            if nearest.loc.name in self._known:
                return self._known[nearest.loc.name]
            more = [n for n in further(nearest) if n.name not in seen]
            seen |= {n.name for n in more}
            waiting += more
        return ""


def listed(numbers: Iterable[int], most: int = 4) -> str:
    """Return numbers as words: ``3, 7 and 12 more``."""
    found = list(numbers)
    if len(found) <= most:
        return ", ".join(map(str, found))
    return f"{', '.join(map(str, found[:most]))} and {len(found) - most} more"
