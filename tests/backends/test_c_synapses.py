"""Synapses of every kind and geometry deliver in C what they deliver in the emulator."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.artifact import write_artifact
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import (
    SILENCE,
    Connection,
    ConvSynapses,
    DenseSynapses,
    EventInput,
    Output,
    Population,
    Program,
    SparseSynapses,
    Synapses,
)
from snncc.compiler.program_check import check_program
from tests.backends.c_support import C, Ints, assert_exact, event_feed, sanitized, selftest
from tests.backends.harness import assert_same_trace

ECHO = "port x\nstate v:{bits}\nv = copy in.x\nemit v"
HEAR = parse_neuron("port x\nparam bias\nstate v:40\nv = add in.x bias")


def drawn(rng: np.random.Generator, *options: int) -> int:
    return int(rng.choice(options))


def random_conv(rng: np.random.Generator, rank: int) -> ConvSynapses:
    """Return a convolution over ``rank`` axes, some with pads beyond the kernel and outputs that nothing reaches."""
    while True:
        groups = drawn(rng, 1, 1, 2, 3)
        deep, wide = (int(rng.integers(1, 4)) for _ in range(2))
        sizes = rng.integers(1, 7, rank)
        kernel, strides, dilations = rng.integers(1, 4, rank), rng.integers(1, 4, rank), rng.integers(1, 3, rank)
        if rng.random() < 0.5:  # what most networks have, and where taps lie side by side
            strides[-1:], dilations[-1:], groups = 1, 1, 1
        pads = rng.integers(0, 4, 2 * rank)
        room = sizes + pads[:rank] + pads[rank:] - dilations * (kernel - 1) - 1
        if (room >= 0).all():
            break
    weight = rng.integers(-9, 10, (groups * wide, deep, *kernel))
    shape, stride, pad, dilation = (tuple(int(n) for n in a) for a in (sizes, strides, pads, dilations))
    return ConvSynapses(weight, (groups * deep, *shape), stride, pad, dilation, groups)


def around(rng: np.random.Generator, synapses: Synapses, name: str, sources: int, shape: tuple[int, ...]) -> Program:
    """Return two populations with these synapses between them, on a view that reads some neurons twice, or none."""
    gather, count = None, sources
    if rng.random() < 0.5:
        count = int(rng.integers(1, 2 * sources + 2))
        gather = rng.integers(SILENCE, count, sources)
    signed, bits = bool(rng.random() < 0.5), drawn(rng, 1, 5, 12, 33)
    neuron = parse_neuron(ECHO.format(bits=63))
    first = Population(f"{name}.a", (count,), neuron, {}, payload_bits=bits + signed, signed=signed)
    bias = rng.integers(-5, 6, (shape[0], *(1,) * (len(shape) - 1))) if shape else np.array(1)
    second = Population(f"{name}.b", shape, HEAR, {"bias": bias})
    wire = Connection(name, first.name, second.name, "x", synapses, int(rng.integers(1, 5)), gather)
    source = EventInput(name, first.name, "x")
    return Program(name, "none", 0, (first, second), (wire,), (source,))


def joined(parts: list[Program]) -> Program:
    populations = tuple(p for part in parts for p in part.populations)
    connections = tuple(c for part in parts for c in part.connections)
    return Program("joined", "none", 0, populations, connections, tuple(i for part in parts for i in part.inputs))


def events_of(rng: np.random.Generator, program: Program, steps: int) -> dict[str, list[tuple[int, int, int]]]:
    events = {}
    for source in program.inputs:
        sender = program.population[source.population]
        bits = min(sender.payload_bits - sender.signed, 30)
        places = rng.integers((0, 0), (steps, sender.size), (20, 2)).tolist()
        values = rng.integers(-(2**bits) if sender.signed else 0, 2**bits, 20).tolist()
        kept = {(step, neuron): value for (step, neuron), value in zip(places, values, strict=True)}
        events[source.name] = [(*place, value) for place, value in kept.items()]
    return events


@pytest.mark.parametrize("seed", range(3))
def test_convolutions_of_every_geometry(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    parts = []
    for number, rank in enumerate((0, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2)):
        conv = random_conv(rng, rank)
        # the population's shape may be another one than the convolution's
        shape = conv.out_shape if rng.random() < 0.7 else (prod(conv.out_shape),)
        parts.append(around(rng, conv, f"c{number}", prod(conv.in_shape), shape))
    program = joined(parts)
    assert check_program(program) == []
    artifact = assert_exact(program, event_feed(12, events_of(rng, program, 8)), tmp_path / "c")
    if seed == 0:
        assert selftest(artifact, "-O1 -fsanitize=address,undefined -fno-sanitize-recover=all")[0] == 0


def as_dense(conv: ConvSynapses) -> DenseSynapses:
    """Return the same synapses one by one, by the convolution's definition; the emulator has no third axis."""
    outs = conv.weight.shape[0] // conv.groups
    numbers = np.arange(prod(conv.in_shape)).reshape(conv.in_shape)
    dense = np.zeros((*conv.out_shape, numbers.size), dtype=np.int64)
    for out, *position in np.ndindex(*conv.out_shape):
        for deep, *tap in np.ndindex(*conv.weight.shape[1:]):
            axes = zip(position, conv.strides, tap, conv.dilations, conv.pads, strict=False)
            at = [p * stride + k * dilation - pad for p, stride, k, dilation, pad in axes]
            if all(0 <= a < size for a, size in zip(at, conv.in_shape[1:], strict=True)):
                place = (out // outs * conv.weight.shape[1] + deep, *at)
                synapse, weight = (out, *position, numbers[place]), (out, deep, *tap)
                dense[synapse] += conv.weight[weight]
    return DenseSynapses(dense.reshape(-1, numbers.size))


def test_convolutions_over_three_axes(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    convs = [random_conv(rng, rank) for rank in (3, 3, 3, 4, 2)]
    parts = [around(rng, conv, f"c{k}", prod(conv.in_shape), conv.out_shape) for k, conv in enumerate(convs)]
    program = joined(parts)
    assert check_program(program) == []
    wires = [replace(wire, synapses=as_dense(conv)) for wire, conv in zip(program.connections, convs, strict=True)]
    feed = event_feed(12, events_of(rng, program, 8))
    artifact = tmp_path / "c"
    write_artifact(C, program, artifact)
    assert_same_trace(C, artifact, replace(program, connections=tuple(wires)), feed)


@pytest.mark.parametrize("seed", range(2))
def test_dense_and_sparse_synapses_onto_channels_last(seed: int, tmp_path: Path) -> None:
    """Several kinds reach one population whose neurons a convolution has put into another order."""
    rng = np.random.default_rng(seed)
    conv = ConvSynapses(rng.integers(-9, 10, (3, 2, 2, 2)), (2, 4, 3), (1, 1), (0, 1, 0, 0), (1, 1))
    sources, targets = prod(conv.in_shape), prod(conv.out_shape)
    ends = rng.integers((0, 0), (sources, targets), (30, 2))
    sparse = SparseSynapses(ends[:, 0], ends[:, 1], rng.integers(-99, 100, 30))
    kinds: list[Synapses] = [conv, DenseSynapses(rng.integers(-300, 300, (targets, sources))), sparse]
    echo = parse_neuron(ECHO.format(bits=20))
    first = Population("a", conv.in_shape, echo, {}, payload_bits=13, signed=True)
    params = {"bias": rng.integers(-5, 6, conv.out_shape)}
    second = Population("b", conv.out_shape, HEAR, params)
    order = rng.permutation(sources)
    wires = [Connection(f"w{k}", "a", "b", "x", s, k + 1, order if k else None) for k, s in enumerate(kinds)]
    outputs = (Output("o", "b", Fraction(1)),)
    program = Program("kinds", "none", 0, (first, second), tuple(wires), (EventInput("e", "a", "x"),), outputs)
    assert check_program(program) == []
    assert_exact(program, event_feed(12, events_of(rng, program, 8)), tmp_path / "c")


def test_a_connection_that_carries_nothing_takes_no_room(tmp_path: Path) -> None:
    """No synapses, weights of 0 alone, inputs that nobody feeds, and a source that never sends."""
    none: Ints = np.zeros(0, dtype=np.int64)
    a = Population("a", (2,), parse_neuron(ECHO.format(bits=20)), {}, payload_bits=20)
    b = Population("b", (2,), HEAR, {"bias": np.array(3)})
    eye = DenseSynapses(np.eye(2, dtype=np.int64))
    wires = (
        Connection("empty", "a", "b", "x", SparseSynapses(none, none, none)),
        Connection("zero", "a", "b", "x", DenseSynapses(0 * eye.weight), 40),
        Connection("mute", "b", "a", "x", eye, 9),
        Connection("silent", "a", "b", "x", eye, 3, np.array([SILENCE, SILENCE])),
        Connection("unheard", "a", "b", "x", SparseSynapses(none, none, none + 1), 3, np.array([SILENCE, 0])),
    )
    program = Program("nothing", "none", 0, (a, b), wires, (EventInput("e", "a", "x"),))
    artifact = assert_exact(program, event_feed(12, {"e": [(0, 1, 9), (2, 0, 4)]}), tmp_path / "c")
    assert "deliver" not in (artifact / "snncc_net.c").read_text()
    sanitized(artifact, tmp_path)
