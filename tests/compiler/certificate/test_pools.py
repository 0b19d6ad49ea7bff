"""Max-pools: every coding's are proved, and nothing is proved that trying refutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.certificate.facts import Facts
from snncc.compiler.certificate.pools import pool_of, prove_pool
from snncc.compiler.certificate.receive import Refuted
from snncc.compiler.certificate.trial import Pool
from snncc.compiler.coding import CODINGS, Coding, Levels, train
from snncc.compiler.mapping.choice import choose
from snncc.compiler.mapping.lower import lower
from snncc.compiler.neuron import NeuronProgram, parse_neuron
from snncc.compiler.program import Population
from snncc.compiler.targets import load_target
from tests.compiler.certificate.cases import initial, mutants, step
from tests.compiler.coding.halves import Halves
from tests.integer_nets import IntegerNet

ALL = [*CODINGS.values(), Halves()]
ENDS = [(0, 1), (0, 3), (0, 4), (0, 15), (0, 255), (-1, 1), (-4, 7), (-7, 4), (-127, 127)]
PAIRS = [(c, Levels(*e)) for c, e in product(ALL, ENDS) if c.signed or e[0] == 0]
each_pair = pytest.mark.parametrize(
    ("coding", "levels"), PAIRS, ids=lambda x: x.name if isinstance(x, Coding) else f"{x.lo}..{x.hi}"
)


def pool(
    coding: Coding,
    levels: Levels,
    outside: Sequence[Sequence[bool]],
    bits: int = 24,
    neuron: NeuronProgram | None = None,
) -> Pool:
    """Return a max-pool with one row of neurons for each pattern of taps outside."""
    made = coding.pool(levels, len(outside[0]), bits)
    absent = {
        f"absent{i}": levels.lo * np.array([row[i] for row in outside], dtype=np.int64) for i in range(len(outside[0]))
    }
    params = {name: absent[name] for name in made.neuron.params}
    window = coding.window(levels)
    population = Population("pool", (1, len(outside)), neuron or made.neuron, params, 2, window, 8, levels.signed)
    taps = {port: np.array(weights) for port, weights in made.taps.items()}
    return Pool(population, coding, levels, taps, np.array(outside), params)


def proved(found: Pool, gap: int = 1) -> Facts:
    return prove_pool(found, found.coding.window(found.levels) + gap)


def patterns(levels: Levels, taps: int) -> list[list[bool]]:
    """Return patterns of taps outside: none, and where that is told apart the first, and all but the last."""
    first, most = [i == 0 for i in range(taps)], [i < taps - 1 for i in range(taps)]
    return [[False] * taps, *([first, most] if levels.signed and taps > 1 else [])]


@each_pair
@pytest.mark.parametrize("taps", [1, 2, 4, 6])
def test_every_pool_is_proved(coding: Coding, levels: Levels, taps: int) -> None:
    facts = proved(pool(coding, levels, patterns(levels, taps)))
    assert facts.rows == len(patterns(levels, taps))
    assert facts.method in ("exhaustive", "symbolic")


@pytest.mark.parametrize("coding", CODINGS.values(), ids=lambda coding: coding.name)
@pytest.mark.parametrize("bits", [8, 24])
def test_nine_taps_are_proved_packed_or_with_a_port_each(coding: Coding, bits: int) -> None:
    for levels in [Levels(0, 5), Levels(-3, 2)][: 1 + coding.signed]:
        assert proved(pool(coding, levels, patterns(levels, 9), bits))


@pytest.mark.parametrize(
    ("name", "lo", "line", "other"),
    [
        ("rate", 0, "s = gt in.add 0", "s = ge in.add 0"),
        ("rate", 0, "s = gt in.add 0", "s = gt in.add 1"),
        ("rate", -4, "out = max absent1 -1", "out = copy 0"),
        ("rate", -4, "s = max s m1", "s = min s m1"),
        ("ttfs", 0, "fired = select first 0 fired", "fired = copy fired"),
        ("ttfs", 0, "fired = max fired s", "fired = copy s"),
        ("ttfs", 0, "s = select fired 0 s", "s = copy s"),
        ("graded", 0, "q = max q m1", "q = copy q"),
        ("graded", 0, "high = shr rest 3", "high = shr rest 2"),
        ("graded", 0, "q = select first q 0", "q = select first 0 q"),
        ("graded", -4, "m1 = add in.m1 absent1", "m1 = copy in.m1"),
        ("bitplane", 0, "f1 = select same f1 0", "f1 = copy f1"),
        ("bitplane", 0, "f1 = select first 1 f1", "f1 = copy f1"),
        ("bitplane", 0, "live = lt phase 3", "live = lt phase 2"),
        ("bitplane", -4, "here1 = eq absent1 0", "here1 = copy 1"),
        ("bitplane", -4, "m1 = select f1 m1 -2", "m1 = select f1 m1 0"),
    ],
)
def test_a_wrong_line_is_refused(name: str, lo: int, line: str, other: str) -> None:
    coding, levels = CODINGS[name], Levels(lo, 5)
    outside = patterns(levels, 3)
    text = str(coding.pool(levels, 3, 24).neuron)
    assert line in text
    assert proved(pool(coding, levels, outside))
    with pytest.raises(Refuted):
        proved(pool(coding, levels, outside, neuron=parse_neuron(text.replace(line, other))))


@pytest.mark.parametrize("name", CODINGS)
def test_a_tap_that_is_not_heard_is_refused(name: str) -> None:
    found = pool(CODINGS[name], Levels(0, 5), [[False] * 3])
    deaf = {port: np.where(np.arange(3) == 1, 0, weights) for port, weights in found.taps.items()}
    with pytest.raises(Refuted):
        proved(replace(found, taps=deaf))


def sends_largest(found: Pool, pattern: int, windows: Sequence[Sequence[int]], gap: int) -> bool:
    """Return whether a max-pool sends the train of the largest level in window after window, and nothing else."""
    neuron, coding, levels = found.population.neuron, found.coding, found.levels
    params = {name: int(values[pattern]) for name, values in found.params.items()}
    outside, states = found.outside[pattern], initial(neuron)
    try:
        for phase in (-2, -1):
            states, sent, _ = step(neuron, params, states, phase, {})
            if sent:
                return False
        for window in windows:
            trains = train(coding, [0 if o else q for q, o in zip(window, outside, strict=True)], levels)
            wanted = train(coding, [max(q for q, o in zip(window, outside, strict=True) if not o)], levels)[:, 0]
            for phase in range(len(trains) + gap):
                row = trains[phase] if phase < len(trains) else 0 * trains[0]
                heard = {port: int(weights @ row) for port, weights in found.taps.items()}
                states, sent, _ = step(neuron, params, states, phase, heard)
                if sent != (wanted[phase] if phase < len(trains) else 0):
                    return False
    except ValueError:  # a negative shift
        return False
    return True


@settings(max_examples=150)
@given(data=st.data())
def test_what_is_proved_is_what_trying_finds(data: st.DataObject) -> None:
    """Of programs with a wrong line: whatever is accepted sends the largest level, whatever the levels."""
    coding = data.draw(st.sampled_from(ALL))
    levels = Levels(data.draw(st.integers(-2, 0)) if coding.signed else 0, data.draw(st.integers(1, 3)))
    taps, bits = data.draw(st.integers(1, 3)), data.draw(st.sampled_from([3, 24]))
    outside, gap = patterns(levels, taps), data.draw(st.integers(0, 1))
    neuron = coding.pool(levels, taps, bits).neuron
    mutant = data.draw(mutants(neuron))
    found = pool(coding, levels, outside, bits, mutant)
    try:
        proved(found, gap)
    except Refuted:
        assert mutant != neuron
        return
    windows = [*product(range(levels.lo, levels.hi + 1), repeat=taps)]
    order = data.draw(st.randoms(use_true_random=False))
    order.shuffle(windows)
    assert all(sends_largest(found, pattern, windows, gap) for pattern in range(len(outside)))


def lowered(name: str, lo: int, pads: Sequence[int] = (1, 0, 1, 0)) -> tuple[object, Population, object]:
    net = IntegerNet(1)
    first = net.fire(net.conv(net.input(2, 5, 5), 2, 1), lo=lo, name="first")
    graph = net.graph(net.read(net.dense(net.max_pool(first, 3, 2, pads, name="pool"), 2)))
    target = load_target("loihi2")
    program = lower(graph, choose(name, target), target)
    return program, program.population["pool"], program.population["pool"].claim


@pytest.mark.parametrize("name", CODINGS)
@pytest.mark.parametrize("lo", [0, -2])
def test_the_windows_of_a_program_are_found(name: str, lo: int) -> None:
    if lo < 0 and not CODINGS[name].signed:
        pytest.skip("sends none below 0")
    found = pool_of(*lowered(name, lo))  # type: ignore[arg-type]
    assert found.size == 9
    assert len(found.outside) == (1 if lo == 0 else 3)  # windows above, below and inside
    assert proved(found)


def test_a_tap_that_is_misjudged_is_refused() -> None:
    program, population, claim = lowered("graded", -2)
    wrong = {**population.params, "absent0": 0 * population.params["absent0"]}
    with pytest.raises(Refuted):
        proved(pool_of(program, replace(population, params=wrong), claim))  # type: ignore[arg-type]
