"""A step that would repeat the one before is not computed again, and that is never seen in what neurons do."""

from __future__ import annotations

from itertools import count, pairwise

import numpy as np
import pytest

from snncc.backends.conformance import Case, cases
from snncc.compiler.neuron import parse_neuron
from snncc.runtime import neurons
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.neurons import told

FIRING = parse_neuron("""
    port add
    param theta
    state v:24
    v = add v in.add
    live = lt phase 3
    s = ge v theta
    s = select live s 0
    drop = select s theta 0
    v = sub v drop
    emit s
""")
FALLING = parse_neuron("""
    port add
    param theta
    state v:24 late:2
    k = sub 7 phase
    k = clip k 1 7
    fall = mul theta k
    s = ge v fall
    late = gt phase 5
    emit s
""")


def test_what_a_phase_tells_is_what_lines_make_of_it_and_use() -> None:
    assert [told(FIRING, phase) for phase in (-1, 2, 3, 99)] == [(1,), (1,), (0,), (0,)]
    assert [told(FALLING, phase) for phase in (-3, 4, 6, 99)] == [(7, 0), (3, 0), (1, 1), (1, 1)]


def test_a_name_given_anew_no_longer_tells_the_phase() -> None:
    program = parse_neuron("port add\nstate v:24\nk = add phase 1\nk = add v 1\nv = add k 0\nemit 0")
    assert told(program, 5) == told(program, 6) == ()


def test_a_phase_that_is_sent_is_told() -> None:
    program = parse_neuron("port add\nstate v:24\nv = add v in.add\nemit phase")
    assert told(program, 5) == (5,)


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_steps_that_rest_are_those_that_would_be_computed(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    resting = list(run_feed(Emulator(case.program), case.feed))
    always_new = count()
    monkeypatch.setattr(neurons, "MOST_PHASES", 0)
    monkeypatch.setattr(neurons, "told", lambda neuron, phase: (next(always_new),))
    computed = run_feed(Emulator(case.program), case.feed)
    for step, did in zip(resting, computed, strict=True):
        for name, sent in step.items():
            np.testing.assert_array_equal(sent.spikes, did[name].spikes)
            np.testing.assert_array_equal(sent.membrane, did[name].membrane)


def test_steps_that_repeat_the_one_before_are_the_same_object() -> None:
    case = next(case for case in cases() if case.name == "rate")
    trace = list(run_feed(Emulator(case.program), case.feed))
    name = case.program.populations[1].name
    again = sum(now[name] is before[name] for before, now in pairwise(trace))
    assert again > 0
