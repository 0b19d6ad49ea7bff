"""Every synapse of a connection, against loops written from the equation of the convolution."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.program import Connection, ConvSynapses, DenseSynapses, SparseSynapses, Synapses
from snncc.runtime.deliver import Wire
from snncc.runtime.matrix import synapse_matrix, synapses_onto

Ints = npt.NDArray[np.int64]


def matrix(synapses: Synapses, sources: int, targets: int, gather: Ints | None = None) -> Ints:
    connection = Connection("c", "a", "b", "add", synapses, gather=gather)
    found: Ints = synapse_matrix(connection, sources, targets).toarray()
    return found


def by_hand(conv: ConvSynapses) -> Ints:
    """Return W with y[o, p] = sum over c, k of w[o, c, k] x[group(o) C/g + c, s p + d k - pad], zero outside."""
    outs, deep, *kernel = conv.weight.shape
    size_in, size_out = conv.in_shape[1:], conv.out_shape[1:]
    found = np.zeros((*conv.out_shape, *conv.in_shape), dtype=np.int64)
    for o, c in product(range(outs), range(deep)):
        channel = (o // (outs // conv.groups)) * deep + c
        for p in product(*map(range, size_out)):
            for k in product(*map(range, kernel)):
                at = [
                    conv.strides[axis] * p[axis] + conv.dilations[axis] * k[axis] - conv.pads[axis]
                    for axis in range(len(kernel))
                ]
                if all(0 <= x < n for x, n in zip(at, size_in, strict=True)):
                    synapse, tap = (o, *p, channel, *at), (o, c, *k)
                    found[synapse] += conv.weight[tap]
    return found.reshape(np.prod(conv.out_shape, dtype=int), -1)


@st.composite
def convolutions(draw: st.DrawFn) -> ConvSynapses:
    """Return convolutions over no, one, two or three axes."""
    rank = draw(st.integers(0, 3))

    def each(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank)))

    kernel, strides, dilations, before, after = each(1, 3), each(1, 3), each(1, 2), each(0, 2), each(0, 2)
    spans = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    least = [max(span - b - a, 1) for span, b, a in zip(spans, before, after, strict=True)]
    size = tuple(n + draw(st.integers(0, 3)) for n in least)
    groups, outs, deep = (draw(st.integers(1, 2)) for _ in range(3))
    weight = np.random.default_rng(draw(st.integers(0, 99))).integers(-9, 10, (outs * groups, deep, *kernel))
    return ConvSynapses(weight, (deep * groups, *size), strides, before + after, dilations, groups)


@given(convolutions())
def test_a_convolution_has_the_synapses_of_its_equation(conv: ConvSynapses) -> None:
    expected = by_hand(conv)
    assert (matrix(conv, expected.shape[1], expected.shape[0]) == expected).all()


@given(convolutions(), st.integers(1, 9), st.data())
def test_a_gather_says_which_neuron_each_input_is(conv: ConvSynapses, sources: int, data: st.DataObject) -> None:
    """Inputs that are one neuron add up, neurons that are no input stay silent, and so do inputs that are -1."""
    straight = by_hand(conv)
    gather = np.array([data.draw(st.integers(-1, sources - 1)) for _ in range(straight.shape[1])], dtype=np.int64)
    expected = gathered(straight, sources, gather)
    assert (matrix(conv, sources, len(straight), gather) == expected).all()
    connection = Connection("c", "a", "b", "add", conv, gather=gather)
    for target, row in enumerate(expected):
        assert {j: w for j, w in synapses_onto(connection, target).items() if w} == nonzero(row)


def gathered(straight: Ints, sources: int, gather: Ints) -> Ints:
    """Return W [targets, sources] from the same of the inputs of the synapses."""
    found = np.zeros((len(straight), sources), dtype=np.int64)
    for column, source in enumerate(gather):
        if source >= 0:
            found[:, source] += straight[:, column]
    return found


def nonzero(row: Ints) -> dict[int, int]:
    return {int(j): int(row[j]) for j in np.flatnonzero(row)}


def test_a_dense_connection_is_its_weights() -> None:
    weight = np.arange(-6, 6).reshape(3, 4)
    assert (matrix(DenseSynapses(weight), 4, 3) == weight).all()
    transposed = np.array([0, 2, 1, 3])
    assert (matrix(DenseSynapses(weight), 4, 3, transposed) == weight[:, [0, 2, 1, 3]]).all()


def test_a_convolution_over_the_whole_input_is_a_dense_connection() -> None:
    weight = np.random.default_rng(0).integers(-9, 10, (5, 2, 3, 4))
    conv = ConvSynapses(weight, (2, 3, 4), (1, 1), (0, 0, 0, 0), (1, 1))
    assert (matrix(conv, 24, 5) == matrix(DenseSynapses(weight.reshape(5, 24)), 24, 5)).all()


def test_synapses_between_the_same_two_neurons_add_up() -> None:
    ends = np.array([1, 1, 0]), np.array([2, 2, 0])
    found = matrix(SparseSynapses(*ends, np.array([3, 4, -5])), 2, 3)
    assert found.tolist() == [[-5, 0], [0, 0], [0, 7]]


@pytest.mark.parametrize("weight", [2**62, -(2**62)])
def test_weights_keep_all_their_bits(weight: int) -> None:
    assert matrix(DenseSynapses(np.array([[weight + 1]])), 1, 1).tolist() == [[weight + 1]]


@given(convolutions(), st.integers(0, 99))
def test_delivery_carries_what_the_matrix_says(conv: ConvSynapses, seed: int) -> None:
    sources, targets = (int(np.prod(shape, dtype=int)) for shape in (conv.in_shape, conv.out_shape))
    connection = Connection("c", "a", "b", "add", conv)
    wire = Wire(connection, sources, targets)
    spikes = np.random.default_rng(seed).integers(-3, 4, (sources, 2))
    weights = synapse_matrix(connection, sources, targets)
    assert np.array_equal(wire.deliver(spikes), weights @ spikes)
    assert np.array_equal(wire.fan_out, np.asarray((weights != 0).sum(axis=0)).ravel())


@st.composite
def wires(draw: st.DrawFn) -> tuple[Connection, int, Ints]:
    """Return a connection with a gather, the number of its sources, and the same without the gather as a matrix."""
    conv, sources = draw(convolutions()), draw(st.integers(1, 9))
    straight = by_hand(conv)
    synapses: Synapses = conv
    kind = draw(st.sampled_from(["conv", "dense", "sparse"]))
    if kind == "dense":
        synapses = DenseSynapses(straight)
    elif kind == "sparse":
        target, source = np.indices(straight.shape)
        synapses = SparseSynapses(source.ravel(), target.ravel(), straight.ravel())
    inputs = st.lists(st.integers(-1, sources - 1), min_size=straight.shape[1], max_size=straight.shape[1])
    gather = np.array(draw(inputs), dtype=np.int64)
    return Connection("c", "a", "b", "add", synapses, gather=gather), sources, straight


@given(wires(), st.integers(0, 99))
def test_delivery_through_a_gather_carries_what_the_matrix_says(made: tuple[Connection, int, Ints], seed: int) -> None:
    connection, sources, straight = made
    assert connection.gather is not None
    weights = gathered(straight, sources, connection.gather)
    wire = Wire(connection, sources, len(straight))
    spikes = np.random.default_rng(seed).integers(-3, 4, (sources, 2))
    assert np.array_equal(wire.deliver(spikes), weights @ spikes)
    assert np.array_equal(synapse_matrix(connection, sources, len(straight)).toarray(), weights)
    assert np.array_equal(
        wire.fan_out, gathered((straight != 0).astype(np.int64), sources, connection.gather).sum(axis=0)
    )
    assert all(
        nonzero(row) == {j: w for j, w in synapses_onto(connection, i).items() if w} for i, row in enumerate(weights)
    )
