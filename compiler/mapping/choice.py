"""Which coding each population sends in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from snncc.compiler.coding import CODINGS, Coding
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder
from snncc.compiler.per_layer import unknown_layers
from snncc.compiler.targets import Target


@dataclass(frozen=True)
class Choice:
    """How levels are sent: one coding for the program, others for single nodes, one for the inputs."""

    default: Coding
    inputs: Coding
    by_node: Mapping[str, Coding] = field(default_factory=dict)

    def of(self, node: Node) -> Coding:
        """Return the coding of a node's population: that of the inputs too where the default has no negative levels."""
        fallback = self.inputs if isinstance(node.op, Encode) else self.default
        chosen = self.by_node.get(node.name, fallback)
        return chosen if chosen.signed or node.type.lo >= 0 else self.inputs

    def unary(self, graph: Graph) -> frozenset[str]:
        """Return the nodes whose window grows with their levels."""
        return frozenset(node.name for node in senders(graph) if self.of(node).unary)


def senders(graph: Graph) -> list[Node]:
    """Return the nodes of a QUANTIZED graph that choose a coding: inputs and firing neurons."""
    return [node for node in graph.nodes if isinstance(node.op, Encode | Fire | Ladder)]


def sendable(target: Target) -> tuple[str, ...]:
    """Return the names of the codings that a target's neurons can run and its spikes carry, in the order of CODINGS."""
    able = target.codings or tuple(CODINGS)
    return tuple(name for name, coding in CODINGS.items() if name in able and (target.graded or not coding.graded))


def choose(coding: str, target: Target, by_node: Mapping[str, str] | None = None) -> Choice:
    """Return the choice for a coding, and others for some nodes: inputs are graded where the target has payloads."""
    chosen = CODINGS[coding]
    others = {name: CODINGS[other] for name, other in (by_node or {}).items()}
    return Choice(chosen, CODINGS["graded"] if target.graded else chosen, others)


def check_nodes(graph: Graph, by_node: Mapping[str, str]) -> None:
    """Raise for nodes that choose no coding.

    Raises:
        SnnccError: SNN513, exit code 2, one for each name.
    """
    names = [node.name for node in senders(graph)]
    if problems := unknown_layers("coding", by_node, names, "chooses a coding"):
        raise SnnccError(problems, 2)
