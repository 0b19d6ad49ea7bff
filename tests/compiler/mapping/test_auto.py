"""``auto`` takes the cheapest coding of each layer by the model, and leaves the network as it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import onnx
import pytest

import snncc
from snncc.compiler.coding import CODINGS
from snncc.compiler.mapping.auto import _costs, _synapses, auto_note, cheapest, uniform
from snncc.compiler.mapping.choice import Choice, senders
from snncc.compiler.targets import load_target
from tests.integer_nets import IntegerNet, two_layers

LOIHI2 = load_target("loihi2")
ONE_BIT = replace(LOIHI2, graded=False)
Counts = dict[str, npt.NDArray[np.int64]]


def sparse(levels: dict[str, int]) -> Counts:
    """Return counts of levels that are mostly 0."""
    return {name: np.array([90, *([0] * (hi - 1)), 10]) for name, hi in levels.items()}


def test_spikes_with_payloads_are_the_cheapest_where_there_are_any() -> None:
    graph = two_layers()
    found = cheapest(graph, sparse({"x.levels": 3, "first": 3, "second": 5}), LOIHI2)
    assert {found.choice.of(node).name for node in senders(graph)} == {"graded"}
    assert found.interval == 1


def test_no_mix_of_codings_costs_less() -> None:
    """All mixes of a small network, by brute force."""
    graph = two_layers()
    rng = np.random.default_rng(0)
    for _ in range(5):
        counts = {name: rng.integers(0, 50, hi + 1) for name, hi in {"x.levels": 3, "first": 3, "second": 5}.items()}
        found = cheapest(graph, counts, ONE_BIT)
        names = [node.name for node in senders(graph)]
        able = [coding for coding in CODINGS.values() if not coding.graded]
        costs = []
        for mix in product(able, repeat=len(names)):
            chosen = dict(zip(names, mix, strict=True))
            choice = Choice(able[0], able[0], chosen)
            costs.append(_costs(graph, counts, ONE_BIT, choice, chosen, _synapses(graph)).picojoules)
        assert found.picojoules == pytest.approx(min(costs))
        assert found.picojoules <= min(uniform(graph, counts, ONE_BIT, c.name).picojoules for c in able)


def test_synapses_are_weights_that_are_not_zero_at_every_position() -> None:
    net = IntegerNet()
    x = net.input(1, 4, 4)
    pooled = net.max_pool(net.fire(net.conv(x, 1, 3, pads=(1, 1, 1, 1), weight=[0, 1, 0, 1, 1, 1, 0, 1, 0]), name="f"))
    graph = net.graph(net.read(net.dense(pooled, 2, weight=[1, 0, 2, 3, 4, 5, 6, 0])))
    found = _synapses(graph)
    assert found["x.levels"] == 5 * 16
    assert found["f"] == 4 * 4 + 6


def test_the_note_tells_what_was_chosen_and_what_else_would_cost() -> None:
    graph = two_layers()
    counts = sparse({"x.levels": 3, "first": 3, "second": 5})
    note = auto_note(graph, cheapest(graph, counts, LOIHI2), counts, LOIHI2)
    assert note.code == "SNN512"
    assert "modelled" in note.message
    assert all(name in note.message for name in CODINGS)


def test_auto_compiles_the_same_network(tiny_model: onnx.ModelProto) -> None:
    x = np.random.default_rng(0).random((32, 1, 8, 8), dtype=np.float32)
    auto, plain = (snncc.compile(tiny_model, x, coding=coding) for coding in ("auto", "rate"))
    assert auto.origin is not None
    assert plain.origin is not None
    assert auto.origin.network == plain.origin.network
    assert [note.code for note in auto.origin.notes].count("SNN512") == 1
    assert snncc.verify(auto, x, limit=8).exact
