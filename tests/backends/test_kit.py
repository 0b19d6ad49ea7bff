"""The conformance kit is sound and covers what programs can hold."""

from __future__ import annotations

import re

import numpy as np
import pytest

from snncc.backends.conformance import Case, cases
from snncc.compiler.bounds import WORD, instruction_bounds
from snncc.compiler.coding import CODINGS
from snncc.compiler.container import program_bytes
from snncc.compiler.diagnostics import Loc
from snncc.compiler.neuron import OPERATIONS
from snncc.compiler.program import SILENCE, ConvSynapses, DenseSynapses, EventInput, SparseSynapses, TensorInput
from snncc.compiler.program_check import check_program
from snncc.runtime.deliver import Wire
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.matrix import synapse_matrix
from tests.backends.conformance import network_levels

CASES = {case.name: case for case in cases()}
LOWERED = {name: case for name, case in CASES.items() if case.program.origin is not None}
WRITTEN = {name: case for name, case in CASES.items() if case.program.origin is None}
BOTH = (False, True)
WIRES = [(case, connection) for case in CASES.values() for connection in case.program.connections]


def test_there_are_thirty_cases_or_more_each_with_a_name_of_its_own() -> None:
    assert len(CASES) == len(cases()) >= 30
    assert all(re.fullmatch("[a-z0-9-]+", name) and case.about for name, case in CASES.items())


def test_the_kit_is_the_same_every_time() -> None:
    for first, again in zip(cases(), cases(), strict=True):
        assert program_bytes(first.program) == program_bytes(again.program)
        assert (first.feed.steps, fed(first)) == (again.feed.steps, fed(again))


def fed(case: Case) -> dict[str, list[list[int]]]:
    """Return the columns of the arrivals at each input."""
    return {name: [a.step.tolist(), a.neuron.tolist(), a.value.tolist()] for name, a in case.feed.arrivals.items()}


@pytest.mark.parametrize("name", CASES)
def test_a_case_keeps_the_rules_and_its_objects_say_where_they_are(name: str) -> None:
    program = CASES[name].program
    assert check_program(program) == []
    assert Loc() not in [p.loc for p in program.populations] + [c.loc for c in program.connections]


@pytest.mark.parametrize("name", CASES)
def test_no_result_of_a_case_can_leave_64_bits(name: str) -> None:
    """What happens then is nothing that a backend must do alike."""
    program = CASES[name].program
    assert all(WORD not in instruction_bounds(program, p) for p in program.populations)


@pytest.mark.parametrize("name", CASES)
def test_a_case_feeds_what_its_inputs_allow(name: str) -> None:
    case = CASES[name]
    inputs = {i.name: i for i in case.program.inputs}
    for key, arrivals in case.feed.arrivals.items():
        size = case.program.population[inputs[key].population].size
        assert arrivals.step.min(initial=0) >= 0
        assert arrivals.step.max(initial=0) < case.feed.steps
        assert arrivals.neuron.min(initial=0) >= 0
        assert arrivals.neuron.max(initial=0) < size
        low, high = ends(inputs[key])
        assert arrivals.value.min(initial=0) >= low
        assert arrivals.value.max(initial=0) <= high


def ends(source: TensorInput | EventInput) -> tuple[int, int]:
    return (source.lo, source.hi) if isinstance(source, TensorInput) else (-(2**31), 2**31 - 1)


@pytest.mark.parametrize("name", CASES)
def test_every_case_does_something_except_in_silence(name: str) -> None:
    case = CASES[name]
    ran = list(run_feed(Emulator(case.program), case.feed))
    spikes = sum(np.count_nonzero(did.spikes) for sent in ran for did in sent.values())
    membranes = sum(np.count_nonzero(did.membrane) for sent in ran for did in sent.values())
    assert (spikes > 0, membranes > 0) == (name != "silence", name != "silence")
    assert len(ran) <= 130


@pytest.mark.parametrize("name", LOWERED)
def test_the_emulator_and_the_integer_network_agree_on_the_kit(name: str) -> None:
    case, expected = LOWERED[name], network_levels(LOWERED[name])
    program = case.program
    samples = len(next(iter(case.feed.levels.values())))
    ran = list(run_feed(Emulator(program), case.feed))
    for output in program.outputs:
        start = program.population[output.population].start
        reads = [ran[start + k * program.interval][output.population].membrane[:, 0] for k in range(samples)]
        assert case.program.origin is not None
        value = case.program.origin.network.named_outputs[output.name]
        assert np.array_equal(program.shown(output, np.stack(reads)), expected[value])


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.program.connections], ids=lambda c: c.name)
def test_the_emulator_delivers_what_the_synapses_say(case: Case) -> None:
    """One by one and listed, or all at once: two ways to read a connection."""
    for connection in case.program.connections:
        populations = case.program.population
        sources, targets = populations[connection.source].size, populations[connection.target].size
        wire, matrix = Wire(connection, sources, targets), synapse_matrix(connection, sources, targets).toarray()
        assert np.array_equal(wire.deliver(np.eye(sources, dtype=np.int64)), matrix)


