"""The firing half: every coding is proved, and nothing is proved that trying refutes."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.certificate.classes import Rows
from snncc.compiler.certificate.firing import Firing, Seen
from snncc.compiler.certificate.receive import Refuted, read
from snncc.compiler.coding import CODINGS, Coding, Levels, firing_neuron
from snncc.compiler.coding.base import parameters
from snncc.compiler.neuron import NeuronProgram, parse_neuron
from tests.compiler.certificate.cases import keeps_law, mutants, step
from tests.compiler.coding.halves import Halves

ALL = [*CODINGS.values(), Halves()]
ENDS = [(0, 1), (0, 3), (0, 4), (0, 15), (0, 255), (-1, 1), (-3, 3), (-4, 7), (-7, 4), (-127, 127)]
PAIRS = [
    (c, Levels(*e)) for c, e in product(ALL, ENDS) if (c.signed or e[0] == 0) and (c.name != "halves" or e[1] < 20)
]
each_pair = pytest.mark.parametrize(
    ("coding", "levels"), PAIRS, ids=lambda x: x.name if isinstance(x, Coding) else f"{x.lo}..{x.hi}"
)


def firing(neuron: NeuronProgram, coding: Coding, levels: Levels) -> Firing:
    return Firing.of(neuron, *read(neuron), coding, levels)


def rows(neuron: NeuronProgram, levels: Levels, thetas: list[int], first: int, last: int) -> Rows:
    theta = np.array(thetas)
    values = parameters(0 * theta, theta, levels)
    params = {name: values[name] for name in neuron.params if name != "offset"}
    return Rows(theta, params, np.full_like(theta, first), np.full_like(theta, last))


def proved(neuron: NeuronProgram, coding: Coding, levels: Levels, thetas: list[int], first: int, last: int) -> Seen:
    given_rows = rows(neuron, levels, thetas, first, last)
    return firing(neuron, coding, levels).prove(given_rows, 3, coding.window(levels) + 2)


@each_pair
@pytest.mark.parametrize("thetas", [[1], [8, 64, 1], [5], [9, 1, 4]], ids=str)
def test_every_coding_is_proved(coding: Coding, levels: Levels, thetas: list[int]) -> None:
    shifts = all(theta & (theta - 1) == 0 for theta in thetas)
    neuron = firing_neuron(coding, levels, ["add"], 40, shifts)
    reach = (levels.magnitude + 3) * max(thetas)
    seen = proved(neuron, coding, levels, thetas, -reach, reach)
    assert seen.classes > levels.hi - levels.lo or seen.classes >= 2


@each_pair
def test_only_charges_that_can_come_are_tried(coding: Coding, levels: Levels) -> None:
    neuron = firing_neuron(coding, levels, ["add"], 40)
    assert proved(neuron, coding, levels, [4], 5, 5)
    assert proved(neuron, coding, levels, [4], -9, 2)


@pytest.mark.parametrize(
    ("name", "lo", "line", "other"),
    [
        ("rate", 0, "s = ge v theta", "s = gt v theta"),
        ("rate", 0, "live = lt phase 5", "live = lt phase 6"),
        ("rate", 0, "live = lt phase 5", "live = lt phase 4"),
        ("rate", 0, "v = sub v drop", "v = copy v"),
        ("rate", -5, "n = lt v 0", "n = lt v 1"),
        ("rate", -5, "rise = select n theta 0", "rise = select n 1 0"),
        ("ttfs", 0, "s = ge v fall", "s = gt v fall"),
        ("ttfs", 0, "fired = select first 0 fired", "fired = copy fired"),
        ("ttfs", 0, "s = select fired 0 s", "s = copy s"),
        ("ttfs", 0, "k = sub 5 phase", "k = sub 6 phase"),
        ("bitplane", 0, "s = ge v w", "s = gt v w"),
        ("bitplane", 0, "capped = min v cap", "capped = copy v"),
        ("bitplane", 0, "k = sub 2 phase", "k = sub 3 phase"),
        ("bitplane", -5, "low = sub theta 1", "low = copy theta"),
        ("bitplane", -5, "one = select neg -1 1", "one = select neg 1 1"),
        ("bitplane", -5, "low = min low floor", "low = copy low"),
        ("bitplane", -5, "sign = select first one sign", "sign = copy one"),
        ("graded", 0, "q = clip q 0 5", "q = clip q 0 6"),
        ("graded", 0, "q = select first q 0", "q = copy q"),
        ("graded", -5, "q = clip q -5 5", "q = clip q -4 5"),
    ],
)
def test_a_wrong_line_is_refused(name: str, lo: int, line: str, other: str) -> None:
    coding, levels = CODINGS[name], Levels(lo, 5)
    text = str(firing_neuron(coding, levels, ["add"], 24))
    assert line in text
    with pytest.raises(Refuted):
        proved(parse_neuron(text.replace(line, other)), coding, levels, [8], -100, 100)


@pytest.mark.parametrize("name", ["rate", "bitplane", "ttfs"])
@pytest.mark.parametrize("change", [-1, 1])
def test_a_wrong_threshold_is_refused(name: str, change: int) -> None:
    levels = Levels(0, 5)
    neuron = firing_neuron(CODINGS[name], levels, ["add"], 24)
    right = rows(neuron, levels, [8, 16], -100, 100)
    wrong = {**right.params, "theta": right.params["theta"] + np.array([0, change])}
    with pytest.raises(Refuted):
        firing(neuron, CODINGS[name], levels).prove(Rows(right.theta, wrong, right.first, right.last), 3, 9)


@pytest.mark.parametrize(("lo", "cap"), [(0, "cap"), (-5, "cap"), (-5, "floor")])
@pytest.mark.parametrize("change", [-1, 8])
def test_a_wrong_cap_is_refused(lo: int, cap: str, change: int) -> None:
    levels = Levels(lo, 5)
    neuron = firing_neuron(CODINGS["bitplane"], levels, ["add"], 24)
    right = rows(neuron, levels, [8], -100, 100)
    wrong = {**right.params, cap: right.params[cap] + change}
    with pytest.raises(Refuted):
        firing(neuron, CODINGS["bitplane"], levels).prove(Rows(right.theta, wrong, right.first, right.last), 3, 9)


@pytest.mark.parametrize(("start", "interval", "spikes"), [(1, 6, "gt 0 phase"), (0, 7, "gt phase 5")])
def test_a_spike_outside_the_window_is_refused(start: int, interval: int, spikes: str) -> None:
    levels, coding = Levels(0, 5), CODINGS["rate"]
    text = str(firing_neuron(coding, levels, ["add"], 24))
    neuron = parse_neuron(text.replace("emit s", f"late = {spikes}\ns = max s late\nemit s"))
    half = firing(neuron, coding, levels)
    table = rows(neuron, levels, [8], -100, 100)
    assert half.prove(table, 0, 6)
    with pytest.raises(Refuted, match="may send something"):
        half.prove(table, start, interval)


def draw_case(data: st.DataObject) -> tuple[Coding, Levels, int, NeuronProgram, int, int]:
    coding = data.draw(st.sampled_from(ALL))
    levels = Levels(data.draw(st.integers(-9, 0)) if coding.signed else 0, data.draw(st.integers(1, 9)))
    theta = data.draw(st.integers(1, 9))
    neuron = firing_neuron(coding, levels, ["add"], 40, theta & (theta - 1) == 0)
    first, last = sorted(data.draw(st.tuples(*[st.integers(-12 * theta, 12 * theta)] * 2)))
    return coding, levels, theta, neuron, first, last


@settings(max_examples=200)
@given(data=st.data())
def test_what_is_proved_is_what_trying_finds(data: st.DataObject) -> None:
    """Of programs with a wrong line: whatever is accepted keeps the law for every charge, after every other."""
    coding, levels, theta, neuron, first, last = draw_case(data)
    mutant = data.draw(mutants(neuron))
    values = parameters(np.array(0), np.array(theta), levels)
    params = {name: int(values[name]) for name in neuron.params}
    start, interval = data.draw(st.integers(0, 2)), coding.window(levels) + data.draw(st.integers(0, 2))
    try:
        firing(mutant, coding, levels).prove(rows(mutant, levels, [theta], first, last), start, interval)
    except Refuted:
        assert mutant != neuron
        return
    charges = [*range(first, last + 1), *range(last, first - 1, -1)]
    assert keeps_law(mutant, params, coding, levels, theta, charges, start, interval)


@given(data=st.data())
def test_every_value_lies_within_the_bounds(data: st.DataObject) -> None:
    coding, levels, theta, neuron, first, last = draw_case(data)
    half = firing(neuron, coding, levels)
    seen = half.prove(rows(neuron, levels, [theta], first, last), 0, coding.window(levels) + 1)
    values = parameters(np.array(0), np.array(theta), levels)
    params = {name: int(values[name]) for name in neuron.params} | {"offset": 0}
    states = {s.name: 0 for s in neuron.states}
    for charge in (first, last, data.draw(st.integers(first, last))):
        for phase in range(coding.window(levels) + 1):
            states, _, lines = step(neuron, params, states, phase, {"add": charge} if phase == 0 else {})
            for entry, bounds in zip(half.lines, seen.lines, strict=True):
                if entry.later or phase == 0:
                    assert bounds is not None
                    assert int(np.min(bounds[0])) <= lines[entry.number] <= int(np.max(bounds[1]))
            for name, (low, high) in seen.states.items():
                assert int(np.min(low)) <= states[name] <= int(np.max(high))


def test_unary_codings_of_many_levels_need_few_classes_at_a_time() -> None:
    """2,000 steps, 2,001 levels: telling all levels apart in every step would take minutes."""
    levels = Levels(0, 2000)
    for name in ("rate", "ttfs"):
        neuron = firing_neuron(CODINGS[name], levels, ["add"], 40)
        assert proved(neuron, CODINGS[name], levels, [4, 8], -9000, 20000).classes >= 2000


def test_wide_states_are_computed_without_wrapping() -> None:
    levels = Levels(-3, 3)
    neuron = firing_neuron(CODINGS["bitplane"], levels, ["add"], 63)
    seen = proved(neuron, CODINGS["bitplane"], levels, [1 << 60], -(1 << 62), (1 << 62) - 1)
    assert int(np.max(seen.states["v"][1])) == (2 << 60) - 1
