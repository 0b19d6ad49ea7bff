"""What has no integer form is refused by name, all of it at once; what the compiler adds is told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import snncc
from snncc.compiler.diagnostics import Diagnostic, SnnccError
from snncc.compiler.options import make_options
from snncc.compiler.verbatim import take_over
from tests.quantized.models import Model

Build = Callable[[Model], str]
IN = 2.0**-6


def told(build: Build, target: str = "loihi2") -> list[Diagnostic]:
    """Return everything told of a model: problems, or notes where there are none."""
    model = Model(2, 6, 6, seed=5)
    notes: list[Diagnostic] = []
    graph = snncc.import_model(model.finish(build(model)))
    try:
        take_over(graph, {}, make_options(target), lambda p, g: None, notes.append)
    except SnnccError as error:
        return list(error.diagnostics)
    return notes


def quantized_sum(m: Model, scale: float = 0.5) -> str:
    """Return a quantized convolution of a quantized input."""
    return m.quantized(m.conv(m.quantized("x", IN), 2, 4, 2.0**-8), scale, 100)


def unquantized_activation(m: Model) -> str:
    return m.conv(m.node("Relu", m.conv(m.quantized("x", IN), 2, 4, 2.0**-8)), 4, 2, 0.5)


def computed_input(m: Model) -> str:
    return m.conv(m.quantized(m.node("Add", "x", m.constant(0.5)), IN), 2, 2, 0.5)


def two_plain_sums(m: Model) -> str:
    x = m.quantized("x", IN)
    return m.quantized(m.node("Relu", m.node("Add", *(m.conv(x, 2, 4, 2.0**-8) for _ in range(2)))), 0.5)


def joined_scales(m: Model) -> str:
    x = m.node("Concat", quantized_sum(m), quantized_sum(m, 0.25), axis=1)
    return m.conv(x, 8, 2, 0.5)


def curved_output(m: Model) -> str:
    return m.node("Relu", m.conv(quantized_sum(m), 4, 2, 0.5))


def positional_scaling(m: Model) -> str:
    x = m.node("Mul", m.conv(m.quantized("x", IN), 2, 4, 2.0**-8), m.constant(np.arange(1, 37).reshape(1, 1, 6, 6)))
    return m.quantized(x, 0.5)


def raw_input(m: Model) -> str:
    return m.quantized(m.conv("x", 2, 4, 2.0**-8), 0.5)


def incommensurable(m: Model) -> str:
    x = quantized_sum(m, 2.0**-7)
    return m.quantized(m.node("Add", x, m.conv(x, 4, 4, 0.0027182818)), 0.031415927, 90)


def float_weights(m: Model) -> str:
    x = m.node("Conv", m.quantized("x", IN), m.constant(m.rng.normal(size=(3, 2, 3, 3))))
    return m.quantized(x, 0.5, 90)


def units_of_their_own(m: Model) -> str:
    return m.conv(quantized_sum(m), 4, 3, np.array([0.1, 0.0321, 0.07]))


REFUSED: tuple[tuple[str, Build], ...] = (
    ("SNN220", unquantized_activation), ("SNN222", computed_input), ("SNN223", two_plain_sums),
    ("SNN223", joined_scales), ("SNN224", curved_output), ("SNN222", positional_scaling), ("SNN229", raw_input),
)  # fmt: skip
NOTED: tuple[tuple[str, Build], ...] = (
    ("SNN225", incommensurable), ("SNN228", float_weights), ("SNN221", units_of_their_own),
)  # fmt: skip


@pytest.mark.parametrize(("code", "build"), REFUSED, ids=lambda item: getattr(item, "__name__", item))
def test_what_integers_cannot_take_over_is_refused_by_name(code: str, build: Build) -> None:
    problems = told(build)
    assert [problem.code for problem in problems] == [code]
    assert problems[0].severity == "error"
    assert problems[0].hint


@pytest.mark.parametrize(("code", "build"), NOTED, ids=lambda item: getattr(item, "__name__", item))
def test_what_is_not_the_models_own_is_told(code: str, build: Build) -> None:
    notes = told(build)
    assert [note.code for note in notes] == [code]
    assert notes[0].severity == "warning"


def test_all_problems_are_told_at_once() -> None:
    def build(m: Model) -> str:
        x = quantized_sum(m)
        y = m.conv(m.node("Relu", m.conv(x, 4, 4, 0.5)), 4, 2, 0.5)
        z = m.conv(m.node("Sigmoid", m.conv(x, 4, 4, 0.5)), 4, 2, 0.5)
        return m.node("Concat", m.quantized(y, 0.5), m.quantized(z, 0.5), axis=1)

    assert [problem.code for problem in told(build)] == ["SNN220", "SNN220"]


def test_accumulators_that_can_overflow_are_refused() -> None:
    def build(m: Model) -> str:
        x = m.quantized("x", IN, 0, np.uint16)
        return m.quantized(m.conv(x, 2, 4, 2.0**-12), 0.5)

    assert {problem.code for problem in told(build)} == {"SNN201"}
