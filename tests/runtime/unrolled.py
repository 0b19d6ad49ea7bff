"""What a placement needs of each core, by unrolling every synapse of a small program, without the checker."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from math import prod

import numpy as np

from snncc.compiler.placement.slices import HOST
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, Population, Program
from snncc.compiler.targets.target import Packing

Needs = dict[str, dict[int, int]]  # by limit, by core
Homes = dict[str, list[str]]  # the slice of each neuron, by population
Synapse = tuple[int, int, tuple[int, ...]]  # input, target neuron, (input channel, output channel) of a convolution


def synapses(connection: Connection) -> Iterator[Synapse]:
    """Yield every stored synapse of a connection that lies inside of its input."""
    held = connection.synapses
    if isinstance(held, DenseSynapses):
        yield from ((i, n, ()) for n, i in product(*map(range, held.weight.shape)))
    elif isinstance(held, ConvSynapses):
        yield from _convolution(held)
    else:
        yield from ((int(i), int(n), ()) for i, n in zip(held.source, held.target, strict=True))


def _convolution(conv: ConvSynapses) -> Iterator[Synapse]:
    ins = conv.weight.shape[1]
    outs = conv.weight.shape[0] // conv.groups
    for out, inner, *tap in product(*map(range, conv.weight.shape)):
        channel = out // outs * ins + inner
        for where in product(*map(range, conv.out_shape[1:])):
            axes = zip(where, conv.strides, tap, conv.dilations, conv.pads, strict=False)  # pads have ends, too
            at = [w * s + t * d - p for w, s, t, d, p in axes]
            if all(0 <= a < n for a, n in zip(at, conv.in_shape[1:], strict=True)):
                source = np.ravel_multi_index((channel, *at), conv.in_shape)
                yield int(source), int(np.ravel_multi_index((out, *where), conv.out_shape)), (channel, out)


def width(connection: Connection, target: Population) -> int:
    """Return bits of the widest mantissa: a connection's weights have one power of two a row, a pool's one each."""
    weight = connection.synapses.weight
    alone = weight.ndim == 1 or (target.claim is not None and target.claim.kind == "pool")
    widest = 1
    for row in weight.reshape((-1, 1) if alone else (len(weight), -1)).tolist():
        while any(row) and not any(number % 2 for number in row):
            row = [number // 2 for number in row]
        widest = max(widest, *(abs(number).bit_length() + 1 for number in row), 0)
    return widest


@dataclass
class Heard:
    """What a slice hears through a connection: synapses by sending neuron, pairs of channels that meet."""

    lists: Counter[int] = field(default_factory=Counter)
    pairs: set[tuple[int, ...]] = field(default_factory=set)


def needs(program: Program, packing: Packing) -> Needs:
    """Return what each core has of each limit; what the host has is left out."""
    homes = {p.name: _homes(program, p) for p in program.populations}
    cores = {part.name: part.core for part in program.slices}
    found: Needs = {"neurons": defaultdict(int)}
    for part in program.slices:
        found["neurons"][part.core] += part.size
    found |= _kinds(program, homes, cores) | _fans(program, homes, cores) | _axons(program, packing, homes, cores)
    return {name: {core: n for core, n in loads.items() if core != HOST} for name, loads in found.items()}


def _axons(program: Program, packing: Packing, homes: Homes, cores: dict[str, int]) -> Needs:
    found: Needs = {name: defaultdict(int) for name in ("in_axons", "out_axons", "synapse_words")}
    axons: Counter[str] = Counter()
    widest: dict[str, int] = defaultdict(lambda: 1)
    for name in (name for source in {c.source for c in program.connections} for name in homes[source]):
        axons[name] += packing.loops
        for limit in ("in_axons", "out_axons", *(["synapse_words"] if packing.kind == "list" else [])):
            found[limit][cores[name]] += packing.loops
    for connection in program.connections:
        needed = width(connection, program.population[connection.target])
        stored = min((bits for bits in packing.widths if bits >= needed), default=needed)
        for name in set(homes[connection.target]):
            widest[name] = max(widest[name], stored)
        for name, heard in _heard(connection, homes).items():
            axons[name] += len(heard.lists)
            found["in_axons"][cores[name]] += len(heard.lists)
            for source in heard.lists:
                found["out_axons"][cores[homes[connection.source][source]]] += 1
            if packing.kind == "list":
                found["synapse_words"][cores[name]] += _words(connection, heard, stored, packing)
    for part in program.slices if packing.kind == "crossbar" else ():
        columns = _power(widest[part.name]) * _power(max(1, -(-axons[part.name] // packing.rows)))
        found["synapse_words"][part.core] += part.size * columns
    return found


def _heard(connection: Connection, homes: Homes) -> dict[str, Heard]:
    found: dict[str, Heard] = defaultdict(Heard)
    for given, neuron, pair in synapses(connection):
        source = given if connection.gather is None else int(connection.gather[given])
        if source != SILENCE:
            found[homes[connection.target][neuron]].lists[source] += 1
            found[homes[connection.target][neuron]].pairs.add(pair)
    return found


def _words(connection: Connection, heard: Heard, stored: int, packing: Packing) -> int:
    bits = stored + (packing.delay_bits if connection.delay > 1 else 0)
    if isinstance(connection.synapses, ConvSynapses) and packing.shared_kernels:
        taps = prod(connection.synapses.weight.shape[2:])
        channels = Counter(channel for channel, _ in heard.pairs)
        return sum(taps * _packed(n, bits + packing.kernel_bits, packing) for n in channels.values())
    return sum(_packed(n, bits + packing.list_bits, packing) for n in heard.lists.values())


def _packed(count: int, bits: int, packing: Packing) -> int:
    blocks = -(-count // packing.block_synapses) if packing.block_synapses else 1
    return -(-(count * bits + blocks * packing.header_bits) // packing.word_bits)


def _power(number: int) -> int:
    """Return the least power of two that is not smaller."""
    power = 1
    while power < number:
        power *= 2
    return power


def _homes(program: Program, population: Population) -> list[str]:
    """Return for each neuron of a population the slice that holds it."""
    homes = [""] * population.size
    for part in (s for s in program.slices if s.population == population.name):
        for at in product(*(range(low, high) for low, high in zip(part.lo, part.hi, strict=True))):
            homes[int(np.ravel_multi_index(at, population.shape)) if at else 0] = part.name
    return homes


def _kinds(program: Program, homes: Homes, cores: dict[str, int]) -> Needs:
    programs: dict[int, set[object]] = defaultdict(set)
    thresholds: dict[int, set[object]] = defaultdict(set)
    for population in program.populations:
        columns = {
            name: np.broadcast_to(values, population.shape).ravel().tolist()
            for name, values in population.params.items()
            if name != "offset"
        }
        for neuron, home in enumerate(homes[population.name]):
            programs[cores[home]].add(population.neuron)
            kind = tuple((name, values[neuron]) for name, values in sorted(columns.items()))
            thresholds[cores[home]].add((population.neuron, kind))
    return {
        "programs": {core: len(kinds) for core, kinds in programs.items()},
        "thresholds": {core: len(kinds) for core, kinds in thresholds.items()},
    }


def _fans(program: Program, homes: Homes, cores: dict[str, int]) -> Needs:
    heard, sent = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    for connection in program.connections:
        for given, neuron, _ in synapses(connection):
            source = given if connection.gather is None else int(connection.gather[given])
            if source != SILENCE:
                heard[connection.target, neuron] += 1
                sent[connection.source, source] += 1
    found: Needs = {}
    for limit, fans in (("fan_in", heard), ("fan_out", sent)):
        found[limit] = defaultdict(int)
        for (population, neuron), number in fans.items():
            core = cores[homes[population][neuron]]
            found[limit][core] = max(found[limit][core], number)
    return found
