"""What a backend can get wrong is noticed by some case of the conformance kit: the emulator itself is made to err."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from snncc.backends.conformance import Case, cases
from snncc.compiler.program import Population
from snncc.runtime import neurons
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.neurons import StateOverflow

Ints = npt.NDArray[np.int64]

CASES = {case.name: case for case in cases()}

# What an operation may be taken for.
WRONG: dict[str, tuple[str, Callable[..., Ints]]] = {
    "shifting right rounds to zero": ("shr", lambda a, b: np.sign(a) * (np.abs(a) >> b)),
    "shifting by 31 at most": ("shr", lambda a, b: a >> np.minimum(b, 31)),
    "shifting by 5 bits of the amount": ("shr", lambda a, b: a >> (b & 31)),
    "subtracting the other way": ("sub", lambda a, b: b - a),
    "at least is more than": ("ge", lambda a, b: np.greater(a, b).astype(np.int64)),
    "more than is at least": ("gt", lambda a, b: np.greater_equal(a, b).astype(np.int64)),
    "less than is at most": ("lt", lambda a, b: np.less_equal(a, b).astype(np.int64)),
    "equal is of equal size": ("eq", lambda a, b: np.equal(np.abs(a), np.abs(b)).astype(np.int64)),
    "the least lower bound first": ("clip", lambda x, low, high: np.maximum(np.minimum(x, high), low)),
    "clipping below only": ("clip", lambda x, low, high: np.maximum(x, low)),
    "true is 1": ("select", lambda c, a, b: np.asarray(np.where(np.equal(c, 1), a, b))),
    "true is positive": ("select", lambda c, a, b: np.asarray(np.where(np.greater(c, 0), a, b))),
    "nothing below 0": ("max", lambda a, b: np.maximum(np.maximum(a, b), 0)),
    "the smaller in size": ("min", lambda a, b: np.asarray(np.where(np.abs(a) < np.abs(b), a, b))),
}


@pytest.fixture(scope="module")
def right() -> dict[str, list[list[int]]]:
    return {name: trace(case) for name, case in CASES.items()}


def trace(case: Case) -> list[list[int]]:
    """Return every payload and membrane of each step."""
    ran = run_feed(Emulator(case.program), case.feed)
    return [[*flat(did.spikes), *flat(did.membrane)] for sent in ran for did in sent.values()]


def flat(column: Ints) -> list[int]:
    values: list[int] = column[:, 0].tolist()
    return values


def noticed(case: Case, right: list[list[int]]) -> bool:
    try:
        return trace(case) != right
    except StateOverflow:
        return True


@pytest.mark.parametrize("mistake", WRONG)
def test_a_wrong_operation_is_noticed(
    mistake: str, right: dict[str, list[list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    operation, wrong = WRONG[mistake]
    monkeypatch.setitem(neurons.RUN, operation, wrong)
    assert any(noticed(case, right[name]) for name, case in CASES.items())


def narrowed(value: npt.ArrayLike) -> Ints:
    return np.asarray(value).astype(np.int32).astype(np.int64)


@pytest.mark.parametrize("operation", neurons.RUN)
def test_32_bits_are_noticed(
    operation: str, right: dict[str, list[list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = neurons.RUN[operation]
    monkeypatch.setitem(neurons.RUN, operation, lambda *args: narrowed(run(*map(narrowed, args))))
    assert noticed(CASES["wide"], right["wide"])


def wrapping(self: Emulator, population: Population, step: int | None = None) -> int:
    return (self.now - population.start) % (self.program.interval or 1 << 60)


def never_wrapping(self: Emulator, population: Population, step: int | None = None) -> int:
    return self.now - population.start


def late(self: Emulator, delay: int, population: str, port: str, charge: Ints) -> None:
    arriving = self._arriving[(self.now + min(delay, 61)) % len(self._arriving)]
    arriving[population, port] = arriving.get((population, port), 0) + charge


def last_one_counts(self: Emulator, delay: int, population: str, port: str, charge: Ints) -> None:
    self._arriving[(self.now + delay) % len(self._arriving)][population, port] = charge


def one_port(self: Emulator, delay: int, population: str, port: str, charge: Ints) -> None:
    arriving = self._arriving[(self.now + delay) % len(self._arriving)]
    first = self.program.population[population].neuron.ports[0]
    arriving[population, first] = arriving.get((population, first), 0) + charge


@pytest.mark.parametrize(
    ("method", "wrong"),
    [
        ("phase", wrapping),
        ("phase", never_wrapping),
        ("_deliver", late),
        ("_deliver", last_one_counts),
        ("_deliver", one_port),
    ],
)
def test_a_wrong_schedule_is_noticed(
    method: str, wrong: object, right: dict[str, list[list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Emulator, method, wrong)
    assert any(noticed(case, right[name]) for name, case in CASES.items())


def test_a_register_that_starts_from_0_is_noticed(
    right: dict[str, list[list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = neurons.Neurons.__init__

    def cleared(self: neurons.Neurons, population: Population, streams: int) -> None:
        begin(self, population, streams)
        self.states = {name: np.zeros_like(value) for name, value in self.states.items()}

    monkeypatch.setattr(neurons.Neurons, "__init__", cleared)
    assert any(noticed(case, right[name]) for name, case in CASES.items())
