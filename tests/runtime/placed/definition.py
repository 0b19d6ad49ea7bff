"""The counts by their definitions, in plain Python: every synapse looked at, every message walked through the mesh.

Spikes are those of the sliced program on the emulator; nothing is shared with ``snncc.runtime.placed``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from itertools import product
from math import ceil, log2

import numpy as np
import numpy.typing as npt

from snncc.compiler.placement.sliced import cut_feed, sliced
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, Population, Program
from snncc.compiler.targets.target import Board, Packing, Target
from snncc.compiler.trace import Feed, Sent
from snncc.runtime.emulator import Emulator, run_feed

Ints = npt.NDArray[np.int64]
Synapse = tuple[int, tuple[int, ...], int, int]  # input, tap, neuron of the target, weight
Found = dict[str, Counter[tuple[int, int]]]  # by name of a count, by (step, core)


def flat(index: tuple[int, ...], shape: tuple[int, ...]) -> int:
    number = 0
    for i, n in zip(index, shape, strict=True):
        number = number * n + i
    return number


def synapses(connection: Connection) -> Iterator[Synapse]:
    """Yield every stored synapse."""
    held = connection.synapses
    if isinstance(held, DenseSynapses):
        for (row, column), weight in np.ndenumerate(held.weight):
            yield column, (), row, int(weight)
    elif not isinstance(held, ConvSynapses):
        for source, target, weight in zip(held.source, held.target, held.weight, strict=True):
            yield int(source), (), int(target), int(weight)
    else:
        rank, ins = len(held.strides), held.weight.shape[1]
        for place, weight in np.ndenumerate(held.weight):
            tap, channel = place[2:], place[0] // (held.weight.shape[0] // held.groups) * ins + place[1]
            for out in product(*map(range, held.out_shape[1:])):
                at = tuple(out[a] * held.strides[a] + tap[a] * held.dilations[a] - held.pads[a] for a in range(rank))
                if all(0 <= i < n for i, n in zip(at, held.in_shape[1:], strict=True)):
                    source = flat((channel, *at), held.in_shape)
                    yield source, tap, flat((place[0], *out), held.out_shape), int(weight)


def behind(connection: Connection, number: int) -> int:
    """Return the neuron behind an input, -1 for none."""
    return number if connection.gather is None else int(connection.gather[number])


def by_neuron(connection: Connection) -> dict[int, list[Synapse]]:
    found: dict[int, list[Synapse]] = defaultdict(list)
    for synapse in synapses(connection):
        found[behind(connection, synapse[0])].append(synapse)
    found.pop(-1, None)
    return found


def neurons_of(part: Slice, shape: tuple[int, ...]) -> list[int]:
    """Return the numbers of a slice's neurons in its population."""
    return [flat(at, shape) for at in product(*(range(a, b) for a, b in zip(part.lo, part.hi, strict=True)))]


