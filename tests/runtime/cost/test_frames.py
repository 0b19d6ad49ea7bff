"""The ANN beside a program: what it multiplies, sends and leaves out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from snncc.compiler.diagnostics import Loc
from snncc.compiler.program import (
    Claim,
    Connection,
    ConvSynapses,
    DenseSynapses,
    Output,
    Population,
    Program,
    TensorInput,
)
from snncc.compiler.targets.target import Board, Packing
from snncc.runtime.cost.counting import one_core
from snncc.runtime.cost.frames import depth, frame_events
from tests.runtime.cost.hand import PASS, READ


def conv(*weight: int) -> ConvSynapses:
    pad = len(weight) // 2
    return ConvSynapses(np.array([[weight]]), (1, 3), (1,), (pad, pad), (1,))


def relayed() -> Program:
    """Return a program: an input, a relay, a padded convolution in two mantissas, a max-pool, a readout."""
    copy, pool = Claim("a", "copy", "graded", 0, 3), Claim("p", "pool", "graded", 0, 3)
    loc = Loc("net", "conv")
    populations = (
        Population("a", (1, 3), PASS, {}, 0, 1, 4, claim=copy),
        Population("r", (1, 3), PASS, {}, 1, 1, 4, claim=copy),
        Population("b", (1, 3), PASS, {}, 2, 1, 4, claim=Claim("b", "fire", "graded", 0, 3)),
        Population("p", (1, 1), PASS, {}, 3, 1, 4, claim=pool),
        Population("c", (2,), READ, {}, 4, claim=Claim("c", "read")),
    )
    window = ConvSynapses(np.ones((1, 1, 3), dtype=np.int64), (1, 3), (1,), (0, 0), (1,))
    connections = (
        Connection("r.in", "a", "r", "add", conv(1)),
        Connection("b.0", "r", "b", "add", conv(1, 0, 2), loc=loc),
        Connection("b.1", "r", "b", "add", conv(0, 0, 64), loc=loc),
        Connection("p.add", "b", "p", "add", window),
        Connection("c.in", "p", "c", "add", DenseSynapses(np.array([[0], [1]]))),
    )
    inputs = (TensorInput("x", "a", "add", (1, 3), 0, 3, Fraction(1)),)
    return Program("relayed", "tiny", 1, populations, connections, inputs, (Output("y", "c", Fraction(1)),))


def by_layer(program: Program, kind: str) -> dict[str, int]:
    placed = one_core(program)
    counts = frame_events(placed, Board(), Packing()).counts[kind]
    return dict(zip((part.population for part in placed.slices), counts[0].tolist(), strict=True))


def test_every_weight_inside_the_padding_is_multiplied_once() -> None:
    # the convolution: 3 taps at 3 positions, of which 2 lie on the padding; both mantissas are one weight
    assert by_layer(relayed(), "synaptic_event") == {"a": 0, "r": 0, "b": 7, "p": 0, "c": 2}


def test_a_relay_is_no_layer() -> None:
    assert by_layer(relayed(), "update") == {"a": 3, "r": 0, "b": 3, "p": 1, "c": 2}
    assert depth(relayed()) == 3


def test_every_activation_is_sent_once() -> None:
    assert by_layer(relayed(), "spike") == {"a": 3, "r": 0, "b": 3, "p": 1, "c": 0}
    assert by_layer(relayed(), "message") == {"a": 0, "r": 0, "b": 3, "p": 3, "c": 1}


def test_words_are_full_of_weights() -> None:
    assert by_layer(relayed(), "word_read") == {"a": 0, "r": 0, "b": 1, "p": 0, "c": 1}
    events = frame_events(one_core(relayed()), Board(), None)
    assert "word_read" not in events.counts


def test_edges_of_different_places_in_the_model_are_different_weights() -> None:
    program = relayed()
    other = tuple(replace(c, loc=Loc("net", c.name)) for c in program.connections)
    assert by_layer(replace(program, connections=other), "synaptic_event")["b"] == 14


def test_the_host_sends_every_input_value() -> None:
    assert frame_events(one_core(relayed()), Board(), None).host.tolist() == [3]


def test_depth_ends_in_recurrent_programs() -> None:
    program = relayed()
    back = Connection("back", "b", "b", "add", conv(1))
    assert depth(replace(program, connections=(*program.connections, back))) <= len(program.populations) + 3
