"""How a chain or a pair becomes a population of the integer network, or is read from one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snncc.compiler.coding import Levels
from snncc.compiler.ir.graph import Node
from snncc.compiler.quantize.verbatim_kernel import kernel_level
from snncc.compiler.quantize.verbatim_ladder import OffGridError, chain_ladder, level_of, settled
from snncc.compiler.quantize.verbatim_pairs import Decision, NoPairError, decide, oriented, slope, tabulate
from snncc.compiler.quantize.verbatim_problems import rounded_units, undecided
from snncc.compiler.quantize.verbatim_values import Chain, Charge, Edge, Grid, Ints, Pair, Step
from snncc.compiler.quantize.verbatim_writing import Network

ALIKE = 1e-6  # relative difference of units that float32 rounding makes
FINEST = 1 << 12  # largest multiplier that brings outputs of different units to one
WHOLE, FINER = 1e-2, 8  # how near a bias is to a whole number; digits of it that are kept where it is none
ONE = np.ones(1, dtype=np.int64)


def settle(network: Network, node: Node, value: Chain | Pair) -> Grid | None:
    """Return the levels of a value, sent by a new population or shown by one there is; None if it has no levels.

    Raises:
        NoPairError: it is a sum that has no form in integers.
        TooManyError: it rises and falls over too many charges.
    """
    try:
        return _pair(network, node, value) if isinstance(value, Pair) else _chain(network, node, value)
    except OffGridError:
        return None


def _chain(network: Network, node: Node, chain: Chain) -> Grid | None:
    if chain.scale is None:
        return None
    if isinstance(chain.base, Grid) and (same := _same_levels(chain, chain.base)) is not None:
        return same
    edges = network.sums(node, chain.base, ONE)
    if _is_sum(chain):
        low, high = network.reach(edges)
        levels = Levels(min(0, int(low.min())), max(1, int(high.max())))
        zero = np.zeros(len(low), dtype=np.int64)
        return network.fire(node, edges, (zero, zero + 1), levels, chain.scale)
    channels = network.graph.types[node.name].shape[0]
    level = kernel_level(chain) or level_of(chain, chain.scale)
    return network.climb(node, edges, chain_ladder(chain, level, channels), chain.scale)


def _same_levels(chain: Chain, grid: Grid) -> Grid | None:
    """Return levels that are those of the base themselves, with the scale that the chain gives them."""
    every = np.arange(grid.levels.lo, grid.levels.hi + 1)[None]
    assert chain.scale is not None
    alike = (level_of(chain, chain.scale)(every) == every).all()
    return Grid(grid.node, chain.scale, grid.levels) if alike else None


def _is_sum(chain: Chain) -> bool:
    """Return whether levels are the charges themselves, as after an average pool that no quantizer follows."""
    try:
        worth = slope(chain)
    except NoPairError:
        return False
    shifts = any(step.affine is not None and step.affine[1].any() for step in chain.steps)
    return not shifts and chain.scale is not None and bool((np.abs(worth / chain.scale - 1) < ALIKE).all())


def _pair(network: Network, node: Node, pair: Pair) -> Grid | None:
    scale = pair.scale
    if scale is None:
        return _exact_sum(network, node, pair)
    pair = oriented(pair)
    table = tabulate(pair, scale)
    ratio = slope(pair.right) / slope(pair.left) * table.way[:, 0]
    most = (1 << (min(network.target.state_bits, network.target.accumulator_bits) - 1)) - 1
    rows = len(table.least)
    decisions = [decide(table, ratio, channel, most) for channel in range(rows)]
    wrong = sum(decision.wrong for decision in decisions)
    if wrong:
        network.found.report(undecided(node.name, node.loc, wrong, sum(d.pairs for d in decisions)))
    channels = network.graph.types[node.name].shape[0]
    by_left, by_right, thresholds = (np.broadcast_to(a, (channels, *a.shape[1:])) for a in _arrays(decisions))
    edges = (
        *network.sums(node, pair.left.base, by_left, ".left"),
        *network.sums(node, pair.right.base, by_right, ".right"),
    )
    low, high = (end[:, None] for end in network.reach(edges))
    start = np.full(channels, table.lowest) + (thresholds <= low).sum(axis=1)
    places = np.where(thresholds <= low, high + 1, np.minimum(thresholds, high + 1))
    return network.climb(node, edges, settled(start, places, np.ones_like(places), low, high), scale)


def _arrays(decisions: list[Decision]) -> tuple[Ints, Ints, Ints]:
    """Return the multipliers, [rows] each, and the thresholds, [rows, m]."""
    lefts = np.array([decision.left for decision in decisions])
    rights = np.array([decision.right for decision in decisions])
    return lefts, rights, np.stack([decision.thresholds for decision in decisions])


def _exact_sum(network: Network, node: Node, pair: Pair) -> Grid | None:
    """Return the sum of levels of one scale, None for any other sum."""
    left, right = pair.left, pair.right
    if pair.steps or left.scale is None or left.scale != right.scale or not (_is_sum(left) and _is_sum(right)):
        return None
    edges = (*network.sums(node, left.base, ONE, ".left"), *network.sums(node, right.base, ONE, ".right"))
    low, high = network.reach(edges)
    levels = Levels(min(0, int(low.min())), max(1, int(high.max())))
    zero = np.zeros(len(low), dtype=np.int64)
    return network.fire(node, edges, (zero, zero + 1), levels, left.scale)


def read(network: Network, node: Node, value: Grid | Chain | Pair) -> None:
    """Add the readout of a value: its charges in one unit for all channels.

    Where channels have units of their own, integer multipliers bring them to one, and what they round is told.

    Raises:
        NoPairError: it is no weighted sum.
    """
    parts, shift = _terms(value)
    channels = network.graph.types[node.name].shape[0]
    units = [np.broadcast_to(worth, (channels,)) for _, worth in parts]
    every = np.concatenate(units)
    unit = float(every[0])
    if (np.abs(every / unit - 1) > ALIKE).any():
        unit, error = _one_unit(every, _room(network, parts, channels))
        if error > ALIKE:
            network.found.report(rounded_units(node, error))
    unit /= _refined(shift / unit, _room(network, parts, channels, unit))
    edges: list[Edge] = []
    for number, (base, worth) in enumerate(parts):
        by = np.rint(np.broadcast_to(worth, (channels,)) / unit).astype(np.int64)
        edges += network.sums(node, base, by, f".{number}" if len(parts) > 1 else "")
    bias = np.rint(np.broadcast_to(shift, (channels,)) / unit).astype(np.int64)
    network.readout(node, edges, bias, unit)


Part = tuple[Charge | Grid, npt.NDArray[np.float64]]


def _terms(value: Grid | Chain | Pair) -> tuple[list[Part], npt.NDArray[np.float64]]:
    """Return charges with the real value of 1 each, and the real shift of their sum."""
    if isinstance(value, Grid):
        return [(value, value.unit)], np.zeros(1)
    chains = [value] if isinstance(value, Chain) else [value.left, value.right]
    after: tuple[Step, ...] = () if isinstance(value, Chain) else value.steps
    scaled = [_scaled((*chain.steps, *after)) for chain in chains]
    rest = _scaled(after)[1] if len(chains) > 1 else np.zeros(1)
    shift = sum((b for _, b in scaled), np.zeros(1)) - (rest if len(chains) > 1 else 0)
    return [(chain.base, chain.base.unit * a) for chain, (a, _) in zip(chains, scaled, strict=True)], shift


def _scaled(steps: tuple[Step, ...]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return a and b of a x + b for steps in a row."""
    scale, shift = np.ones(1), np.zeros(1)
    for step in steps:
        if step.affine is None:
            raise NoPairError("is an output that is curved or clipped, and no quantizer follows it")
        scale, shift = scale * step.affine[0], shift * step.affine[0] + step.affine[1]
    return scale, shift


