"""The text form of programs, and their equality."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from snncc.compiler.diagnostics import Loc, SnnccError
from snncc.compiler.program import ConvSynapses, Program
from snncc.compiler.program_text import parse_program, print_program, tensors_of
from tests.strategies_program import example, ints, programs


@given(programs())
@settings(max_examples=50, suppress_health_check=list(HealthCheck))
def test_what_is_printed_reads_back_as_the_same_program(program: Program) -> None:
    again = parse_program(print_program(program), tensors_of(program))
    assert again == program
    assert [p.loc for p in again.populations] == [p.loc for p in program.populations]
    assert [c.loc for c in again.connections] == [c.loc for c in program.connections]
    assert print_program(again) == print_program(program)


def test_the_text_form_is_stable(golden: Callable[[str, str], None]) -> None:
    golden(print_program(example()), "program_text.txt")
    assert str(example()) == print_program(example())


def test_blank_lines_indentation_and_comments_do_not_matter() -> None:
    text = "\n# made by hand\n" + "\n\n  ".join(print_program(example()).splitlines())
    assert parse_program(text, tensors_of(example())) == example()


def test_neuron_programs_are_written_once() -> None:
    text = print_program(example())
    assert text.count("neuron 0 {") == 1
    assert "neuron 1 {" not in text


def test_equality_looks_at_values_and_not_at_locations() -> None:
    program = example()
    assert program == example()
    moved = replace(program.populations[1], loc=Loc("elsewhere"))
    assert replace(program, populations=(program.populations[0], moved)) == program
    assert program != "program"


@pytest.mark.parametrize(
    "change",
    [
        {"params": {"offset": ints(3), "theta": ints(1)}},  # another shape
        {"params": {"offset": np.array(4), "theta": ints(1)}},
        {"params": {"offset": np.array(3)}},
        {"start": 1},
        {"claim": None},
        {"signed": True},
    ],
)
def test_every_other_difference_counts(change: dict[str, object]) -> None:
    first, second = example().populations
    changed = replace(first, **change)  # type: ignore[arg-type]
    assert changed != first
    assert replace(example(), populations=(changed, second)) != example()


def test_synapses_of_another_kind_or_weight_differ() -> None:
    conv, sparse = (c.synapses for c in example().connections)
    assert isinstance(conv, ConvSynapses)
    assert conv != sparse
    assert replace(conv, weight=conv.weight + 1) != conv
    assert replace(conv, groups=3) != conv


def test_arrays_of_a_program_cannot_be_written() -> None:
    weight = example().connections[0].synapses.weight
    with pytest.raises(ValueError, match="read-only"):
        weight[0] = 1


BAD_LINES = [
    ("population %x", "cannot read"),
    ("neurone %x {}", "cannot read"),
    ("population %z {shape=[1], neuron=7, params={}}", "neuron program 7 cannot be read"),
    ("population %z {shape=[1], params={}}", "has no neuron"),
    ("population %z {shape=[1], neuron=0, params={}, color=3}", "unknown entry 'color'"),
    ("population %z {shape=[1.5], neuron=0, params={}}", "is 1.5, not int"),
    ("population %z {shape=[True], neuron=0, params={}}", "is True, not int"),
    ("population %z {shape=[2**9], neuron=0, params={}}", "cannot read the entries"),
    ("population %z {shape=[], neuron=0, params={'t': 'int64[2] [1]'}}", "cannot reshape"),
    ("population %z {shape=[], neuron=0, params={'t': 'float32[1] [1.5]'}}", "not an int64 array"),
    ("population %z {shape=[], neuron=0, params={'t': 'int64[1] [99999999999999999999]'}}", "too large|too big"),
    ("population %z {shape=[], neuron=0, params={'t': 'int64[9] sha256:00'}}", "its array is missing"),
    ("population %z {shape=[], neuron=0, params={}, claim={'node': 'a'}}", "claim has no kind"),
    ("population %z {shape=[], neuron=0, params={}, start=9223372036854775808}", "which no 64 bits hold"),
    ("population %z {**{'shape': []}}", "no list of name=value"),
    ("population %z {shape=[]) + f(neuron=0}", "cannot read the entries|no list of name=value"),
    ("population %z {shape=", "cannot read"),
    ("output %z {population='x', scale='1/0'}", "not numerator/denominator"),
    ("output %z {population='x', scale=0.5}", "is 0.5, not str"),
    ("input %z {type='stream', population='x', port='add'}", "unknown type 'stream'"),
    ("input %z {population='x', port='add'}", "unknown type None"),
    ("program @z {target='t', interval='4'}", "interval is '4', not int"),
    ("neuron 1 {\n u = nonsense 1\n}", "is no instruction"),
    ("neuron 1 {", "not closed"),
]


@pytest.mark.parametrize(("line", "message"), BAD_LINES)
def test_a_line_that_cannot_be_read_is_named(line: str, message: str) -> None:
    with pytest.raises(SnnccError, match=message) as caught:
        parse_program(print_program(example()) + line, tensors_of(example()), "net.txt")
    assert {d.code for d in caught.value.diagnostics} == {"SNN002"}
    assert caught.value.diagnostics[0].loc.file == "net.txt"


def test_every_bad_line_is_reported() -> None:
    text = print_program(example()) + "nonsense\n\nmore nonsense\n"
    lines = text.count("\n")
    with pytest.raises(SnnccError) as caught:
        parse_program(text, tensors_of(example()))
    assert [d.loc.name for d in caught.value.diagnostics] == [f"line {lines - 2}", f"line {lines}"]


def test_a_text_without_header_is_no_program() -> None:
    with pytest.raises(SnnccError, match="no program header"):
        parse_program("")


def test_an_array_that_is_not_the_one_named_is_refused() -> None:
    tensors = tensors_of(example())
    tensors["connections/y.in/synapses/weight"] = tensors["connections/y.in/synapses/weight"] + 1
    with pytest.raises(SnnccError, match="not the one the text names"):
        parse_program(print_program(example()), tensors)
