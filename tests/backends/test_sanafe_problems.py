"""What SANA-FE's Loihi cannot be is refused, each with its code, the population and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import snncc.backends.sanafe.export as exporting
import snncc.backends.sanafe.problems as limits
from snncc.backends.sanafe.problems import problems
from snncc.compiler.diagnostics import Diagnostic, InternalError, SnnccError
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import EventInput, Program
from snncc.compiler.targets import load_target
from snncc.compiler.trace import feed_levels
from snncc.runtime.emulator import Emulator, run_feed
from tests.backends.sanafe_programs import exported, levels_of, on_core, rate_program
from tests.integer_nets import IntegerNet, two_layers

LOIHI2 = load_target("loihi2")


def sent_in(coding: str, schedule: str = "sequential") -> Program:
    return on_core(lower(two_layers(), choose(coding, LOIHI2), LOIHI2, schedule))


def only(found: Sequence[Diagnostic], code: str) -> Diagnostic:
    """Return the first of diagnostics that all have one code."""
    assert {problem.code for problem in found} == {code}
    return found[0]


@pytest.mark.parametrize("coding", ["graded", "bitplane", "ttfs"])
def test_every_population_in_another_coding_is_named(coding: str) -> None:
    found = problems(sent_in(coding))
    first = only(found, "SNN740")
    assert [p.message.split("'")[1] for p in found] == ["x.levels", "first", "pool", "second"]
    assert "'graded'" in first.message
    assert f"'{coding}'" in found[1].message
    assert first.hint == "compile with --coding rate --target loihi1"


def test_graded_inputs_of_a_program_in_rate_code_are_named() -> None:
    assert "x.levels" in only(problems(sent_in("rate")), "SNN740").message


def test_negative_levels_and_ladders_are_named() -> None:
    net = IntegerNet(2)
    below = net.fire(net.dense(net.input(3), 4), lo=-1, name="below")
    climbing = net.ladder(net.dense(below, 2), thresholds=[[1, 2, 3]] * 2, name="climbing")
    graph = net.graph(net.read(net.dense(climbing, 2), name="y"))
    program = on_core(lower(graph, choose("rate", replace(LOIHI2, graded=False)), LOIHI2, "sequential"))
    found = problems(program)
    assert [(p.code, p.message.split("'")[1]) for p in found] == [("SNN741", "below"), ("SNN741", "climbing")]
    bare = replace(program, populations=tuple(replace(p, claim=None) for p in program.populations))
    assert len(problems(bare)) == len(program.populations)


def test_a_pipelined_program_is_refused() -> None:
    target = replace(LOIHI2, graded=False)
    program = on_core(lower(two_layers(), choose("rate", target), target, "pipelined"))
    found = only(problems(program), "SNN742")
    assert "'first'" in found.message
    assert found.hint == "compile with --schedule sequential"


def test_a_program_that_is_not_placed_or_beyond_the_chip_is_refused() -> None:
    whole = rate_program(two_layers())
    assert "not placed" in only(problems(whole), "SNN743").message
    assert "core 128" in only(problems(on_core(whole, 128)), "SNN743").message
    assert problems(on_core(whole, 127)) == []


def test_a_core_with_too_many_neurons_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOM", 40)
    assert "core 3 holds 45 neurons" in only(problems(on_core(rate_program(two_layers()), 3)), "SNN743").message


def test_a_chip_without_a_core_for_the_inputs_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CORES", 2)
    assert "need 1 cores beside" in only(problems(on_core(rate_program(two_layers()))), "SNN743").message


def test_too_many_synapses_are_refused_before_they_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST_SYNAPSES", 300)
    found = only(problems(on_core(rate_program(two_layers()))), "SNN744")
    assert "'first.in'" in found.message


def test_potentials_that_sana_fe_does_not_hold_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    graph = two_layers()
    program = on_core(rate_program(graph))
    monkeypatch.setattr(exporting, "EXACT", 60)
    with pytest.raises(SnnccError) as caught:
        exported(program, levels_of(program, graph, 1), tmp_path / "out")
    assert "'first'" in only(caught.value.diagnostics, "SNN745").message
    assert not (tmp_path / "out").exists()


def test_events_and_free_running_programs_are_refused() -> None:
    program = on_core(rate_program(two_layers()))
    fed = replace(program, inputs=(EventInput("seen", "x.levels", "add"),))
    assert {problem.code for problem in problems(fed)} >= {"SNN746"}
    assert "SNN746" in {problem.code for problem in problems(replace(program, interval=0))}


def test_every_problem_is_told_at_once() -> None:
    program = replace(sent_in("graded"), slices=())
    assert {problem.code for problem in problems(program)} == {"SNN740", "SNN743"}


def test_inputs_that_do_not_send_their_thermometers_are_a_mistake_of_snncc(tmp_path: Path) -> None:
    graph = two_layers()
    program = on_core(rate_program(graph))
    levels = levels_of(program, graph, 2)
    other = {name: array[::-1] for name, array in levels.items()}
    wrong = run_feed(Emulator(program), feed_levels(program, other))
    with pytest.raises(InternalError, match=r"x\.levels"):
        exporting.export(program, levels, lambda feed: wrong, tmp_path / "out")
