"""Programs to test with: a small one that has one of everything, and random ones for hypothesis."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import prod

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snncc.compiler.coding import CODINGS, Levels, firing_neuron
from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Graph, Input, Node, Stage
from snncc.compiler.ir.integer_ops import Encode, Readout
from snncc.compiler.ir.ops import Conv, Reshape, Transpose
from snncc.compiler.ir.types import CHARGE, FLOAT, LEVEL, TensorType
from snncc.compiler.neuron import OPERATIONS, Instruction, NeuronProgram, Operand, State
from snncc.compiler.program import (
    Claim,
    Connection,
    ConvSynapses,
    DenseSynapses,
    EventInput,
    Origin,
    Output,
    Population,
    Program,
    SparseSynapses,
    Synapses,
    TensorInput,
)

Ints = npt.NDArray[np.int64]

words = st.text("abuv_XZ", min_size=1, max_size=3)
names = st.text("ab.Z09_", min_size=1, max_size=4)
notes = st.sampled_from(["", "net.onnx", "/a/Conv_0"]) | st.text(max_size=8)
locations = st.just(Loc()) | st.builds(Loc, notes, notes, notes, notes, notes)
scales = st.fractions(min_value=Fraction(1, 10**9)).filter(lambda scale: scale > 0)


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


def example() -> Program:
    """Return a small program with one of everything."""
    loc = Loc("net.onnx", "/features/0/Conv", "Conv", "features.0", "net.py:12")
    rate = firing_neuron(CODINGS["rate"], Levels(0, 4), ["add"], 24)
    offset, theta = np.array(3), np.arange(1, 10).reshape(9, 1, 1)
    copy = Claim("x", "copy", "rate", 0, 4)
    x = Population("x", (1, 2, 2), rate, {"offset": offset, "theta": ints(1)}, 0, 4, claim=copy)
    y = Population("y", (9, 1, 1), rate, {"offset": offset, "theta": theta}, 4, 4, claim=Claim("y", "read"), loc=loc)
    conv = ConvSynapses(np.arange(36).reshape(9, 1, 2, 2), (1, 2, 2), (1, 1), (0, 0, 0, 0), (1, 1))
    back = SparseSynapses(ints(0, 8), ints(8, 0), ints(-1, 2))
    wires = (
        Connection("y.in", "x", "y", "add", conv, gather=ints(0, 2, -1, 3), loc=loc),
        Connection("y.back", "y", "y", "add", back, 2),
    )
    inputs = (TensorInput("image", "x", "add", (1, 2, 2), 0, 4, Fraction(3, 8)), EventInput("events", "x", "add"))
    scale, turned = Fraction(1, 4096), ints(0, 3, 6, 1, 4, 7, 2, 5, 8)
    outputs = (Output("logits", "y", scale), Output("image", "y", scale, (3, 3), turned))
    return Program("net", "loihi1", 4, (x, y), wires, inputs, outputs)


def example_with_origin() -> Program:
    """Return the example with a network it could have been compiled from."""
    nodes = (
        Node("x", Encode(0.375, 0, 4), ("image",), TensorType(LEVEL, (1, 2, 2), 0, 4), Loc("net.onnx", "image")),
        Node("u", Conv((1, 1), (0,) * 4, (1, 1)), ("x", "w"), TensorType(CHARGE, (9, 1, 1))),
        Node("y", Readout(1 / 4096), ("u", "b"), TensorType(CHARGE, (9, 1, 1))),
        Node("s", Reshape((3, 3)), ("y",), TensorType(CHARGE, (3, 3))),
        Node("t", Transpose((1, 0)), ("s",), TensorType(CHARGE, (3, 3))),
    )
    constants = {"w": np.arange(-300, -264).reshape(9, 1, 2, 2), "b": np.arange(9) * 10**6}
    image = Input("image", TensorType(FLOAT, (1, 2, 2)), Loc("net.onnx", "image"))
    network = Graph("net", Stage.QUANTIZED, (image,), nodes, ("y", "t"), constants, ("logits", "image"))
    notes = (Diagnostic("SNN310", "a note", Loc("net.onnx", "conv"), "a hint", "warning"), Diagnostic("SNN311", "b"))
    settings = {"coding": "rate", "bits": 8, "percentile": 99.9, "layers": {"conv1": [4, None]}, "fast": True}
    return replace(example(), origin=Origin(network, b"\x08\x00onnx", notes, settings))


def states(word: str) -> st.SearchStrategy[State]:
    return st.integers(1, 63).flatmap(
        lambda bits: st.builds(
            State, st.just(word), st.just(bits), st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        )
    )


@st.composite
def neurons(draw: st.DrawFn) -> NeuronProgram:
    """Return a neuron program in which every operand is known where it is read."""
    used = draw(st.lists(words, min_size=2, max_size=8, unique=True))
    cut = sorted(draw(st.tuples(st.integers(1, len(used) - 1), st.integers(1, len(used)))))
    ports, own, params = used[: cut[0]], used[cut[0] : cut[1]], used[cut[1] :]
    own, params = own or params[:1] or ["v"], params if own else params[1:]
    registers = [draw(states(word)) for word in own if word not in ports]
    registers = registers or [State("spare_state", 24, 0)]
    known: list[str] = ["phase", *params, *(s.name for s in registers), *(f"in.{port}" for port in ports)]
    code = []
    for _ in range(draw(st.integers(0, 6))):
        op = draw(st.sampled_from(sorted(OPERATIONS)))
        operand: st.SearchStrategy[Operand] = st.sampled_from(known) | st.integers(-(10**6), 10**6)
        args = tuple(draw(st.lists(operand, min_size=OPERATIONS[op], max_size=OPERATIONS[op])))
        targets = st.sampled_from([s.name for s in registers]) | words.filter(lambda w: w not in [*params, *ports])
        target = "" if op == "emit" else draw(targets)
        code.append(Instruction(target, op, args))
        known += [target] if target else []
    membrane = draw(st.sampled_from([s.name for s in registers]))
    return NeuronProgram(tuple(ports), tuple(params), tuple(registers), tuple(code), membrane)


def integers_of(shape: tuple[int, ...]) -> st.SearchStrategy[Ints]:
    """Return int64 arrays, some small enough for each narrower width."""
    bounds = st.sampled_from([1, 2**7, 2**15, 2**31, 2**63])
    return bounds.flatmap(lambda b: arrays(np.int64, shape, elements=st.integers(-b, b - 1)))


@st.composite
def populations(draw: st.DrawFn, name: str, neuron: NeuronProgram, interval: int) -> Population:
    shape = draw(st.lists(st.integers(1, 4), max_size=3).map(tuple))
    params = {}
    for param in neuron.params:
        kept = shape[draw(st.integers(0, len(shape))) :]
        params[param] = draw(integers_of(tuple(draw(st.sampled_from([1, size])) for size in kept)))
    levels = {"lo": st.integers(-(2**40), 0), "hi": st.integers(1, 2**40)}
    sent = st.builds(
        Claim, names, st.sampled_from(["fire", "ladder", "pool", "copy"]), st.sampled_from(sorted(CODINGS)), **levels
    )
    return Population(
        name,
        shape,
        neuron,
        params,
        start=draw(st.integers(0, 2**40)),
        window=draw(st.integers(0, interval or 2**40)),
        payload_bits=draw(st.integers(1, 63)),
        signed=draw(st.booleans()),
        claim=draw(st.none() | st.builds(Claim, names, st.just("read")) | sent),
        loc=draw(locations),
    )


@st.composite
def convolutions(draw: st.DrawFn, targets: int) -> ConvSynapses:
    """Return a convolution over one axis that reaches just so many neurons."""
    outs = draw(st.sampled_from([n for n in range(1, targets + 1) if targets % n == 0]))
    groups = draw(st.sampled_from([n for n in range(1, outs + 1) if outs % n == 0]))
    kernel, stride, dilation, deep = (draw(st.integers(1, 3)) for _ in range(4))
    span = (targets // outs - 1) * stride + dilation * (kernel - 1) + 1
    before = draw(st.integers(0, (span - 1) // 2))
    after = draw(st.integers(0, (span - 1) // 2))
    weight = draw(integers_of((outs, deep, kernel)))
    length = span - before - after
    return ConvSynapses(weight, (deep * groups, length), (stride,), (before, after), (dilation,), groups)


@st.composite
def connections(draw: st.DrawFn, name: str, source: Population, target: Population) -> Connection:
    kind = draw(st.sampled_from(["dense", "conv", "sparse"]))
    gathers = kind == "conv" or draw(st.booleans())
    synapses: Synapses
    if kind == "conv":
        synapses = draw(convolutions(target.size))
        count = prod(synapses.in_shape)
    else:
        count = draw(st.integers(1, 5)) if gathers else source.size
        synapses = DenseSynapses(draw(integers_of((target.size, count))))
    if kind == "sparse":
        pairs = draw(st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, target.size - 1)), max_size=12))
        ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
        synapses = SparseSynapses(ends[:, 0], ends[:, 1], draw(integers_of((len(pairs),))))
    gather = draw(arrays(np.int64, (count,), elements=st.integers(-1, source.size - 1))) if gathers else None
    port = draw(st.sampled_from(target.neuron.ports))
    delay = draw(st.integers(1, 2**40))
    return Connection(name, source.name, target.name, port, synapses, delay, gather, draw(locations))


@st.composite
def tensor_inputs(draw: st.DrawFn, name: str, population: Population) -> TensorInput:
    port = draw(st.sampled_from(population.neuron.ports))
    lo, hi = draw(st.integers(-(2**40), 0)), draw(st.integers(1, 2**40))
    return TensorInput(name, population.name, port, population.shape, lo, hi, draw(scales))


@st.composite
def read(draw: st.DrawFn, name: str, population: Population) -> Output:
    """Return an output in the population's own shape, in another, or in another order."""
    gather, shape = None, draw(st.sampled_from([(), (1, population.size)]))
    if draw(st.booleans()):
        count = draw(st.integers(1, 5))
        gather = draw(arrays(np.int64, (count,), elements=st.integers(0, population.size - 1)))
        shape = (count, 1)
    return Output(name, population.name, draw(scales), shape, gather)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """Return a program that keeps every rule of ``check_program``; it need not make sense."""
    interval = draw(st.integers(0, 20))
    pool = draw(st.lists(neurons(), min_size=1, max_size=2))
    named = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    cells = [draw(populations(name, draw(st.sampled_from(pool)), interval)) for name in named]
    cell = st.sampled_from(cells)
    wires = [draw(connections(name, draw(cell), draw(cell))) for name in draw(st.lists(names, max_size=4, unique=True))]
    inputs: list[TensorInput | EventInput] = []
    for name in draw(st.lists(names, max_size=2, unique=True)):
        fed = draw(cell)
        event = EventInput(name, fed.name, draw(st.sampled_from(fed.neuron.ports)))
        inputs.append(event if interval == 0 or draw(st.booleans()) else draw(tensor_inputs(name, fed)))
    outputs = [draw(read(name, draw(cell))) for name in draw(st.lists(names, max_size=2, unique=True))]
    return Program(draw(names), draw(names), interval, tuple(cells), tuple(wires), tuple(inputs), tuple(outputs))
