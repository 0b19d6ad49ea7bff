"""What an integer network costs in the codings that suit an objective best.

Codings do not touch the integer network, so all are weighed at once: spikes follow from the levels that the network
sends on tuning samples, synapses from the lowered program. By a law of every coding they are what the emulator counts.

    energy = synaptic events x E_event + updates x E_update,   updates = initiation interval x neurons

E_event and E_update are those of ``Target.cost``, whose file names their source. No source that the table knows
tells how the energy of an event depends on the widths of weights and payloads, so it does not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import CODINGS, Levels, spikes_by_level
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.mapping.choice import choose, senders
from snncc.compiler.mapping.lower import lower
from snncc.compiler.options import Options
from snncc.compiler.passes.base import run_passes
from snncc.compiler.pipeline import integer_passes
from snncc.compiler.program import Program
from snncc.runtime.deliver import Wire
from snncc.runtime.tuning.outcome import Cost

Ints = npt.NDArray[np.int64]
Events = Mapping[str, Mapping[str, float]]  # by sending node, by coding
LONGEST = 1024  # steps; windows beyond are no candidates
Codings = str | Mapping[str, str]


@dataclass(frozen=True)
class Network:
    """An integer network with the levels that it sends.

    Attributes:
        graph: QUANTIZED.
        levels: integers [samples, *shape] of every node that sends, by name.
        options: what it was quantized with.
    """

    graph: Graph
    levels: Mapping[str, Ints]
    options: Options


def level_nodes(graph: Graph) -> list[str]:
    """Return the nodes of a QUANTIZED graph whose levels some population sends."""
    return [node.name for node in graph.nodes if isinstance(node.op, Encode | Fire | Ladder | MaxPool)]


def cheapest(network: Network, codings: Sequence[str], minimize: str) -> Cost:
    """Return what the network costs in the codings that cost least, by an objective and then by energy.

    Raises:
        SnnccError: the network cannot be lowered in any of the codings; what is in the way in the last.
    """
    usable = {node.name: _usable(codings, node, network) for node in senders(network.graph)}
    program = _any_program(network, codings)
    events = _events(network, program, usable)
    neurons = sum(p.size for p in program.populations)
    found = {_key(choice): choice for choice in _choices(network.graph, usable, events)}
    ranks = {key: _rank(network, choice, events, neurons, minimize) for key, choice in found.items()}
    return priced(network, _told(network, found[min(ranks, key=ranks.__getitem__)]))


def priced(network: Network, coding: Codings) -> Cost:
    """Return what the network costs in some codings.

    Raises:
        SnnccError: it cannot be lowered in them.
    """
    program = _lowered(network, coding)
    edges = _edges(network, program)
    events, neurons = float(sum(edges.values())), sum(p.size for p in program.populations)
    energy = _energy(network, events, program.interval * neurons)
    return Cost(coding, program.latency, program.interval, events, program.interval * neurons, energy, edges)


def _energy(network: Network, events: float, updates: int) -> float:
    cost = network.options.target.cost
    return events * cost["synaptic_event_pj"] + updates * cost["update_pj"]


def _usable(codings: Sequence[str], node: Node, network: Network) -> tuple[str, ...]:
    """Return the codings of some that a node can be sent in; inputs are graded where the target has payloads."""
    levels = _levels(node)
    if isinstance(node.op, Encode) and network.options.target.graded:
        return ("graded",)
    signed = [name for name in codings if CODINGS[name].signed or not levels.signed]
    return tuple(name for name in signed if CODINGS[name].window(levels) <= LONGEST) or tuple(codings[:1])


def _any_program(network: Network, codings: Sequence[str]) -> Program:
    """Return the network lowered in the first coding that it can be: which synapses there are hangs on none."""
    *others, last = codings
    for coding in others:
        with suppress(SnnccError):
            return _lowered(network, coding)
    return _lowered(network, last)


def _lowered(network: Network, coding: Codings) -> Program:
    """Return the program, as the pipeline lowers it."""
    options = network.options
    named = {"": coding} if isinstance(coding, str) else dict(coding)
    chosen = choose(named.pop(""), options.target, named)
    suited = run_passes(network.graph, integer_passes(options, chosen.unary(network.graph)))
    return lower(suited, chosen, options.target, options.schedule, options.recipes.weight_bits)


def _edges(network: Network, program: Program) -> dict[str, float]:
    """Return the mean synaptic events from one population to another, by ``source>receiver``."""
    populations, found = program.population, dict[str, float]()
    for connection in program.connections:
        source, receiver = populations[connection.source], populations[connection.target]
        assert source.claim is not None
        spikes = _spikes(network, source.claim.node, source.claim.coding)
        fan_out = Wire(connection, source.size, receiver.size).fan_out
        name = f"{source.name}>{receiver.name}"
        found[name] = found.get(name, 0.0) + float(fan_out @ spikes)
    return found


def _events(network: Network, program: Program, usable: Mapping[str, Sequence[str]]) -> Events:
    """Return the mean synaptic events that each sending node causes in each coding, those of pools behind it too."""
    populations, fan_out = program.population, dict[str, Ints]()
    for connection in program.connections:
        source, receiver = populations[connection.source], populations[connection.target]
        wire = Wire(connection, source.size, receiver.size)
        fan_out[source.name] = fan_out.get(source.name, 0) + wire.fan_out
    found = {name: dict.fromkeys(codings, 0.0) for name, codings in usable.items()}
    for name, synapses in fan_out.items():
        claim = populations[name].claim
        assert claim is not None
        sender = _sender(network.graph, claim.node)
        for coding in found[sender]:
            found[sender][coding] += float(synapses @ _spikes(network, claim.node, coding))
    return found


def _sender(graph: Graph, name: str) -> str:
    """Return the node that chooses the coding of a value: for a pool, the one that it pools."""
    node = graph.node[name]
    while not isinstance(node.op, Encode | Fire | Ladder):
        node = graph.node[node.inputs[0]]
    return node.name


def _spikes(network: Network, name: str, coding: str) -> npt.NDArray[np.float64]:
    """Return the mean spikes of each neuron of a node in an inference, float64 [neurons]."""
    levels, node = network.levels[name], network.graph.node[name]
    counts = _count_of_level(coding, node.type.lo, node.type.hi)
    mean: npt.NDArray[np.float64] = counts[levels.reshape(len(levels), -1) - node.type.lo].mean(axis=0)
    return mean


@lru_cache(maxsize=256)
def _count_of_level(coding: str, lo: int, hi: int) -> Ints:
    """Return how many spikes each level lo..hi is sent with."""
    return spikes_by_level(CODINGS[coding], Levels(lo, hi))


def _choices(graph: Graph, usable: Mapping[str, Sequence[str]], events: Events) -> Iterator[dict[str, str]]:
    """Yield codings by node: the shortest windows, and for each longest window the fewest events within it."""
    window = {
        node.name: {coding: CODINGS[coding].window(_levels(node)) for coding in usable[node.name]}
        for node in senders(graph)
    }
    yield {name: min(of, key=lambda c, n=name, of=of: (of[c], events[n][c])) for name, of in window.items()}  # type: ignore[misc]
    least = max(min(of.values()) for of in window.values())
    for most in sorted({length for of in window.values() for length in of.values() if length >= least}):
        fitting = {name: [c for c, length in of.items() if length <= most] for name, of in window.items()}
        yield {name: min(of, key=lambda c, n=name: (events[n][c], window[n][c])) for name, of in fitting.items()}  # type: ignore[misc]


def _key(choice: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(choice.values())


def _rank(
    network: Network, choice: Mapping[str, str], events: Events, neurons: int, minimize: str
) -> tuple[float, float]:
    """Return what a choice costs by an objective, then in energy."""
    windows = [CODINGS[choice[n.name]].window(_levels(n)) for n in senders(network.graph)]
    caused = sum(events[name][coding] for name, coding in choice.items())
    energy = _energy(network, caused, max(windows) * neurons)
    first = {"energy": energy, "synops": caused, "interval": max(windows), "latency": sum(windows)}[minimize]
    return float(first), energy


def _told(network: Network, choice: Mapping[str, str]) -> Codings:
    """Return codings as ``snncc.compile`` takes them."""
    inputs = network.options.target.graded
    free = [n.name for n in senders(network.graph) if not (inputs and isinstance(n.op, Encode))]
    usual = Counter(choice[name] for name in free).most_common(1)[0][0]
    others = {name: choice[name] for name in free if choice[name] != usual}
    return {"": usual, **others} if others else usual


def _levels(node: Node) -> Levels:
    return Levels(node.type.lo, node.type.hi)