def test_every_operation_is_there_with_every_kind_of_operand() -> None:
    """Codings use some operations, too; the cases written in assembly use all of them."""
    lines = [line for case in WRITTEN.values() for p in case.program.populations for line in p.neuron.code]
    assert {line.op for line in lines} == set(OPERATIONS)
    kinds = {kind(case, arg) for case in WRITTEN.values() for arg in operands(case)}
    assert kinds == {"literal", "phase", "in", "state", "param", "temporary"}


def operands(case: Case) -> list[tuple[int, str | int]]:
    """Return (population, operand) for every operand."""
    populations = enumerate(case.program.populations)
    return [(k, arg) for k, p in populations for line in p.neuron.code for arg in line.args]


def kind(case: Case, place: tuple[int, str | int]) -> str:
    number, arg = place
    neuron = case.program.populations[number].neuron
    if isinstance(arg, int):
        return "literal"
    if arg in neuron.params:
        return "param"
    if arg in {s.name for s in neuron.states}:
        return "state"
    return arg.partition(".")[0] if arg == "phase" or arg.startswith("in.") else "temporary"


def test_every_coding_is_there_in_every_kind_of_population() -> None:
    claims = {
        (p.claim.kind, p.claim.coding, p.signed) for c in LOWERED.values() for p in c.program.populations if p.claim
    }
    wanted = {(kind, c.name, signed) for kind in ("copy", "fire", "pool") for c in CODINGS.values() for signed in BOTH}
    ladders = {("ladder", coding.name, coding.signed) for coding in CODINGS.values()}
    assert claims == {w for w in wanted if CODINGS[w[1]].signed or not w[2]} | ladders | {("read", "", False)}


def test_every_kind_of_connection_is_there() -> None:
    kinds = {type(c.synapses) for _, c in WIRES}
    assert kinds == {DenseSynapses, ConvSynapses, SparseSynapses}
    assert {type(c.synapses) for _, c in WIRES if c.gather is not None} == kinds
    silent = [c for _, c in WIRES if c.gather is not None and (c.gather == SILENCE).any()]
    assert {(type(c.synapses), c.delay > 1) for c in silent} == {(kind, later) for kind in kinds for later in BOTH}
    assert {1, 2, 3, 62} <= {c.delay for _, c in WIRES}
    assert any(c.source == c.target for _, c in WIRES)
    assert any(place(case, c.source) > place(case, c.target) for case, c in WIRES)
    assert max(int(np.abs(c.synapses.weight).max(initial=0)) for _, c in WIRES) > 1 << 16


def place(case: Case, population: str) -> int:
    return [p.name for p in case.program.populations].index(population)


def test_every_geometry_of_a_convolution_is_there() -> None:
    convs = [c.synapses for _, c in WIRES if isinstance(c.synapses, ConvSynapses)]
    assert {len(conv.strides) for conv in convs} == {0, 1, 2}
    assert {max(conv.strides, default=1) for conv in convs} == {1, 2, 3}
    assert {max(conv.dilations, default=1) for conv in convs} == {1, 2, 3}
    assert any(1 < conv.groups < conv.weight.shape[0] and conv.weight.shape[1] > 1 for conv in convs)
    assert any(conv.groups == conv.in_shape[0] > 1 for conv in convs)
    assert any(len(set(conv.pads)) == 4 for conv in convs)


def test_every_kind_of_end_and_of_schedule_is_there() -> None:
    programs = [case.program for case in CASES.values()]
    assert any(program.interval == 0 for program in programs)
    kinds = [{type(i) for i in program.inputs} for program in programs]
    assert all(some in kinds for some in (set(), {TensorInput}, {EventInput}, {TensorInput, EventInput}))
    assert any(len(program.outputs) > 1 for program in programs)
    assert any(output.gather is not None for program in programs for output in program.outputs)
    assert any(p.start > 0 for program in programs if not program.interval for p in program.populations)
    relays = [p.name for program in programs for p in program.populations if ".relay" in p.name]
    assert len(relays) > 4


def test_extremes_follow_each_other_in_every_coding() -> None:
    found = {
        p.claim.coding for case in LOWERED.values() if alternates(case) for p in case.program.populations if p.claim
    }
    assert found >= set(CODINGS)


def alternates(case: Case) -> bool:
    """Return whether every input is all least, all greatest, and all least again."""
    tensors = [i for i in case.program.inputs if isinstance(i, TensorInput)]
    begins = [(case.feed.levels[i.name][:3].T, [i.lo, i.hi, i.lo]) for i in tensors]
    return all((levels == ends).all() for levels, ends in begins)
