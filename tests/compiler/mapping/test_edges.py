"""Views move no spike: they become the order in which synapses read their source."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.mapping.edges import linear_edge, through_views
from snncc.compiler.program import ConvSynapses, DenseSynapses
from tests.integer_nets import IntegerNet


@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_gather_names_the_neuron_that_each_position_of_a_view_shows(data: st.DataObject, shape: list[int]) -> None:
    net = IntegerNet()
    name = net.input(*shape)
    shown: npt.NDArray[np.int64] = np.arange(prod(shape)).reshape(shape)
    for _ in range(data.draw(st.integers(0, 3))):
        if data.draw(st.booleans()):
            perm = data.draw(st.permutations(range(shown.ndim)))
            name, shown = net.transpose(name, *perm), shown.transpose(perm)
        else:
            sizes = data.draw(st.sampled_from([(-1,), (1, -1), (-1, 1, 1), (len(shown), -1)]))
            shown = shown.reshape(sizes)
            name = net.reshape(name, *shown.shape)
    source, gather = through_views(net.graph(net.read(net.dense(name))), name)
    assert source.name == "x.levels"
    seen = np.arange(shown.size) if gather is None else gather
    assert seen.tolist() == shown.ravel().tolist()


def test_a_reshape_needs_no_gather() -> None:
    net = IntegerNet()
    view = net.reshape(net.input(2, 3), 3, 2)
    assert through_views(net.graph(net.read(net.dense(view))), view)[1] is None


def test_transposing_twice_needs_no_gather() -> None:
    net = IntegerNet()
    view = net.transpose(net.transpose(net.input(2, 3, 4), 2, 0, 1), 1, 2, 0)
    assert through_views(net.graph(net.read(net.dense(view))), view)[1] is None


def test_a_transpose_is_gathered() -> None:
    net = IntegerNet()
    view = net.transpose(net.input(2, 3), 1, 0)
    _, gather = through_views(net.graph(net.read(net.dense(view))), view)
    assert gather is not None
    assert gather.tolist() == [0, 3, 1, 4, 2, 5]


def test_a_value_without_views_is_its_own_source() -> None:
    net = IntegerNet()
    fire = net.fire(net.dense(net.input(3)), name="fire")
    assert through_views(net.graph(net.read(net.dense(fire))), fire) == (net.nodes[fire], None)


def test_a_dense_layer_keeps_its_weights() -> None:
    net = IntegerNet()
    charge = net.dense(net.transpose(net.input(2, 2), 1, 0), 2, weight=[1, 2, 3, 4, 5, 6, 7, 8])
    edge = linear_edge(net.graph(net.read(charge)), charge)
    assert isinstance(edge.synapses, DenseSynapses)
    assert edge.synapses.weight.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert (edge.source.name, edge.node.name) == ("x.levels", charge)
    assert edge.gather is not None
    assert edge.gather.tolist() == [0, 2, 1, 3]


def test_a_convolution_keeps_its_geometry_on_the_shape_it_sees() -> None:
    net = IntegerNet()
    view = net.transpose(net.input(6, 2, 7), 1, 0, 2)
    charge = net.conv(view, 4, 2, 3, (1, 0, 2, 1), 2, 2)
    synapses = linear_edge(net.graph(net.read(charge)), charge).synapses
    assert isinstance(synapses, ConvSynapses)
    assert (synapses.in_shape, synapses.weight.shape) == ((2, 6, 7), (4, 1, 2, 2))
    assert (synapses.strides, synapses.pads, synapses.dilations) == ((3, 3), (1, 0, 2, 1), (2, 2))
    assert synapses.groups == 2
    assert synapses.out_shape == net.types[charge].shape
