"""The receiving half: proved for every mix of kernels, refused where a line is wrong."""

from __future__ import annotations

from itertools import chain, combinations

import pytest

from snncc.compiler.certificate.receive import DRIVE, Refuted, Steps, kernel, read
from snncc.compiler.coding import CODINGS, Levels, firing_neuron, ladder_neuron, reading_neuron
from snncc.compiler.coding.base import KERNELS
from snncc.compiler.neuron import parse_neuron

MIXES = [list(mix) for mix in chain.from_iterable(combinations(KERNELS, n) for n in (1, 2, 3))]
each_mix = pytest.mark.parametrize("kernels", MIXES, ids="+".join)
GRADED = CODINGS["graded"]


@pytest.mark.parametrize(
    ("port", "register", "terms"),
    [
        ("add", "u", {"u": 1, "in.add": 1}),
        ("double", "d", {"d": 2, "in.double": 1}),
        ("ramp", "c", {"c": 1, "in.ramp": 1}),
        ("ramp", "r", {"r": 1, "c": 1, "in.ramp": 1}),
    ],
)
def test_a_kernel_is_read_as_sums(port: str, register: str, terms: dict[str, int]) -> None:
    assert kernel(port).after[register] == terms


def test_a_kernel_that_does_more_than_add_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KERNELS, "square", ("f", "f:{bits}", "f = mul f f\nf = add f in.square"))
    with pytest.raises(Refuted, match="does more than add in 'f = mul f f'"):
        kernel("square")


@each_mix
def test_the_receiving_half_of_every_neuron_is_proved(kernels: list[str]) -> None:
    reader, fire = reading_neuron(kernels, 24), firing_neuron(GRADED, Levels(0, 5), kernels, 24)
    assert read(reader)[0].final["v"] is DRIVE
    latching, later = read(fire)
    assert latching.drive is not None
    assert later.drive is None


@each_mix
def test_a_ladder_starts_the_firing_half_from_its_level(kernels: list[str]) -> None:
    neuron = ladder_neuron(GRADED, Levels(-2, 3), kernels, 24, -2, [1, None, -1])
    climbed = read(neuron, 3)[0].climbed
    assert isinstance(climbed, Steps)
    assert climbed.const == -2
    assert climbed.steps == (("t0", 1, None), ("t1", 1, "d1"), ("t2", -1, None))


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("u = add u in.add", "u = sub u in.add"),
        ("u = add u in.add", "u = copy in.add"),
        ("u = select first 0 u", "u = copy u"),
        ("u = select first 0 u", "u = copy 0"),
        ("first = eq phase 0", "first = eq phase 1"),
        ("first = eq phase 0", "first = ge phase 0"),
        ("x = add offset u", "x = copy u"),
        ("v = select first x v", "v = copy x"),
        ("d = shl d 1", "d = shl d 2"),
        ("d = add d in.double", "d = add d in.add"),
        ("c = add c in.ramp", "c = add c r"),
        ("r = add r c", "r = add r in.ramp"),
        ("c = select first 0 c", "c = copy c"),
        ("r = select first 0 r", "r = select first 1 r"),
    ],
)
def test_a_wrong_line_is_refused(line: str, other: str) -> None:
    text = str(firing_neuron(GRADED, Levels(0, 5), KERNELS, 24))
    assert line in text
    with pytest.raises(Refuted):
        read(parse_neuron(text.replace(line, other)))


@pytest.mark.parametrize("emitted", ["u", "in.add", "x"])
def test_a_payload_that_depends_on_an_open_window_is_refused(emitted: str) -> None:
    neuron = parse_neuron(f"{reading_neuron(['add'], 24)}\nemit {emitted}")
    with pytest.raises(Refuted):
        read(neuron)


def test_an_accumulator_that_does_not_start_at_0_is_refused() -> None:
    with pytest.raises(Refuted, match="does not start at 0"):
        read(parse_neuron(str(reading_neuron(["double"], 24)).replace("d:24", "d:24=1")))


def test_a_port_without_a_kernel_is_refused() -> None:
    with pytest.raises(Refuted, match="no kernel"):
        read(parse_neuron("port heavy\nstate v:8\nv = add v in.heavy"))


def test_a_missing_register_is_refused() -> None:
    with pytest.raises(Refuted, match="register d is missing"):
        read(parse_neuron("port double\nstate v:8\nv = add v in.double"))
