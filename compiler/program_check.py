"""What must hold of every program, whoever made it: every broken rule is collected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import zip_longest
from math import prod

import numpy as np

from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, EncodeEven, Readout
from snncc.compiler.ir.views import behind_views
from snncc.compiler.neuron import NeuronProgram, problems
from snncc.compiler.placement.rules import placement_problems
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
    TensorInput,
)

NAME = re.compile(r"[A-Za-z0-9_.]+")
TARGET = re.compile(r"[A-Za-z0-9_.-]+")  # a file's name, such as hala-point
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # what every backend's language can spell
RESERVED = ("port", "param", "state", "membrane", "phase")  # words of the assembly language
MOST_STEPS = 1 << 24  # of an interval; a rate-coded level of 16 bits takes 2^16
KINDS = ("fire", "ladder", "pool", "copy", "read")

Problems = Iterator[tuple[str, str]]  # code, what is wrong with the item at hand


def check_program(program: Program) -> list[Diagnostic]:
    """Return every broken rule; an empty list means that the program can be run."""
    found = [*_names(program), *_populations(program), *_connections(program), *_ends(program)]
    found += placement_problems(program)
    return found or [*_agreement(program)]


def _told(kind: str, name: str, found: Problems, loc: Loc | None = None) -> Iterator[Diagnostic]:
    return (Diagnostic(code, f"{kind} {name} {message}", loc or Loc()) for code, message in found)


def _names(program: Program) -> Iterator[Diagnostic]:
    if not 0 <= program.interval <= MOST_STEPS:
        yield Diagnostic("SNN315", f"program {program.name} has the interval {program.interval}, not 0..{MOST_STEPS}")
    named = {
        "population": [p.name for p in program.populations],
        "connection": [c.name for c in program.connections],
        "input": [i.name for i in program.inputs],
        "output": [o.name for o in program.outputs],
    }
    for kind, names in {"program": [program.name], "target": [program.target], **named}.items():
        for name, count in Counter(names).items():
            if not (TARGET if kind == "target" else NAME).fullmatch(name):
                yield Diagnostic("SNN310", f"{kind} {name!r} is not named in letters, digits, '_' and '.'")
            if count > 1:
                yield Diagnostic("SNN310", f"{kind} {name} stands {count} times")


def _populations(program: Program) -> Iterator[Diagnostic]:
    broken = {neuron: list(_neuron(neuron)) for neuron in {p.neuron for p in program.populations}}
    network = program.origin.network.node if program.origin else None
    for population in program.populations:
        found = [
            *(("SNN311", sentence) for sentence in broken[population.neuron]),
            *_params(population),
            *_schedule(population, program.interval),
            *_spikes(population),
            *_claim(population, network),
        ]
        yield from _told("population", population.name, iter(found), population.loc)


def _neuron(neuron: NeuronProgram) -> Iterator[str]:
    yield from (f"runs a neuron program in which {sentence}" for sentence in problems(neuron))
    for state in neuron.states:
        half = 1 << max(state.bits - 1, 0)
        if not -half <= state.initial < half:
            yield f"has state {state.name} of {state.bits} bits, which its initial value {state.initial} does not fit"
    words = {*neuron.ports, *neuron.params, *(s.name for s in neuron.states), *(line.target for line in neuron.code)}
    for word in sorted(words - {""}):
        if not WORD.fullmatch(word) or word in RESERVED:
            yield f"runs a neuron program that cannot be written down, for it calls something '{word}'"


def _params(population: Population) -> Problems:
    if any(size < 1 for size in population.shape):
        yield "SNN312", f"has the shape {population.shape}, without a neuron"
    declared = population.neuron.params
    yield from (("SNN312", f"has no parameter {name}") for name in declared if name not in population.params)
    for name, array in population.params.items():
        if name not in declared:
            yield "SNN312", f"has a parameter {name} that its neuron program does not declare"
        yield from _int64(array, f"parameter {name}", "SNN312")
        if not _broadcasts(array.shape, population.shape):
            yield "SNN312", f"has parameter {name} of shape {array.shape}, which does not broadcast to the neurons"


def _schedule(population: Population, interval: int) -> Problems:
    for name, value in (("start", population.start), ("window", population.window)):
        if value < 0:
            yield "SNN315", f"has the {name} {value}"
    if 0 < interval < population.window:
        yield "SNN315", f"has a window of {population.window} steps, more than the interval {interval}"


def _spikes(population: Population) -> Problems:
    if not 1 <= population.payload_bits <= 63:
        yield "SNN316", f"sends payloads of {population.payload_bits} bits, not of 1 to 63"


def _claim(population: Population, network: Iterable[str] | None) -> Problems:
    claim = population.claim
    if claim is None:
        return
    if claim.kind not in KINDS:
        yield "SNN316", f"makes a claim of the unknown kind '{claim.kind}'"
    if network is not None and claim.node not in network:
        yield "SNN316", f"claims to stand for {claim.node}, which the network does not have"
    if claim.kind == "read":
        return
    if claim.coding not in CODINGS:
        yield "SNN316", f"claims the unknown coding '{claim.coding}'"
    if not claim.lo <= 0 < claim.hi:
        yield "SNN316", f"claims levels {claim.lo}..{claim.hi}, which do not hold 0 and a positive level"


def _connections(program: Program) -> Iterator[Diagnostic]:
    populations = program.population
    for connection in program.connections:
        source, target = populations.get(connection.source), populations.get(connection.target)
        found = [*_wire(connection, source, target)]
        if source and target:
            found += _synapses(connection, source.size, target.size)
        yield from _told("connection", connection.name, iter(found), connection.loc)


def _wire(connection: Connection, source: Population | None, target: Population | None) -> Problems:
    if source is None:
        yield "SNN313", f"comes from {connection.source}, which is no population"
    if target is None:
        yield "SNN313", f"goes to {connection.target}, which is no population"
    elif connection.port not in target.neuron.ports:
        yield "SNN313", f"goes to in-port {connection.port}, which {target.name} does not have"
    if connection.delay < 1:
        yield "SNN313", f"has the delay {connection.delay}; a spike takes at least 1 step"


def _synapses(connection: Connection, sources: int, targets: int) -> Problems:
    if connection.gather is not None:
        yield from _indices(connection.gather, "gather index", sources, least=SILENCE)
        sources = connection.gather.size
    synapses = connection.synapses
    yield from _int64(synapses.weight, "weight", "SNN314")
    if isinstance(synapses, DenseSynapses):
        if synapses.weight.shape != (targets, sources):
            yield "SNN314", f"has weights {synapses.weight.shape} from {sources} to {targets} neurons"
    elif isinstance(synapses, SparseSynapses):
        yield from _sparse(synapses, sources, targets)
    else:
        yield from _conv(synapses, sources, targets)


def _sparse(synapses: SparseSynapses, sources: int, targets: int) -> Problems:
    yield from _indices(synapses.source, "source", sources)
    yield from _indices(synapses.target, "target", targets)
    if len({synapses.source.shape, synapses.target.shape, synapses.weight.shape}) != 1:
        yield "SNN314", "has sources, targets and weights that do not pair up"


def _conv(conv: ConvSynapses, sources: int, targets: int) -> Problems:
    weight, shape, groups = conv.weight.shape, conv.in_shape, conv.groups
    if min((*weight, *shape, *conv.strides, *conv.dilations, groups)) < 1 or min(conv.pads, default=0) < 0:
        yield "SNN314", "has a size, stride, dilation or group count below 1, or a negative pad"
        return
    if not shape or len(weight) != len(shape) + 1 or weight[1] * groups != shape[0] or weight[0] % groups:
        yield "SNN314", f"has weights {weight} in {groups} groups, which do not fit the input {shape}"
        return
    try:
        size = prod(conv.out_shape)
    except ValueError as error:
        yield "SNN314", f"has a kernel that does not fit: {error}"
        return
    if (prod(conv.in_shape), size) != (sources, targets):
        yield "SNN314", f"convolves {conv.in_shape} into {size} neurons, between {sources} and {targets}"


def _ends(program: Program) -> Iterator[Diagnostic]:
    populations = program.population
    for source in program.inputs:
        found = [*_input(source, populations.get(source.population), program.interval)]
        yield from _told("input", source.name, iter(found))
    for output in program.outputs:
        yield from _told("output", output.name, _output(output, populations.get(output.population)))


def _input(source: TensorInput | EventInput, population: Population | None, interval: int) -> Problems:
    if population is None:
        yield "SNN317", f"feeds {source.population}, which is no population"
        return
    if source.port not in population.neuron.ports:
        yield "SNN317", f"feeds in-port {source.port}, which {population.name} does not have"
    if isinstance(source, EventInput):
        return
    if prod(source.shape) != population.size:
        yield "SNN317", f"has the shape {source.shape}, {population.name} has {population.size} neurons"
    if source.rounding not in ("", "half_even"):
        yield "SNN317", f"is rounded by '{source.rounding}', which is unknown"
    if not source.lo <= 0 < source.hi or not _is_scale(source.scale):
        yield "SNN317", f"has levels {source.lo}..{source.hi} of {source.scale} each, without 0 and a positive level"
    if interval == 0:
        yield "SNN317", "is a tensor, which a free-running program (interval 0) has no step for"


def _output(output: Output, population: Population | None) -> Problems:
    if not _is_scale(output.scale):
        yield "SNN317", "has a scale that is no positive float64"
    if population is None:
        yield "SNN317", f"reads {output.population}, which is no population"
        return
    read = population.size
    if output.gather is not None:
        yield from _indices(output.gather, "gather index", read, code="SNN317")
        read = output.gather.size
    shape = output.shape or population.shape
    if min(shape, default=1) < 1 or prod(shape) != read:
        yield "SNN317", f"has the shape {shape} for {read} neurons that are read"


def _is_scale(scale: Fraction) -> bool:
    """Return whether a scale is positive and stays so as a float64."""
    return 0 < scale < 1 << 1023 and float(scale) > 0


def _agreement(program: Program) -> Iterator[Diagnostic]:
    """Return where the contract of inputs and outputs is not that of the network the program claims to reproduce."""
    if program.origin is None:
        return
    network, populations = program.origin.network, program.population
    for source in program.inputs:
        claim = populations[source.population].claim
        if isinstance(source, TensorInput) and claim is not None and not _encodes(network.node[claim.node], source):
            yield Diagnostic("SNN317", f"input {source.name} is not encoded as the network has it", Loc())
    values = {name: value for name, value in network.named_outputs.items() if value in network.node}
    for output in program.outputs:
        if output.name not in values or not _reads(network, values[output.name], program, output):
            yield Diagnostic("SNN317", f"output {output.name} is not read as the network has it", Loc())


def _encodes(node: Node, source: TensorInput) -> bool:
    op, rounding = node.op, "half_even" if isinstance(node.op, EncodeEven) else ""
    fed = (source.lo, source.hi, source.scale, source.rounding)
    return isinstance(op, Encode) and (op.lo, op.hi, Fraction(op.scale), rounding) == fed


def _reads(network: Graph, value: str, program: Program, output: Output) -> bool:
    """Return whether an output shows a value of the network: a readout, or a view of one."""
    node, index = behind_views(network, value)
    population = program.population[output.population]
    if not isinstance(node.op, Readout) or population.claim is None or population.claim.node != node.name:
        return False
    gather = np.arange(population.size) if output.gather is None else output.gather
    shape = program.output_shape(output)
    return (
        np.array_equal(gather, index)
        and shape == network.types[value].shape
        and Fraction(node.op.scale) == output.scale
    )


def _int64(array: Array, what: str, code: str) -> Problems:
    if array.dtype != np.int64:
        yield code, f"has {what} of type {array.dtype}, not int64"


def _indices(array: Array, what: str, count: int, least: int = 0, code: str = "SNN314") -> Problems:
    yield from _int64(array, what, code)
    if array.ndim != 1:
        yield code, f"has {what} of shape {array.shape}, not a list"
    elif array.size and not (array.min() >= least and array.max() < count):
        yield code, f"has a {what} outside {least}..{count - 1}"


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    pairs = zip_longest(reversed(shape), reversed(to))
    return len(shape) <= len(to) and all(n in (1, m, None) for n, m in pairs)