def _refined(bias: npt.NDArray[np.float64], room: int) -> int:
    """Return the power of two that makes a unit finer where a bias is no multiple of it: it costs no synapse."""
    if (np.abs(bias - np.rint(bias)) < WHOLE).all():
        return 1
    return int(1 << min(FINER, room.bit_length() - 1))


def _one_unit(units: npt.NDArray[np.float64], most: int) -> tuple[float, float]:
    """Return the unit of which all others are multiples, as nearly as can be, and the largest relative error.

    Args:
        units: to be brought to one.
        most: the largest multiplier.
    """
    top = float(np.abs(units).max())
    parts = np.abs(units) / top
    parts = parts[parts > 0]
    tried = np.arange(1, most + 1)[:, None]
    errors = np.abs(np.rint(tried * parts) / (tried * parts) - 1).max(axis=1)
    best = int(np.argmin(np.where(errors < ALIKE, 0, errors)))
    return top / (best + 1), float(errors[best])


def _room(network: Network, parts: list[Part], channels: int, unit: float = 0.0) -> int:
    """Return the largest multiplier, up to FINEST, with which every charge in a unit still fits its accumulator.

    Without a unit it is that of the largest of all.
    """
    most = (1 << (min(network.target.state_bits, network.target.accumulator_bits) - 1)) - 1
    top = unit or max(float(np.abs(worth).max()) for _, worth in parts)
    total = np.zeros(channels)
    for base, worth in parts:
        far = np.maximum(np.abs(base.reach[0]), np.abs(base.reach[1]))
        total = total + np.broadcast_to(far * np.abs(worth) / top, (channels,))
    return max(1, min(FINEST, int(most / max(float(total.max()), 1.0) * 0.99)))
