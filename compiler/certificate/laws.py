"""The law of neurons that latch a charge: each neuron program and row of parameters, for every charge in its range.

    fire    sends E(clip(v // theta, lo, Q)) for v = u + b + theta // 2
    ladder  sends E(first + sum of d_j [v >= T_j]) for v = u + b
    copy    sends E(v) for v = u, an input's or a relay's level
    read    holds v = u + b, sends nothing

Bias, thresholds and steps are those of the integer network; the program's parameters are only what it is run with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from snncc.compiler.certificate.classes import Rows
from snncc.compiler.certificate.facts import Facts
from snncc.compiler.certificate.firing import Firing, Seen
from snncc.compiler.certificate.ranges import Hearing, bounds_of
from snncc.compiler.certificate.receive import DRIVE, OFFSET, Form, Reading, Refuted, Steps, kernel, read
from snncc.compiler.certificate.span import Ints
from snncc.compiler.certificate.trains import Bounds
from snncc.compiler.coding import CODINGS, Levels
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Ladder
from snncc.compiler.program import Claim, Population

ONE = np.ones((), dtype=np.int64)


@dataclass(frozen=True)
class Member:
    """A population with what its law needs.

    Attributes:
        population: the population.
        claim: what it claims.
        hearing: what it hears.
        charge: bounds of its charge, in each neuron or channel.
        theta: thresholds of its node in the network, 1 where it has none; broadcast to the neurons.
        latching: what its lines hold in the step that latches.
        later: and in any other.
        firing: its program's firing half and law.
    """

    population: Population
    claim: Claim
    hearing: Hearing
    charge: tuple[Ints, Ints]
    theta: Ints
    latching: Reading
    later: Reading
    firing: Firing


def member(population: Population, claim: Claim, network: Graph, hearing: Hearing) -> Member:
    """Return a population ready for its proof, its receiving half proved.

    Raises:
        Refuted: the receiving half, or a parameter, is not what the integer network asks for.
    """
    node = network.node[claim.node]
    rungs = network.constants[node.inputs[-2]].shape[1] if claim.kind == "ladder" else None
    latching, later = read(population.neuron, rungs)
    coding = None if claim.kind == "read" else CODINGS[claim.coding]
    firing = Firing.of(population.neuron, latching, later, coding, Levels(claim.lo, claim.hi))
    theta = _constant(network, node, -1) if claim.kind == "fire" else ONE
    _check_offset(population, claim, network, theta)
    charge = hearing.charge(population.neuron.ports)
    if claim.kind == "ladder":
        _check_ladder(population, network, node, latching.climbed, charge)
    if claim.kind == "read" and latching.final[population.neuron.membrane] is not DRIVE:
        raise Refuted("the membrane does not hold the charge in the step that latches")
    return Member(population, claim, hearing, charge, theta, latching, later, firing)


def _check_offset(population: Population, claim: Claim, network: Graph, theta: Ints) -> None:
    place = {"fire": -2, "ladder": -3, "read": -1}.get(claim.kind)
    bias = 0 * ONE if place is None else _constant(network, network.node[claim.node], place)
    wanted = bias + theta // 2 if claim.kind == "fire" else bias
    if not np.all(population.params.get(OFFSET, 0 * ONE) == wanted):
        raise Refuted("the offset is not the network's bias, and half a threshold where levels are rounded")


def _constant(network: Graph, node: Node, place: int) -> Ints:
    """Return a constant of a node, [channels] or of the node's shape, so that it broadcasts to the neurons."""
    array = network.constants[node.inputs[place]]
    return array if array.shape == node.type.shape else array.reshape(-1, *(1,) * (len(node.type.shape) - 1))


def _check_ladder(
    population: Population, network: Graph, node: Node, climbed: Steps | None, charge: tuple[Ints, Ints]
) -> None:
    """Check that a population climbs the ladder of its node, and that no charge leads beyond its levels."""
    assert isinstance(node.op, Ladder)
    thresholds, directions = (network.constants[name] for name in node.inputs[-2:])
    steps = climbed.steps if climbed else ()
    if climbed and climbed.const != node.op.first:
        raise Refuted(f"the ladder begins at {climbed.const}, not at {node.op.first}")
    for number, (threshold, sign, direction) in enumerate(steps):
        climb = sign * (population.params[direction] if direction else ONE)
        if not _alike(population.params[threshold], thresholds[:, number], node):
            raise Refuted(f"threshold {threshold} is not the network's")
        if not _alike(climb, directions[:, number], node):
            raise Refuted(f"step {number} does not go where the network's goes")
    low, high = reached(node.op.first, thresholds, directions, *(_by_channel(c, node) for c in charge))
    if not node.op.lo <= low <= high <= node.op.hi:
        raise Refuted(f"the ladder leads to {low}..{high}, beyond its levels {node.op.lo}..{node.op.hi}")


def _alike(found: Ints, column: Ints, node: Node) -> bool:
    return bool(np.all(found == column.reshape(-1, *(1,) * (len(node.type.shape) - 1))))


def _by_channel(charge: Ints, node: Node) -> Ints:
    """Return bounds of each channel, [channels, neurons or 1]."""
    wide = np.asarray(charge)
    return wide.reshape(1, -1) if wide.size == 1 else np.broadcast_to(wide, node.type.shape).reshape(len(wide), -1)


