"""Every engine gives an output in its own order and shape, whatever order the neurons that are read stand in."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.backends.golden import shown_nodes
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Graph
from snncc.compiler.ir.integer_ops import Encode
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Origin, Program
from snncc.compiler.program_check import check_program
from snncc.compiler.targets import load_target
from snncc.engines import run_integers
from snncc.runtime.reference import encode, execute
from snncc.runtime.run import ENGINES, run
from tests.integer_nets import IntegerNet, integer_networks, random_levels

Floats = npt.NDArray[np.float32]


def program_of(graph: Graph, name: str = "graded") -> Program:
    program = lower(graph, Choice(CODINGS[name], CODINGS["graded"]), load_target("loihi2"))
    return replace(program, origin=Origin(graph, b""))


def image_network(view: bool = True) -> Graph:
    """Return a network that makes four channels into an image of twice the size, [1, 4, 6], and keeps them, too."""
    net = IntegerNet(1)
    read = net.read(net.conv(net.fire(net.conv(net.input(1, 2, 3, hi=7), 3), theta=2), 4), bias=[1, 2, 3, 4], name="y")
    shown = net.reshape(net.transpose(net.reshape(read, 2, 2, 2, 3), 2, 0, 3, 1), 1, 4, 6)
    return net.graph(*([shown, read] if view else [read]), labels=("image", "channels") if view else ())


def fed(graph: Graph, samples: int = 5) -> dict[str, Floats]:
    levels = random_levels(graph, samples)
    encodes = [node for node in graph.nodes if isinstance(node.op, Encode)]
    return {n.inputs[0]: (levels[n.name] * n.op.scale).astype(np.float32) for n in encodes}  # type: ignore[attr-defined]


@pytest.mark.parametrize("engine", [*ENGINES, "c"])
def test_an_image_comes_in_rows_and_columns(engine: str) -> None:
    graph = image_network()
    program, x = program_of(graph), fed(graph)
    assert check_program(program) == []
    values = execute(graph, encode(graph, x))
    found = run_integers(program, x, engine)
    assert found["image"].shape == (5, 1, 4, 6)
    assert found["channels"].shape == (5, 4, 2, 3)
    for n, i, j, c in np.ndindex(5, 4, 6, 1):
        assert found["image"][n, c, i, j] == found["channels"][n, i % 2 * 2 + j % 2, i // 2, j // 2]
    assert (found["channels"] == values["y"]).all()


@given(graph=integer_networks(every=True), name=st.sampled_from(sorted(CODINGS)))
@settings(max_examples=25)
def test_the_engines_agree(graph: Graph, name: str) -> None:
    program, x = program_of(graph, name), fed(graph)
    assert check_program(program) == []
    fast, slow = (run(program, x, engine) for engine in ENGINES)
    assert fast.keys() == slow.keys() == set(graph.named_outputs)
    for label, value in graph.named_outputs.items():
        assert fast[label].shape == (5, *graph.types[value].shape)
        assert fast[label].tolist() == slow[label].tolist()


def test_a_view_of_an_output_is_among_what_levels_are_compared_on() -> None:
    graph = image_network()
    assert set(graph.outputs) <= {node.name for node in shown_nodes(graph)}


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(SnnccError, match="SNN507"):
        run(program_of(image_network(view=False)), fed(image_network()), "abacus")
