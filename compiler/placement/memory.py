"""Words of synapse memory that a connection takes in a box of its target; the formulas stand at ``targets.Packing``."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import numpy as np

from snncc.compiler.mapping.mantissas import exponents
from snncc.compiler.placement.cuts import Cuts, Ints, boxes, grid, outer, sizes
from snncc.compiler.placement.wiring import DenseWiring, Wiring, group_sizes, shares
from snncc.compiler.program import Connection, ConvSynapses
from snncc.compiler.targets.target import Packing


def width(connection: Connection, pool: bool, packing: Packing) -> int | None:
    """Return the bits of a stored mantissa, sign included; None where the packing has none as wide.

    Args:
        connection: its weights are m 2^e, with one e for each output channel.
        pool: whether it leads to a max-pool, each of whose taps has an e of its own.
        packing: the widths that can be stored.
    """
    weight = connection.synapses.weight
    rows = weight.reshape(-1, 1) if pool or weight.ndim == 1 else weight.reshape(len(weight), -1)
    most = np.abs(rows).max(axis=1, initial=0) >> exponents(rows) if rows.size else np.zeros(1, dtype=np.int64)
    needed = int(most.max(initial=0)).bit_length() + 1
    if not packing.widths:
        return needed
    return min((bits for bits in packing.widths if bits >= needed), default=None)


def words(connection: Connection, wiring: Wiring, cuts: Cuts, packing: Packing, bits: int) -> Ints:
    """Return the words that each box takes, int64 [*grid]; 0 in a crossbar, whose boxes are counted whole.

    Args:
        connection: its synapses.
        wiring: the same, seen from boxes.
        cuts: of the target.
        packing: how synapses are stored.
        bits: of a weight.
    """
    if packing.kind == "crossbar":
        return np.zeros(grid(cuts), dtype=np.int64)
    waits = packing.delay_bits if connection.delay > 1 else 0
    if isinstance(connection.synapses, ConvSynapses) and packing.shared_kernels:
        channels = _kernels(connection.synapses, cuts, packing, bits + packing.kernel_bits + waits)
        spread = channels.reshape(-1, *(1,) * (len(cuts) - 1))
        return np.broadcast_to(spread, grid(cuts)).astype(np.int64)
    entry = bits + packing.list_bits + waits
    if isinstance(wiring, DenseWiring):
        return prod(wiring.source) * packed(outer([sizes(bounds) for bounds in cuts]), packing, entry)
    found = [int(packed(wiring.lists(box), packing, entry).sum()) for box in boxes(cuts)]
    return np.array(found, dtype=np.int64).reshape(grid(cuts))


def crossbar(neurons: Ints, axons: Ints, packing: Packing, bits: int) -> Ints:
    """Return the columns that boxes take in a crossbar."""
    rows = np.maximum(1, -(-axons // packing.rows))
    doubled = np.array([1 << (int(n) - 1).bit_length() for n in rows.ravel()], dtype=np.int64).reshape(rows.shape)
    return neurons * (1 << (bits - 1).bit_length()) * doubled


def _kernels(synapses: ConvSynapses, cuts: Cuts, packing: Packing, entry: int) -> Ints:
    """Return the words of the kernels that each part of the channels stores."""
    outs, ins = group_sizes(synapses)
    taps = prod(synapses.weight.shape[2:])
    parts = [shares(a, b, outs, synapses.groups) for a, b in pairwise(cuts[0])]
    return np.array([int(ins * taps * packed(n, packing, entry).sum()) for n in parts], dtype=np.int64)


def packed(synapses: Ints, packing: Packing, entry: int) -> Ints:
    """Return the words of lists, int64 of the shape of ``synapses``; none for an empty list.

    Args:
        synapses: how many each list has.
        packing: how they are stored.
        entry: bits of a synapse, all that stands beside the weight included.
    """
    blocks = -(-synapses // packing.block_synapses) if packing.block_synapses else np.minimum(synapses, 1)
    bits: Ints = synapses * entry + packing.header_bits * blocks
    return -(-bits // packing.word_bits)
