"""``--coding auto``: the coding of each layer by a modelled cost. It chooses how levels are sent, never which.

    cost = synaptic events x E_event + updates x E_update,   updates = initiation interval x neurons

Every neuron is updated in every step, so the interval, which is the longest window of all, weighs on all populations.
For each interval that some coding has as its window, every layer takes the coding with the fewest synaptic events among
those whose window fits; the cheapest interval wins, and among equals the one that comes first in CODINGS. Spikes are
counted on the levels of the calibration data. The energies are ``Target.cost``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import CODINGS, Coding, Levels, spikes_by_level
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Readout
from snncc.compiler.ir.ops import MaxPool
from snncc.compiler.mapping.choice import Choice, choose, sendable, senders
from snncc.compiler.mapping.edges import Origins
from snncc.compiler.quantize.ranges import payload_fits
from snncc.compiler.targets import Target

LONGEST = 4096  # windows beyond are no candidates
Counts = Mapping[str, npt.NDArray[np.int64]]  # by node: how often each level lo..Q was sent on the calibration data


@dataclass(frozen=True)
class Costs:
    """What a choice costs by the model.

    Attributes:
        choice: the codings.
        interval: the longest window, in steps.
        events: mean synaptic events an inference.
        updates: neuron updates an inference.
        picojoules: the modelled energy.
    """

    choice: Choice
    interval: int
    events: float
    updates: int
    picojoules: float


def cheapest(graph: Graph, counts: Counts, target: Target) -> Costs:
    """Return the cheapest choice for a QUANTIZED graph on a target."""
    return min(_candidates(graph, counts, target), key=lambda found: found.picojoules)


def uniform(graph: Graph, counts: Counts, target: Target, coding: str) -> Costs:
    """Return what one coding throughout costs."""
    choice = choose(coding, target)
    chosen = {node.name: choice.of(node) for node in senders(graph)}
    return _costs(graph, counts, target, choice, chosen, _synapses(graph))


def auto_note(graph: Graph, found: Costs, counts: Counts, target: Target) -> Diagnostic:
    """Return SNN512: what was chosen, and what it and the codings throughout cost by the model."""
    used = Counter(found.choice.of(node).name for node in senders(graph))
    chosen = ", ".join(f"{coding} {count}" for coding, count in used.most_common())
    costs = [uniform(graph, counts, target, coding) for coding in _usable(graph, target)]
    others = ", ".join(f"{cost.choice.default.name} {cost.picojoules / 1e6:.3g}" for cost in costs)
    message = (
        f"coding auto chose {chosen}: modelled at {found.picojoules / 1e6:.3g} uJ an inference ({found.events:.0f} "
        f"synaptic events, {found.updates} neuron updates); one coding throughout: {others or 'none can be used'}"
    )
    return Diagnostic("SNN512", message, Loc("options", "coding"), severity="note")


def _usable(graph: Graph, target: Target) -> list[str]:
    """Return the codings that every layer could be sent in."""
    codings = [{coding.name for coding, _ in _options(node, target)} for node in senders(graph)]
    layers = [found for node, found in zip(senders(graph), codings, strict=True) if not isinstance(node.op, Encode)]
    return [name for name in CODINGS if all(name in found for found in layers)]


def _candidates(graph: Graph, counts: Counts, target: Target) -> list[Costs]:
    synapses = _synapses(graph)
    options = {node.name: _options(node, target) for node in senders(graph)}
    least = max(min(window for _, window in found) for found in options.values())
    windows = {window for found in options.values() for _, window in found if window >= least}
    default = next(iter(options.values()))[0][0]
    found = []
    for most in sorted(windows):
        chosen = {
            node.name: min(
                (coding for coding, window in options[node.name] if window <= most),
                key=lambda coding, node=node: _spikes(coding, node, counts),  # type: ignore[misc]
            )
            for node in senders(graph)
        }
        inputs = next(chosen[node.name] for node in senders(graph) if isinstance(node.op, Encode))
        found.append(_costs(graph, counts, target, Choice(default, inputs, chosen), chosen, synapses))
    return found


def _options(node: Node, target: Target) -> list[tuple[Coding, int]]:
    """Return the codings a node can be sent in on a target, with their windows."""
    levels = Levels(node.type.lo, node.type.hi)
    if isinstance(node.op, Encode) and target.graded:
        return [(CODINGS["graded"], 1)]
    able = [CODINGS[name] for name in sendable(target) if not CODINGS[name].graded or payload_fits(levels, target)]
    able = able or [CODINGS[name] for name in sendable(target)]  # none carries them: the proof says so
    fit = [c for c in able if (c.signed or not levels.signed) and c.window(levels) <= LONGEST]
    return [(c, c.window(levels)) for c in fit or able]


def _spikes(coding: Coding, node: Node, counts: Counts) -> float:
    """Return the mean spikes of a neuron in an inference."""
    levels = Levels(node.type.lo, node.type.hi)
    seen = counts[node.name]
    return float(spikes_by_level(coding, levels) @ seen / max(int(seen.sum()), 1))


def _costs(
    graph: Graph,
    counts: Counts,
    target: Target,
    choice: Choice,
    chosen: Mapping[str, Coding],
    synapses: Mapping[str, int],
) -> Costs:
    nodes = senders(graph)
    interval = max(chosen[n.name].window(Levels(n.type.lo, n.type.hi)) for n in nodes)
    events = sum(_spikes(chosen[n.name], n, counts) * synapses.get(n.name, 0) for n in nodes)
    neurons = sum(n.type.size for n in [*nodes, *(n for n in graph.nodes if isinstance(n.op, MaxPool | Readout))])
    updates = interval * neurons
    energy = events * target.cost["synaptic_event_pj"] + updates * target.cost["update_pj"]
    return Costs(choice, interval, events, updates, energy)


def _synapses(graph: Graph) -> dict[str, int]:
    """Return the synapses that leave each sending node's neurons, those of the pools behind it included."""
    origins, found = Origins(graph), dict.fromkeys((n.name for n in graph.nodes), 0)
    for node in reversed(graph.nodes):
        if isinstance(node.op, MaxPool):
            source = origins.parts(node.inputs[0])[0].source.name
            found[source] += found[node.name] + node.type.size * prod(node.op.kernel)
        elif node.op.linear:
            for edge in origins.edges(node.name):
                positions = prod(node.type.shape[1:])
                found[edge.source.name] += int(np.count_nonzero(edge.synapses.weight)) * positions
    return found
