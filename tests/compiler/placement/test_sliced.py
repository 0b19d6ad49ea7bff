"""A placed program, slice by slice, holds the synapses of the whole: all of them, each once, none unrolled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.placement.pieces import box_of, homes
from snncc.compiler.placement.sliced import Joining, cut_feed, cut_levels, sliced
from snncc.compiler.placement.slices import HOST, Slice
from snncc.compiler.program import (
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
from snncc.compiler.program_check import check_program
from snncc.compiler.trace import Arrivals, Feed, Sent
from snncc.runtime.matrix import synapse_matrix
from tests.random_slices import placements
from tests.strategies_program import example, programs

Ints = npt.NDArray[np.int64]
ADD = parse_neuron("port x\nparam bias\nstate v:32\nv = add in.x bias\nemit v")
often = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def population(name: str, *shape: int, bias: npt.ArrayLike = 0) -> Population:
    return Population(name, shape, ADD, {"bias": np.array(bias, dtype=np.int64)}, payload_bits=32, signed=True)


def program_of(connection: Connection, *cells: Population) -> Program:
    return Program("net", "none", 1, cells, (connection,))


def placed(program: Program, cuts: Mapping[str, tuple[tuple[int, ...], ...]]) -> Program:
    """Return a program cut at the inner bounds given for each axis, each slice on a core of its own."""
    slices: list[Slice] = []
    for p in program.populations:
        bounds = cuts.get(p.name, ((),) * len(p.shape))
        axes = [list(pairwise([0, *inner, size])) for inner, size in zip(bounds, p.shape, strict=True)]
        for number, box in enumerate(product(*axes)):
            lo, hi = tuple(a for a, _ in box), tuple(b for _, b in box)
            slices.append(Slice(f"{p.name}.{number}", p.name, lo, hi, len(slices)))
    return replace(program, board="test", slices=tuple(slices))


def assert_whole(program: Program) -> None:
    """Demand that the pieces of every connection add up to it, and that each slice stands for its own neurons."""
    parts = sliced(program)
    assert check_program(parts) == []
    neurons: dict[str, Ints] = {}
    for p in program.populations:
        numbers = np.arange(p.size).reshape(p.shape)
        neurons |= {s.name: numbers[box_of(s)].ravel() for s in program.slices if s.population == p.name}
    cells, small = program.population, parts.population
    for connection in program.connections:
        sizes = cells[connection.source].size, cells[connection.target].size
        found = np.zeros(sizes[::-1], dtype=np.int64)
        pieces = [c for c in parts.connections if c.name.rpartition(".")[0] == connection.name]
        assert len({(c.source, c.target) for c in pieces}) == len(pieces)
        for piece in pieces:
            ends = np.ix_(neurons[piece.target], neurons[piece.source])
            found[ends] += synapse_matrix(piece, small[piece.source].size, small[piece.target].size).toarray()
            assert (piece.port, piece.delay) == (connection.port, connection.delay)
        assert (found == synapse_matrix(connection, *sizes).toarray()).all()


@often
@given(program=programs(), data=st.data())
def test_any_program_is_cut_into_what_it_was(program: Program, data: st.DataObject) -> None:
    whole = data.draw(placements(program))
    assert_whole(whole)
    parts = sliced(whole)
    assert [p.name for p in parts.populations] == [s.name for s in whole.slices]
    assert [s.core for s in parts.slices] == [s.core for s in whole.slices]
    assert sliced(parts).populations == parts.populations
    for part, cells in zip(whole.slices, parts.populations, strict=True):
        before = whole.population[part.population]
        assert (cells.neuron, cells.start, cells.window) == (before.neuron, before.start, before.window)
        for name, values in before.params.items():
            cut = np.broadcast_to(values, before.shape)[box_of(part)]
            assert (np.broadcast_to(cells.params[name], cells.shape) == cut).all()


@st.composite
def convolved(draw: st.DrawFn) -> Program:
    """Return a grouped convolution over two axes into a population of its own shape, perhaps through a gather."""
    random = np.random.default_rng(draw(st.integers(0, 999)))
    groups, outs, ins = (draw(st.integers(1, 3)) for _ in range(3))
    kernel, strides, dilations = ([draw(st.integers(1, 3)) for _ in range(2)] for _ in range(3))
    pads = [draw(st.integers(0, 2)) for _ in range(4)]
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    sizes = [draw(st.integers(max(1, span - pads[i] - pads[2 + i]), 7)) for i, span in enumerate(spans)]
    weight = random.integers(-2, 3, (groups * outs, ins, *kernel))
    conv = ConvSynapses(weight, (groups * ins, *sizes), tuple(strides), tuple(pads), tuple(dilations), groups)
    source, gather = population("a", *conv.in_shape), None
    if draw(st.booleans()):
        gather = random.integers(-1, source.size, source.size)
    target = population("b", *conv.out_shape, bias=random.integers(0, 9, (groups * outs, 1, 1)))
    return program_of(Connection("ab", "a", "b", "x", conv, gather=gather), source, target)


@often
@given(program=convolved(), data=st.data())
def test_convolutions_are_cut_to_what_each_slice_hears(program: Program, data: st.DataObject) -> None:
    whole = data.draw(placements(program))
    assert_whole(whole)
    conv, tallest = program.connections[0].synapses, max(s.shape[0] for s in whole.slices if s.population == "b")
    assert isinstance(conv, ConvSynapses)
    for piece in sliced(whole).connections:
        assert isinstance(piece.synapses, ConvSynapses)
        assert piece.synapses.weight.shape[0] <= tallest
        assert piece.synapses.weight.shape[2:] == conv.weight.shape[2:]


def test_a_slice_of_a_convolution_reads_a_box_and_nothing_else() -> None:
    conv = ConvSynapses(np.arange(4 * 2 * 9).reshape(4, 2, 3, 3), (2, 8, 8), (1, 1), (1, 1, 1, 1), (1, 1))
    program = program_of(Connection("ab", "a", "b", "x", conv), population("a", 2, 8, 8), population("b", 4, 8, 8))
    parts = sliced(placed(program, {"b": ((1,), (4,), ())}))
    upper = next(c for c in parts.connections if c.target == "b.0").synapses
    assert isinstance(upper, ConvSynapses)
    assert (upper.in_shape, upper.pads) == ((2, 5, 8), (1, 1, 0, 1))
    assert upper.weight.tolist() == conv.weight[:1].tolist()
    lower = next(c for c in parts.connections if c.target == "b.3").synapses
    assert isinstance(lower, ConvSynapses)
    assert (lower.in_shape, lower.pads) == ((2, 5, 8), (0, 1, 1, 1))


def test_what_is_not_cut_stays_as_it_was() -> None:
    conv = ConvSynapses(np.ones((2, 2, 3), dtype=np.int64), (2, 8), (1,), (1, 1), (1,))
    program = program_of(Connection("ab", "a", "b", "x", conv, 3), population("a", 2, 8), population("b", 2, 8))
    (piece,) = sliced(placed(program, {})).connections
    assert piece.synapses == conv
    assert piece.gather is None


@pytest.mark.parametrize(
    ("cut", "groups", "channels"),
    [(3, 1, 2), (6, 2, 4), (4, 4, 8)],  # at a border of groups or inside one; 4 = 3 + 1, so blocks of one
)
def test_a_slice_may_begin_inside_a_group(cut: int, groups: int, channels: int) -> None:
    conv = ConvSynapses(np.arange(1, 19).reshape(9, 2, 1), (6, 2), (1,), (0, 0), (1,), 3)
    program = program_of(Connection("ab", "a", "b", "x", conv), population("a", 6, 2), population("b", 9, 2))
    whole = placed(program, {"b": ((cut,), ())})
    assert_whole(whole)
    first = sliced(whole).connections[0].synapses
    assert isinstance(first, ConvSynapses)
    assert (first.groups, first.in_shape[0]) == (groups, channels)
    assert first.weight.tolist() == conv.weight[:cut].tolist()  # nothing is added


def test_slices_that_no_synapse_joins_have_no_connection() -> None:
    conv = ConvSynapses(np.ones((1, 1, 1), dtype=np.int64), (1, 6), (3,), (0, 0), (1,))  # hears positions 0 and 3
    program = program_of(Connection("ab", "a", "b", "x", conv), population("a", 1, 6), population("b", 1, 2))
    parts = sliced(placed(program, {"a": ((), (1, 3, 4)), "b": ((), (1,))}))
    assert [(c.source, c.target) for c in parts.connections] == [("a.0", "b.0"), ("a.2", "b.1")]


def test_outputs_that_hear_padding_alone_have_no_connection() -> None:
    conv = ConvSynapses(np.ones((1, 1, 1), dtype=np.int64), (1, 2), (1,), (2, 0), (1,))
    program = program_of(Connection("ab", "a", "b", "x", conv), population("a", 1, 2), population("b", 1, 4))
    parts = sliced(placed(program, {"b": ((), (2,))}))
    assert [(c.source, c.target) for c in parts.connections] == [("a.0", "b.1")]


def test_matrices_are_cut_by_rows_and_by_who_feeds_them() -> None:
    gather = np.array([3, -1, 0, 1, 3])
    dense = DenseSynapses(np.arange(20).reshape(4, 5))
    program = program_of(Connection("ab", "a", "b", "x", dense, gather=gather), population("a", 4), population("b", 4))
    whole = placed(program, {"a": ((2,),), "b": ((1,),)})
    assert_whole(whole)
    first = sliced(whole).connections[0]
    assert isinstance(first.synapses, DenseSynapses)
    assert first.synapses.weight.tolist() == [[2, 3]]
    assert first.gather is None


def test_a_convolution_into_another_shape_becomes_a_list() -> None:
    conv = ConvSynapses(np.arange(1, 13).reshape(2, 2, 3), (2, 6), (1,), (1, 1), (1,))
    program = program_of(Connection("ab", "a", "b", "x", conv), population("a", 12), population("b", 3, 4))
    whole = placed(program, {"b": ((1,), (2,))})
    assert_whole(whole)
    assert isinstance(sliced(whole).connections[0].synapses, SparseSynapses)


def test_inputs_and_outputs_belong_to_slices() -> None:
    program = example()
    parts = sliced(placed(program, {"x": ((), (1,), ()), "y": ((4,), (), ())}))
    assert [(i.name, i.population) for i in parts.inputs] == [
        ("image.0", "x.0"), ("image.1", "x.1"), ("events.0", "x.0"), ("events.1", "x.1")
    ]  # fmt: skip
    assert [(o.name, o.population) for o in parts.outputs] == [
        ("logits.0", "y.0"), ("logits.1", "y.1"), ("image.0", "y.0"), ("image.1", "y.1")
    ]  # fmt: skip
    assert isinstance(parts.inputs[0], TensorInput)
    assert parts.inputs[0].shape == (1, 1, 2)
    assert parts.latency == program.latency


def test_what_is_fed_is_cut_and_what_is_sent_joined() -> None:
    cells = population("a", 2, 3)
    inputs = (TensorInput("t", "a", "x", (6,), 0, 9, Fraction(1)), EventInput("e", "a", "x"))
    whole = placed(Program("net", "none", 1, (cells,), (), inputs, (Output("o", "a", Fraction(1)),)), {"a": ((), (1,))})
    levels = cut_levels(whole, {"t": np.arange(12).reshape(1, 2, 6)})
    assert levels["t.0"].tolist() == [[[[0], [3]], [[6], [9]]]]
    feed = cut_feed(whole, Feed(5, {"e": Arrivals.of([(0, 0, 5), (0, 3, 6), (2, 5, 7)])}))
    assert (feed.steps, feed.arrivals["e.0"].neuron.tolist()) == (5, [0, 1])
    assert (feed.arrivals["e.1"].step.tolist(), feed.arrivals["e.1"].neuron.tolist()) == ([2], [3])
    numbers = np.arange(12).reshape(6, 2)
    sent = {
        part.name: Sent(numbers.reshape(2, 3, 2)[box_of(part)].reshape(-1, 2), np.zeros((part.size, 2), dtype=np.int64))
        for part in whole.slices
    }
    assert Joining(whole).joined(sent)["a"].spikes.tolist() == numbers.tolist()


def test_slices_on_the_host_are_cut_as_all_others() -> None:
    program = placed(example(), {"x": ((), (1,), ())})
    hosted = replace(program, slices=tuple(replace(s, core=HOST) for s in program.slices))
    assert sliced(hosted).connections == sliced(program).connections
    assert {s.core for s in sliced(hosted).slices} == {HOST}


def test_a_program_without_slices_is_refused() -> None:
    with pytest.raises(SnnccError) as caught:
        homes(example())
    assert [d.code for d in caught.value.diagnostics] == ["SNN729"]