def bits_of(connection: Connection, target: Population, packing: Packing) -> int:
    """Return the bits of the widest mantissa and its sign, rounded up to a width that can be stored.

    Weights of a row are mantissas times the largest power of two that divides them all; a row is an output channel, in
    pools and sparse synapses a single weight.
    """
    weight = connection.synapses.weight
    single = weight.ndim == 1 or (target.claim is not None and target.claim.kind == "pool")
    rows = weight.reshape(-1, 1) if single else weight.reshape(len(weight), -1)
    needed = 1
    for row in rows.tolist():
        while any(row) and all(w % 2 == 0 for w in row):
            row = [w // 2 for w in row]
        while any(abs(w) >= 1 << (needed - 1) for w in row):
            needed += 1
    wider = [bits for bits in packing.widths if bits >= needed]
    return (min(wider) if wider else max(packing.widths)) if packing.widths else needed


def packed(count: int, entry: int, packing: Packing) -> int:
    blocks = ceil(count / packing.block_synapses) if packing.block_synapses else 1
    return ceil((count * entry + blocks * packing.header_bits) / packing.word_bits)


def words_read(connection: Connection, own: list[Synapse], part: Slice, bits: int, packing: Packing) -> int:
    """Return the words read for a neuron with its synapses in a slice, of so many bits each."""
    if packing.kind == "crossbar":
        return part.size * 2 ** ceil(log2(bits))
    entry = bits + (packing.delay_bits if connection.delay > 1 else 0)
    if packing.shared_kernels and isinstance(connection.synapses, ConvSynapses):
        lists = Counter((source, tap) for source, tap, _, _ in own)
        return sum(packed(n, entry + packing.kernel_bits, packing) for n in lists.values())
    return packed(len(own), entry + packing.list_bits, packing)


def walk(board: Board, source: int, target: int) -> Iterator[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Yield (kind of step, from, to) on the way from a core to a core."""
    if HOST in (source, target):
        return
    (x, y), (end_x, end_y) = board.place_of(source), board.place_of(target)
    while (x, y) != (end_x, end_y):
        step_x = (end_x > x) - (end_x < x)
        step_y = 0 if step_x else (end_y > y) - (end_y < y)
        to = x + step_x, y + step_y
        same = (x // board.columns, y // board.rows) == (to[0] // board.columns, to[1] // board.rows)
        yield ("hops_x" if step_x else "hops_y") if same else "chip_hops", (x, y), to
        x, y = to


class Slow:
    """Counts a run by the definitions.

    Attributes:
        found: every count by name, by (step, core).
        links: messages by (step, link).
    """

    def __init__(self, program: Program, target: Target, lives: Mapping[str, range]) -> None:
        """Take a placed program, what it is placed on, and the steps in which a population counts, by its name."""
        self.program, self.target, self.lives = program, target, lives
        self.found: Found = defaultdict(Counter)
        self.links: Counter[tuple[int, object]] = Counter()
        self.parts = {part.name: part for part in program.slices}
        self.pieces = [(piece, by_neuron(piece)) for piece in sliced(program).connections]
        self.whole = {c.name: (c, by_neuron(c)) for c in program.connections}
        shapes = {p.name: p.shape for p in program.populations}
        self.numbers = {part.name: neurons_of(part, shapes[part.population]) for part in program.slices}
        self.bits = self._bits()

    def _bits(self) -> dict[str, int]:
        """Return the bits of a weight by connection; in a crossbar those of the widest into its target."""
        packing, populations = self.target.packing, self.program.population
        bits = {c.name: bits_of(c, populations[c.target], packing) for c in self.program.connections}
        if packing.kind != "crossbar":
            return bits
        into: dict[str, int] = Counter()
        for c in self.program.connections:
            into[c.target] = max(into[c.target], bits[c.name])
        return {c.name: into[c.target] for c in self.program.connections}

    def run(self, feed: Feed) -> None:
        """Step the sliced program and count; what would arrive after the last step does not."""
        self.steps = feed.steps
        for part in self.program.slices:
            for step in self.lives[part.population]:
                self.found["updates"][step, part.core] += part.size
        for now, sent in enumerate(run_feed(Emulator(sliced(self.program)), cut_feed(self.program, feed))):
            self._step(now, sent)

    def _step(self, now: int, sent: Mapping[str, Sent]) -> None:
        fired = {
            name: np.flatnonzero(did.spikes[:, 0]).tolist()
            for name, did in sent.items()
            if now in self.lives[self.parts[name].population]
        }
        for name, neurons in fired.items():
            self.found["spikes"][now, self.parts[name].core] += len(neurons)
        for piece, heard in self.pieces:
            for neuron in fired.get(piece.source, []):
                if neuron in heard:
                    self._message(now, piece, neuron, heard[neuron])

    def _message(self, now: int, piece: Connection, neuron: int, heard: list[Synapse]) -> None:
        """Count a spike that passes a piece of a connection."""
        source, part, found = self.parts[piece.source], self.parts[piece.target], self.found
        found["sent"][now, source.core] += 1
        for kind, *link in walk(self.target.board, source.core, part.core):
            found[kind][now, source.core] += 1
            self.links[now, tuple(link)] += 1
        there = now + piece.delay, part.core
        connection, every = self.whole[piece.name.rpartition(".")[0]]
        inside = set(self.numbers[part.name])
        own = [s for s in every[self.numbers[source.name][neuron]] if s[2] in inside]
        assert sorted(s[3] for s in own) == sorted(s[3] for s in heard)
        if there[0] >= self.steps:
            return
        found["received"][there] += 1
        found["synaptic_events"][there] += sum(weight != 0 for *_, weight in heard)
        found["word_reads"][there] += words_read(connection, own, part, self.bits[connection.name], self.target.packing)

    def busiest(self, steps: int) -> list[int]:
        """Return what the busiest link carries in every step."""
        return [max((n for (step, _), n in self.links.items() if step == now), default=0) for now in range(steps)]
