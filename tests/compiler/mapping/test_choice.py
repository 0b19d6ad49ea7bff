"""Every layer may choose its coding; what chooses none is refused by name."""

from __future__ import annotations

import numpy as np
import onnx
import pytest

import snncc
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.mapping.choice import check_nodes, choose, senders
from snncc.compiler.options import make_options
from snncc.compiler.targets import load_target
from tests.integer_nets import two_layers

LOIHI2 = load_target("loihi2")


def test_inputs_and_firing_neurons_choose() -> None:
    assert [node.name for node in senders(two_layers())] == ["x.levels", "first", "second"]


def test_layers_take_their_own_coding_and_the_rest_the_default() -> None:
    graph = two_layers()
    choice = choose("rate", LOIHI2, {"second": "ttfs"})
    assert [choice.of(node).name for node in senders(graph)] == ["graded", "rate", "ttfs"]
    assert choice.unary(graph) == {"first", "second"}


def test_negative_levels_fall_back_to_the_code_of_the_inputs() -> None:
    graph = two_layers(lo=-3)
    assert [choose("ttfs", LOIHI2).of(node).name for node in senders(graph)] == ["graded", "graded", "ttfs"]


def test_unknown_layers_are_refused_together() -> None:
    with pytest.raises(SnnccError) as caught:
        check_nodes(two_layers(), {"frist": "rate", "pool": "rate", "first": "rate"})
    assert caught.value.exit_code == 2
    assert [d.code for d in caught.value.diagnostics] == ["SNN513", "SNN513"]
    assert "did you mean 'first'" in caught.value.diagnostics[0].hint


@pytest.mark.parametrize("given", ["bitplane,r1=ttfs", " bitplane , r1 = ttfs", {"": "bitplane", "r1": "ttfs"}])
def test_codings_of_layers_are_written_behind_the_default(given: object) -> None:
    made = make_options(coding=given)  # type: ignore[arg-type]
    assert (made.coding, dict(made.by_layer), made.told_coding) == ("bitplane", {"r1": "ttfs"}, "bitplane,r1=ttfs")


def test_without_a_default_the_rest_takes_the_targets() -> None:
    assert make_options(coding="r1=ttfs").coding == "graded"


@pytest.mark.parametrize("given", ["rate,r1=ttsf", "r1=auto"])
def test_codings_of_layers_must_exist(given: str) -> None:
    with pytest.raises(SnnccError) as caught:
        make_options(coding=given)
    assert [d.code for d in caught.value.diagnostics] == ["SNN502"]


def test_mixed_codings_reproduce_the_same_network(tiny_model: onnx.ModelProto) -> None:
    x = np.random.default_rng(0).random((32, 1, 8, 8), dtype=np.float32)
    plain = snncc.compile(tiny_model, x)
    assert plain.origin is not None
    layers = [node.name for node in senders(plain.origin.network)][1:]
    codings = dict(zip(layers, ("ttfs", "bitplane", "rate") * 2, strict=False))
    mixed = snncc.compile(tiny_model, x, coding={"": "graded", **codings})
    assert mixed.origin is not None
    assert mixed.origin.network == plain.origin.network
    assert {p.name: p.claim.coding for p in mixed.populations if p.claim and p.name in codings} == codings
    assert snncc.verify(mixed, x, limit=8).exact