def reached(first: int, thresholds: Ints, directions: Ints, low: Ints, high: Ints) -> Bounds:
    """Return the least and the greatest level that a ladder gives for charges within bounds.

    Args:
        first: level below every threshold.
        thresholds: [channels, m], not falling along m.
        directions: [channels, m], 1 or -1.
        low: least charge, [channels or 1, any].
        high: greatest charge likewise.
    """
    least, most = low.min(axis=1, keepdims=True), high.max(axis=1, keepdims=True)
    levels = first + np.cumsum(directions, axis=1)
    levels = np.concatenate([np.full((len(levels), 1), first), levels], axis=1)
    begin = np.concatenate([np.broadcast_to(least, (len(levels), 1)), thresholds], axis=1)
    end = np.concatenate([thresholds - 1, np.broadcast_to(most, (len(levels), 1))], axis=1)
    there = np.maximum(begin, least) <= np.minimum(end, most)
    return int(levels[there].min()), int(levels[there].max())


def prove(members: list[Member], interval: int) -> Iterator[Facts]:
    """Prove members together; yield what is known of each, in order.

    Args:
        members: populations with equal firing halves.
        interval: steps from window to window.

    Raises:
        Refuted: some charge sends something else than its level.
    """
    firing = members[0].firing
    names = sorted(_params_read(firing))
    rows: dict[tuple[int, ...], list[int]] = {}
    places = [_rows_of(item, names, rows) for item in members]
    table = np.array([*rows], dtype=np.int64).reshape(len(rows), -1)
    ends = np.array([*rows.values()], dtype=np.int64)
    params = {name: table[:, 1 + number] for number, name in enumerate(names)}
    start = max(item.population.start for item in members)
    seen = firing.prove(Rows(table[:, 0], params, ends[:, 0], ends[:, 1]), start, interval)
    for item, place in zip(members, places, strict=True):
        yield _facts(item, seen, np.array(place), len(rows))


def _params_read(firing: Firing) -> set[str]:
    """Return the parameters that the firing half reads: what it neither computes nor keeps."""
    known = {"phase", *(s.name for s in firing.states), *(entry.line.target for entry in firing.lines)}
    lines = [entry.line for entry in firing.lines if not entry.drive]
    return {arg for line in lines for arg in line.args if isinstance(arg, str)} - known


def _rows_of(item: Member, names: list[str], rows: dict[tuple[int, ...], list[int]]) -> list[int]:
    """Enter a member's rows of parameters with their bounds; return their numbers."""
    params = [item.population.params[name] for name in names]
    levels = item.firing.levels
    charge = (levels.lo * ONE, levels.hi * ONE) if item.claim.kind == "ladder" else item.charge
    flat = [a.ravel() for a in np.broadcast_arrays(item.theta, *params, *charge)]
    keys, place = np.unique(np.stack(flat[:-2], axis=1), axis=0, return_inverse=True)
    low, high = (np.full(len(keys), a[0]) for a in flat[-2:])
    np.minimum.at(low, place.reshape(-1), flat[-2])
    np.maximum.at(high, place.reshape(-1), flat[-1])
    order = {key: number for number, key in enumerate(rows)}
    found = []
    for number, key in enumerate(map(tuple, keys.tolist())):
        ends = rows.setdefault(key, [int(low[number]), int(high[number])])
        ends[:] = min(ends[0], int(low[number])), max(ends[1], int(high[number]))
        found.append(order.setdefault(key, len(order)))
    return found


def _facts(item: Member, seen: Seen, place: Ints, rows: int) -> Facts:
    charge = bounds_of(item.charge)
    ports = item.population.neuron.ports
    return Facts(
        charge,
        {port: item.hearing.arrivals(port) for port in ports},
        dict(_registers(item, seen, place, rows)),
        [*_line_bounds(item, seen, place, rows)],
        "classes",
        len(place),
        seen.classes * len(place),
    )


def _registers(item: Member, seen: Seen, place: Ints, rows: int) -> Iterator[tuple[str, Bounds]]:
    for name, bounds in seen.states.items():
        yield name, _of_rows(bounds, place, rows)
    for port in item.population.neuron.ports:
        for register, terms in kernel(port).after.items():
            least, most = _sum_bounds(item, terms, 0)
            yield register, (min(0, least), max(0, most))


def _of_rows(bounds: tuple[Ints, Ints], place: Ints, rows: int) -> Bounds:
    low, high = (np.broadcast_to(a, (rows,))[place] for a in bounds)
    return int(low.min()), int(high.max())


def _line_bounds(item: Member, seen: Seen, place: Ints, rows: int) -> Iterator[Bounds]:
    """Yield the bounds of what each line gives in any step."""
    ran = {entry.number: bounds for entry, bounds in zip(item.firing.lines, seen.lines, strict=True) if bounds}
    for number in range(len(item.population.neuron.code)):
        found = [_of_rows(ran[number], place, rows)] if number in ran else []
        for reading in (item.latching, item.later):
            if number not in ran or not reading.runs[number]:
                found.append(_raw_bounds(item, reading.forms[number]))
        yield min(low for low, _ in found), max(high for _, high in found)


def _raw_bounds(item: Member, form: Form) -> Bounds:
    if isinstance(form, Steps):
        return form.low, form.high
    assert form.terms is not None
    return bounds_of(item.charge) if "charge" in form.terms else _sum_bounds(item, form.terms, form.const)


def _sum_bounds(item: Member, terms: Mapping[str, int], const: int) -> Bounds:
    """Return the bounds of a sum of registers and arrivals in any step, the one that latches included."""
    return bounds_of(*(item.hearing.reach(terms, const, latches) for latches in (True, False)))
