"""Threshold inputs put a first-layer neuron on its threshold or one below, so an off-by-one cannot hide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import snncc
from snncc.compiler.ir import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Ladder
from snncc.compiler.program import Program
from snncc.runtime.first_layers import FirstLayers
from snncc.runtime.reference import execute
from snncc.runtime.ties import threshold_inputs
from snncc.runtime.witness import witnesses
from tests.integer_nets import IntegerNet, integer_networks

Ints = npt.NDArray[np.int64]


def compiled(model: onnx.ModelProto, coding: str) -> Program:
    return snncc.compile(model, np.random.default_rng(0).random((64, 1, 8, 8), dtype=np.float32), coding=coding)


def test_each_input_meets_a_threshold_or_misses_it_by_one(tiny_model: onnx.ModelProto) -> None:
    origin = compiled(tiny_model, "graded").origin
    assert origin is not None
    network = origin.network
    theta = network.constants[network.node["relu1"].inputs[-1]].reshape(1, -1, 1, 1)
    found = list(threshold_inputs(network, np.random.default_rng(0)))
    assert len(found) >= 4
    for levels in found:
        charge = execute(network, {name: a[None] for name, a in levels.items()})["relu1.charge"]
        assert ((charge % theta == 0) | ((charge + 1) % theta == 0)).any()
        assert all(a.min() >= 0 and a.max() <= 255 for a in levels.values())


@pytest.mark.parametrize("coding", ["graded", "bitplane", "rate", "ttfs"])
@pytest.mark.parametrize("off", [-1, 1])
def test_an_offset_that_is_off_by_one_is_found_on_witnesses_alone(
    tiny_model: onnx.ModelProto, coding: str, off: int
) -> None:
    program = compiled(tiny_model, coding)
    populations = tuple(
        replace(p, params={**p.params, "offset": p.params["offset"] + off}) if p.name == "relu1" else p
        for p in program.populations
    )
    x = np.zeros((1, 1, 8, 8), dtype=np.float32)
    report = snncc.verify(replace(program, populations=populations), x, limit=0)
    assert not report.exact


def test_a_threshold_that_is_off_by_one_is_found_on_witnesses_alone(tiny_model: onnx.ModelProto) -> None:
    program = compiled(tiny_model, "ttfs")
    for channel in (0, 2, 3):  # no input brings channel 1 to its threshold
        populations = []
        for p in program.populations:
            theta = p.params.get("theta")
            if p.name == "relu1" and theta is not None:
                theta = np.broadcast_to(theta, (4, 1, 1)).copy()
                theta[channel] -= 1
                p = replace(p, params={**p.params, "theta": theta})
            populations.append(p)
        x = np.zeros((1, 1, 8, 8), dtype=np.float32)
        report = snncc.verify(replace(program, populations=tuple(populations)), x, limit=0)
        assert report.mismatches, channel


@settings(max_examples=25)
@given(graph=integer_networks(every=True), seed=st.integers(0, 99))
def test_every_first_layer_is_tried_whatever_it_reads_through(graph: Graph, seed: int) -> None:
    """Fires and ladders, several inputs and edges, slices, repeats, paddings and joins between."""
    for levels in threshold_inputs(graph, np.random.default_rng(seed)):
        encodes = {node.name: node for node in graph.nodes if isinstance(node.op, Encode)}
        assert levels.keys() == encodes.keys()
        assert all(encodes[n].type.lo <= a.min() and a.max() <= encodes[n].type.hi for n, a in levels.items())
        values = execute(graph, {name: a[None] for name, a in levels.items()})
        assert any(near_threshold(graph, node, values) for node in FirstLayers(graph).nodes)


def near_threshold(graph: Graph, node: Node, values: dict[str, Ints]) -> bool:
    """Return whether some neuron is at a threshold or one below it."""
    charge = values[f"{node.name}.charge"]
    if isinstance(node.op, Ladder):
        marks = graph.constants[node.inputs[-2]]
        return any(np.isin(charge[:, c] + below, row).any() for c, row in enumerate(marks) for below in (0, 1))
    theta = graph.constants[node.inputs[-1]]
    theta = theta if theta.shape == node.type.shape else theta.reshape(-1, *(1,) * (len(node.type.shape) - 1))
    return bool(((charge % theta == 0) | ((charge + 1) % theta == 0)).any())


def test_a_ladder_behind_joined_inputs_is_brought_to_its_thresholds() -> None:
    net = IntegerNet(3)
    x, z = net.input(2, 4, lo=-3, hi=5), net.input(2, 4, hi=9, name="z")
    joined = net.pad(net.concat(0, net.upsample(x, 2), net.upsample(z, 2)), 0, 1, 0, 1)
    ladder = net.ladder(net.conv(joined, 3, 3), lo=-1, hi=9, first=-1, thresholds=[[-9, 0, 4, 20]] * 3)
    graph = net.graph(net.read(net.dense(ladder), name="y"))
    found = list(threshold_inputs(graph, np.random.default_rng(0)))
    assert len(found) == 6  # three channels, both sides of a threshold
    made = witnesses(graph)
    assert made.ties > 0
    assert set(made.levels) == {"x.levels", "z.levels"}
