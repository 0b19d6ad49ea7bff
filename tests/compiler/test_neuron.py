"""The assembly language of neuron programs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from snncc.compiler.neuron import (
    OPERATIONS,
    Instruction,
    NeuronProgram,
    State,
    parse_instruction,
    parse_neuron,
    problems,
)
from tests.strategies_program import neurons

LIF = """
    port exc inh       # two in-ports
    param leak theta
    state v:24 wait:8=-1
    membrane v
    # a comment of its own

    drop = shr v leak
    v = sub v drop
    v = add v in.exc
    v = sub v in.inh
    s = ge v theta
    v = select s 0 v
    emit s
"""


def test_the_assembly_declares_ports_parameters_states_and_code() -> None:
    neuron = parse_neuron(LIF)
    assert neuron.ports == ("exc", "inh")
    assert neuron.params == ("leak", "theta")
    assert neuron.states == (State("v", 24, 0), State("wait", 8, -1))
    assert neuron.membrane == "v"
    assert neuron.code[0] == Instruction("drop", "shr", ("v", "leak"))
    assert neuron.code[-2:] == (Instruction("v", "select", ("s", 0, "v")), Instruction("", "emit", ("s",)))


@given(neurons())
def test_what_is_printed_reads_back_as_the_same_neuron_program(neuron: NeuronProgram) -> None:
    assert list(problems(neuron)) == []
    assert parse_neuron(str(neuron)) == neuron


def test_the_first_state_is_the_membrane_unless_said_otherwise() -> None:
    assert parse_neuron("state u:8 v:8").membrane == "u"
    assert parse_neuron("membrane v\nstate u:8 v:8").membrane == "v"


def test_declarations_add_up() -> None:
    assert parse_neuron("port a\nport b\nparam x\nparam y z\nstate u:8\nstate v:8") == parse_neuron(
        "port a b\nparam x y z\nstate u:8 v:8"
    )


@pytest.mark.parametrize("op", OPERATIONS)
def test_an_operation_takes_the_number_of_arguments_it_is_declared_with(op: str) -> None:
    target = "" if op == "emit" else "v"
    base = parse_neuron("state v:8")
    for count in range(5):
        found = list(problems(replace(base, code=(Instruction(target, op, (1,) * count),))))
        assert (found == []) == (count == OPERATIONS[op])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("state v:8\nv = sum v v", "'v = sum v v' is no instruction"),
        ("state v:8\nv =", "is no instruction"),
        ("state v", "'v' is no state declaration"),
        ("state v:x", "'v:x' is no state declaration"),
        ("state v:8=", "'v:8=' is no state declaration"),
        ("state v:0", "state v has 0 bits"),
        ("state v:64", "state v has 64 bits"),
        ("state v:8 v:8", "'v' is declared twice"),
        ("port v\nstate v:8", "'v' is declared twice"),
        ("port 2\nstate v:8", "'2' is no name"),
        ("state v:8\nmembrane w", "membrane 'w' is no state"),
        ("port add", "membrane '' is no state"),
        ("state v:8\nv = add v in.add", "reads unknown 'in.add'"),
        ("state v:8\nv = add v w\nw = copy 1", "reads unknown 'w'"),
        ("state v:8\nv = add v", "does not have the arguments of add"),
        ("state v:8\nv = emit v", "wrong target"),
        ("state v:8\nadd v v", "wrong target"),
        ("param p\nstate v:8\np = copy 1", "wrong target"),
        ("state v:8\nphase = copy 1", "wrong target"),
        ("port a\nstate v:8\nin.a = copy 1", "wrong target"),
    ],
)
def test_a_program_that_breaks_a_rule_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_neuron(text)


def test_every_broken_rule_is_reported() -> None:
    with pytest.raises(ValueError, match=r"64 bits; .*unknown 'w'; .*wrong target"):
        parse_neuron("state v:64\nv = copy w\nphase = copy 1")


@pytest.mark.parametrize("line", ["v = add v -3", "emit v", "v = select 1 0 in.add"])
def test_an_instruction_prints_as_it_was_written(line: str) -> None:
    assert str(parse_instruction(line)) == line
