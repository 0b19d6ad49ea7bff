"""Every rule of a program is checked, and every broken one reported."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.neuron import Instruction, State, parse_neuron
from snncc.compiler.program import Claim, Connection, ConvSynapses, DenseSynapses, Program, SparseSynapses, Synapses
from snncc.compiler.program_check import check_program
from tests.strategies_program import example, example_with_origin, ints, programs


def with_population(**changes: Any) -> Program:
    """Return the example with its first population, of shape (1, 2, 2), changed."""
    first, second = example().populations
    return replace(example(), populations=(replace(first, **changes), second))


def with_third(**changes: Any) -> Program:
    """Return the example with one population more."""
    return replace(example(), populations=(*example().populations, replace(example().populations[0], **changes)))


def with_neuron(**changes: Any) -> Program:
    return with_population(neuron=replace(example().populations[0].neuron, **changes))


def with_params(**params: Any) -> Program:
    return with_population(params={**example().populations[0].params, **params})


def with_connection(**changes: Any) -> Program:
    """Return the example with its first connection, from 4 to 9 neurons, changed."""
    first, second = example().connections
    return replace(example(), connections=(replace(first, **changes), second))


def with_synapses(synapses: Synapses) -> Program:
    return with_connection(synapses=synapses, gather=None)


def with_input(**changes: Any) -> Program:
    tensor, events = example().inputs
    return replace(example(), inputs=(replace(tensor, **changes), events))


def with_output(**changes: Any) -> Program:
    return replace(example(), outputs=(replace(example().outputs[0], **changes),))


def conv(*, weight: tuple[int, ...] = (9, 1, 2, 2), **changes: Any) -> ConvSynapses:
    rest = {"in_shape": (1, 2, 2), "strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), **changes}
    return ConvSynapses(np.ones(weight, dtype=np.int64), **rest)


def dense(*shape: int) -> DenseSynapses:
    return DenseSynapses(np.ones(shape, dtype=np.int64))


def sparse(source: int, target: int) -> SparseSynapses:
    return SparseSynapses(ints(0, source), ints(0, target), ints(1, 1))


OK = with_connection(gather=None)
V, U = State("v", 24), State("u", 24)
BREACHES: list[tuple[str, str, Callable[[], Program]]] = [
    ("SNN310", "program 'a b'", lambda: replace(OK, name="a b")),
    ("SNN310", "program ''", lambda: replace(OK, name="")),
    ("SNN310", "connection y.back stands 2 times", lambda: replace(OK, connections=OK.connections[1:] * 2)),
    ("SNN310", "output logits stands 2 times", lambda: replace(OK, outputs=OK.outputs[:1] * 2)),
    ("SNN310", "input 'a/b'", lambda: with_input(name="a/b")),
    ("SNN310", "population 'é'", lambda: with_third(name="é")),
    ("SNN311", "'u = sub v' does not have the arguments", lambda: with_neuron(code=(Instruction("u", "sub", ("v",)),))),
    ("SNN311", "membrane 'w' is no state", lambda: with_neuron(membrane="w")),
    ("SNN311", "v of 4 bits, which its initial value 8", lambda: with_neuron(states=(State("v", 4, 8), U))),
    ("SNN311", "v of 4 bits, which its initial value -9", lambda: with_neuron(states=(State("v", 4, -9), U))),
    ("SNN311", "state v has 64 bits", lambda: with_neuron(states=(State("v", 64), U))),
    ("SNN311", "calls something 'port'", lambda: with_neuron(states=(V, U, State("port", 4)), code=())),
    ("SNN311", "calls something 'phase'", lambda: with_neuron(states=(V, U, State("phase", 4)), code=())),
    ("SNN311", "calls something 'a b'", lambda: with_neuron(code=(Instruction("a b", "copy", (1,)),))),
    ("SNN311", "calls something 'é'", lambda: with_neuron(code=(Instruction("é", "copy", (1,)),))),
    ("SNN312", "has the shape \\(0, 4\\), without a neuron", lambda: with_third(name="z", shape=(0, 4))),
    ("SNN312", "has no parameter theta", lambda: with_population(params={"offset": ints(1)})),
    ("SNN312", "a parameter gain that", lambda: with_params(gain=ints(1))),
    ("SNN312", "theta of type float64", lambda: with_params(theta=np.ones(1))),
    ("SNN312", "theta of shape \\(3,\\)", lambda: with_params(theta=ints(1, 2, 3))),
    ("SNN312", "theta of shape \\(1, 1, 1, 1\\)", lambda: with_params(theta=np.ones((1, 1, 1, 1), dtype=np.int64))),
    ("SNN313", "comes from nobody", lambda: with_connection(source="nobody")),
    ("SNN313", "goes to nobody", lambda: with_connection(target="nobody")),
    ("SNN313", "goes to in-port ramp, which y", lambda: with_connection(port="ramp")),
    ("SNN313", "has the delay 0", lambda: with_connection(delay=0)),
    ("SNN314", "weights \\(4, 9\\) from 4 to 9", lambda: with_synapses(dense(4, 9))),
    ("SNN314", "weights \\(9, 4\\) from 2 to 9", lambda: with_connection(synapses=dense(9, 4), gather=ints(0, 1))),
    ("SNN314", "weight of type float32", lambda: with_synapses(DenseSynapses(np.ones((9, 4), dtype=np.float32)))),
    ("SNN314", "gather index outside -1..3", lambda: with_connection(gather=ints(0, 1, 2, 4))),
    ("SNN314", "gather index outside -1..3", lambda: with_connection(gather=ints(0, 1, 2, -2))),
    ("SNN314", "gather index of shape \\(2, 2\\)", lambda: with_connection(gather=ints(0, 1, 2, 3).reshape(2, 2))),
    ("SNN314", "source outside 0..3", lambda: with_synapses(sparse(4, 0))),
    ("SNN314", "target outside 0..8", lambda: with_synapses(sparse(0, 9))),
    ("SNN314", "do not pair up", lambda: with_synapses(SparseSynapses(ints(0), ints(0), ints(1, 2)))),
    ("SNN314", "do not fit the input", lambda: with_synapses(conv(weight=(9, 2, 2, 2)))),
    ("SNN314", "do not fit the input", lambda: with_synapses(conv(in_shape=(2, 2, 2), groups=2))),
    ("SNN314", "do not fit the input", lambda: with_synapses(conv(in_shape=()))),
    ("SNN314", "group count below 1", lambda: with_synapses(conv(groups=0))),
    ("SNN314", "stride, dilation", lambda: with_synapses(conv(strides=(0, 1)))),
    ("SNN314", "negative pad", lambda: with_synapses(conv(pads=(0, 0, 0, -1)))),
    ("SNN314", "larger than the padded input", lambda: with_synapses(conv(weight=(9, 1, 3, 2)))),
    ("SNN314", "do not fit 2 spatial axes", lambda: with_synapses(conv(pads=(0, 0)))),
    ("SNN314", "into 18 neurons, between 4 and 9", lambda: with_synapses(conv(pads=(0, 0, 0, 1)))),
    ("SNN315", "the interval -1", lambda: replace(OK, interval=-1, inputs=())),
    ("SNN315", "has the start -1", lambda: with_population(start=-1)),
    ("SNN315", "has the window -1", lambda: with_population(window=-1)),
    ("SNN315", "window of 4 steps, more than the interval 3", lambda: replace(OK, interval=3)),
    ("SNN316", "payloads of 0 bits", lambda: with_population(payload_bits=0)),
    ("SNN316", "payloads of 64 bits", lambda: with_population(payload_bits=64)),
    ("SNN316", "unknown kind 'guess'", lambda: with_population(claim=Claim("x", "guess", "rate", 0, 4))),
    ("SNN316", "unknown coding 'morse'", lambda: with_population(claim=Claim("x", "fire", "morse", 0, 4))),
    ("SNN316", "levels 1..4", lambda: with_population(claim=Claim("x", "fire", "rate", 1, 4))),
    ("SNN316", "levels -4..0", lambda: with_population(claim=Claim("x", "fire", "rate", -4, 0))),
    ("SNN317", "feeds nobody", lambda: with_input(population="nobody")),
    ("SNN317", "feeds in-port ramp", lambda: with_input(port="ramp")),
    ("SNN317", "has the shape \\(5,\\), x has 4 neurons", lambda: with_input(shape=(5,))),
    ("SNN317", "levels 0..0", lambda: with_input(hi=0)),
    ("SNN317", "of 0 each", lambda: with_input(scale=Fraction(0))),
    ("SNN317", "free-running", lambda: replace(OK, interval=0)),
    ("SNN317", "reads nobody", lambda: with_output(population="nobody")),
    ("SNN317", "no positive float64", lambda: with_output(scale=Fraction(-1))),
    ("SNN317", "the shape \\(3, 2\\) for 9 neurons", lambda: with_output(shape=(3, 2))),
    ("SNN317", "the shape \\(9, 1, 1\\) for 2 neurons", lambda: with_output(gather=ints(0, 1))),
    ("SNN317", "the shape \\(-3, -3\\)", lambda: with_output(shape=(-3, -3))),
    ("SNN317", "gather index outside 0..8", lambda: with_output(shape=(2,), gather=ints(0, -1))),
    ("SNN317", "gather index outside 0..8", lambda: with_output(shape=(2,), gather=ints(9, 0))),
    ("SNN317", "gather index of type float64", lambda: with_output(shape=(2,), gather=np.zeros(2))),
]


@pytest.mark.parametrize(("code", "message", "broken"), BREACHES)
def test_a_broken_rule_is_reported(code: str, message: str, broken: Callable[[], Program]) -> None:
    problems = check_program(broken())
    assert {p.code for p in problems} == {code}
    assert re.search(message, "\n".join(p.message for p in problems))
    assert code in CATALOGUE


OTHERWISE: list[Callable[[Program], Program]] = [
    lambda p: replace(p, outputs=(replace(p.outputs[1], shape=()),)),
    lambda p: replace(p, outputs=(replace(p.outputs[1], gather=None),)),
    lambda p: replace(p, outputs=(replace(p.outputs[1], scale=Fraction(1)),)),
    lambda p: replace(p, outputs=(replace(p.outputs[0], name="image"),)),
    lambda p: replace(p, outputs=(replace(p.outputs[0], name="other"),)),
    lambda p: replace(p, outputs=(replace(p.outputs[0], population="x", shape=(2, 2)),)),
]


@pytest.mark.parametrize("change", OTHERWISE)
def test_an_output_must_show_what_the_network_shows(change: Callable[[Program], Program]) -> None:
    """In its order and its shape, through the views that follow the readout."""
    program = change(example_with_origin())
    wanted = f"output {program.outputs[0].name} is not read as the network has it"
    assert [(p.code, p.message) for p in check_program(program)] == [("SNN317", wanted)]


@pytest.mark.parametrize("program", [example(), example_with_origin()])
def test_a_sound_program_has_no_problems(program: Program) -> None:
    assert check_program(program) == []


@given(programs())
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_random_programs_that_keep_the_rules_have_no_problems(program: Program) -> None:
    assert check_program(program) == []


@pytest.mark.parametrize(
    "synapses",
    [
        dense(9, 4),
        sparse(3, 8),
        conv(weight=(9, 4), in_shape=(4,), strides=(), pads=(), dilations=()),  # no spatial axes: a dense layer
        conv(weight=(1, 1, 2, 2), pads=(1, 1, 1, 1)),
        conv(weight=(9, 1, 1, 1), dilations=(7, 7), strides=(2, 2)),
    ],
)
def test_synapses_that_fit_are_accepted(synapses: Synapses) -> None:
    assert check_program(with_synapses(synapses)) == []


def test_every_problem_is_reported_at_its_place() -> None:
    program = with_population(start=-1, payload_bits=0, params={})
    bad = Connection("c", "nobody", "x", "nowhere", dense(1, 1), 0)
    problems = check_program(replace(program, connections=(*program.connections, bad), interval=3))
    first, second, connection = ["312", "312", "315", "315", "316"], ["315"], ["313", "313", "313"]
    assert [p.code.removeprefix("SNN") for p in problems] == first + second + connection
    assert problems[5].loc == example().populations[1].loc


def test_a_claim_must_name_a_node_of_the_network() -> None:
    program = example_with_origin()
    stray = replace(program.populations[0], claim=Claim("z", "fire", "rate", 0, 4))
    problems = check_program(replace(program, populations=(stray, program.populations[1])))
    assert [p.message for p in problems] == ["population x claims to stand for z, which the network does not have"]


def test_a_shared_neuron_program_is_reported_for_each_population() -> None:
    neuron = replace(parse_neuron("port add\nstate v:24"), membrane="w")
    broken = tuple(replace(p, neuron=neuron, params={}) for p in example().populations)
    problems = check_program(replace(example(), populations=broken))
    assert [p.message.split()[1] for p in problems] == ["x", "y"]
