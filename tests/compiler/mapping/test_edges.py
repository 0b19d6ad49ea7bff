"""Views move no spike: they become the order in which synapses read their sources."""

from __future__ import annotations

from math import prod

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.ir.ops import Concat, Pad
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from snncc.compiler.mapping import edges
from snncc.compiler.mapping.edges import Origins, as_gather, level_parts
from snncc.compiler.program import SILENCE, ConvSynapses, DenseSynapses
from tests.integer_nets import IntegerNet

Ints = npt.NDArray[np.int64]


@given(data=st.data(), shape=st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_gather_names_the_neuron_that_each_position_of_a_view_shows(data: st.DataObject, shape: list[int]) -> None:
    net = IntegerNet()
    name = net.input(*shape)
    shown: Ints = np.arange(prod(shape)).reshape(shape)
    for _ in range(data.draw(st.integers(0, 3))):
        if data.draw(st.booleans()):
            perm = data.draw(st.permutations(range(shown.ndim)))
            name, shown = net.transpose(name, *perm), shown.transpose(perm)
        else:
            sizes = data.draw(st.sampled_from([(-1,), (1, -1), (-1, 1, 1), (len(shown), -1)]))
            shown = shown.reshape(sizes)
            name = net.reshape(name, *shown.shape)
    (part,) = level_parts(net.graph(net.read(net.dense(name))), name)
    assert part.source.name == "x.levels"
    assert part.gather.tolist() == shown.ravel().tolist()


def test_neurons_in_their_own_order_need_no_gather() -> None:
    assert as_gather(np.arange(6), 6) is None
    assert as_gather(np.arange(5), 6) is not None
    assert as_gather(np.array([1, 0]), 2) is not None


def test_selecting_ops_leave_out_repeat_and_silence() -> None:
    net = IntegerNet()
    value = net.add(Slice((0, 1), (1, 4), (1, 2)), net.input(1, 4))  # 1 3
    value = net.add(Upsample((2,)), value)  # 1 1 3 3
    value = net.add(Dilate((2,)), value)  # 1 . 1 . 3 . 3
    value = net.add(Pad((0, 1, 0, 0)), value)
    (part,) = level_parts(net.graph(net.read(net.dense(value))), value)
    assert part.gather.tolist() == [SILENCE, 1, SILENCE, 1, SILENCE, 3, SILENCE, 3]


def test_a_concatenation_has_a_part_for_each_source() -> None:
    net = IntegerNet()
    x = net.input(2, 1)
    fire = net.fire(net.conv(x, 1), name="fire")
    both = net.add(Concat(0), fire, x, fire)
    parts = level_parts(net.graph(net.read(net.conv(both))), both)
    assert [(part.source.name, part.gather.tolist()) for part in parts] == [
        ("fire", [0, SILENCE, SILENCE, 0]),
        ("x.levels", [SILENCE, 0, 1, SILENCE]),
    ]


def test_the_weights_of_a_concatenation_are_cut_to_what_each_source_shows() -> None:
    net = IntegerNet()
    x = net.input(2, 3)
    fire = net.fire(net.conv(x, 1), name="fire")
    charge = net.conv(net.add(Concat(0), x, fire), 2, 2)
    graph = net.graph(net.read(charge))
    weight = graph.constants[net.nodes[charge].inputs[1]]
    first, second = Origins(graph).edges(charge)
    assert isinstance(first.synapses, ConvSynapses)
    assert isinstance(second.synapses, ConvSynapses)
    assert (first.synapses.in_shape, first.gather) == ((2, 3), None)
    assert (second.synapses.in_shape, second.gather) == ((1, 3), None)
    assert np.array_equal(np.concatenate([first.synapses.weight, second.synapses.weight], axis=1), weight)


def test_grouped_weights_of_a_concatenation_stay_whole() -> None:
    net = IntegerNet()
    x = net.input(1, 2)
    fire = net.fire(net.conv(x, 1), name="fire")
    charge = net.conv(net.add(Concat(0), x, fire), 2, groups=2)
    first, second = Origins(net.graph(net.read(charge))).edges(charge)
    assert isinstance(first.synapses, ConvSynapses)
    assert first.synapses.in_shape == (2, 2)
    assert first.gather is not None
    assert second.gather is not None
    assert (first.gather.tolist(), second.gather.tolist()) == ([0, 1, SILENCE, SILENCE], [SILENCE, SILENCE, 0, 1])


def test_a_dense_layer_reads_the_columns_of_each_source() -> None:
    net = IntegerNet()
    x = net.input(2)
    fire = net.fire(net.dense(x, 3), name="fire")
    charge = net.dense(net.add(Concat(0), fire, x), 2)
    graph = net.graph(net.read(charge))
    weight = graph.constants[net.nodes[charge].inputs[1]]
    first, second = Origins(graph).edges(charge)
    assert isinstance(first.synapses, DenseSynapses)
    assert np.array_equal(first.synapses.weight, weight[:, :3])
    assert np.array_equal(second.synapses.weight, weight[:, 3:])
    assert first.gather is None
    assert second.gather is None


def test_a_dense_layer_keeps_its_weights() -> None:
    net = IntegerNet()
    charge = net.dense(net.transpose(net.input(2, 2), 1, 0), 2, weight=[1, 2, 3, 4, 5, 6, 7, 8])
    (edge,) = Origins(net.graph(net.read(charge))).edges(charge)
    assert isinstance(edge.synapses, DenseSynapses)
    assert edge.synapses.weight.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert (edge.source.name, edge.node.name) == ("x.levels", charge)
    assert edge.gather is not None
    assert edge.gather.tolist() == [0, 2, 1, 3]


def test_a_convolution_keeps_its_geometry_on_the_shape_it_sees() -> None:
    net = IntegerNet()
    view = net.transpose(net.input(6, 2, 7), 1, 0, 2)
    charge = net.conv(view, 4, 2, 3, (1, 0, 2, 1), 2, 2)
    (edge,) = Origins(net.graph(net.read(charge))).edges(charge)
    synapses = edge.synapses
    assert isinstance(synapses, ConvSynapses)
    assert (synapses.in_shape, synapses.weight.shape) == ((2, 6, 7), (4, 1, 2, 2))
    assert (synapses.strides, synapses.pads, synapses.dilations) == ((3, 3), (1, 0, 2, 1), (2, 2))
    assert synapses.groups == 2
    assert synapses.out_shape == net.types[charge].shape


def test_a_population_shown_as_it_is_takes_no_array() -> None:
    net = IntegerNet()
    source = net.input(2, 3)
    flat = net.reshape(source, 6)
    graph = net.graph(net.read(net.dense(flat)))
    (part,) = level_parts(graph, flat)
    assert part.order is None
    assert part.shortest is None
    assert part.gather.tolist() == [0, 1, 2, 3, 4, 5]
    turned = net.transpose(source, 1, 0)
    (part,) = level_parts(net.graph(net.read(net.dense(turned))), turned)
    assert part.order is not None
    back = net.transpose(turned, 1, 0)
    (part,) = level_parts(net.graph(net.read(net.dense(back))), back)
    assert part.shortest is None


def test_values_that_are_not_remembered_are_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    net = IntegerNet()
    x = net.input(2, 2)
    both = net.add(Concat(0), net.transpose(x, 1, 0), net.fire(net.conv(x, 2), name="fire"))
    charges = [net.dense(net.transpose(both, 1, 0)), net.dense(net.transpose(both, 1, 0))]
    graph = net.graph(net.read(*charges))
    wanted = [[part.gather.tolist() for part in Origins(graph).parts(net.nodes[c].inputs[0])] for c in charges]
    for most in (0, 5, 9):
        monkeypatch.setattr(edges, "MOST_KEPT", most)
        origins = Origins(graph)
        assert [[p.gather.tolist() for p in origins.parts(net.nodes[c].inputs[0])] for c in charges] == wanted
