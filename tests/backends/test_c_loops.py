"""Long neuron programs become loops in C, and what only looks like a loop does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from snncc.backends.c.emit_neuron import emit_step
from snncc.backends.c.plan import plan_of
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import Output, Population, Program, TensorInput
from snncc.compiler.trace import feed_levels
from tests.backends.c_support import C, assert_exact

SHAPE = (3, 2, 4)
ROUNDS = range(9)
HEAD = "port x\nstate v:40 w:40\nq = copy -4\n"
T = f"param {' '.join(f't{k}' for k in ROUNDS)}\n"
D = f"param {' '.join(f'd{k}' for k in ROUNDS)}\n"
END = "v = copy q\nemit q"


def rounds(*lines: str) -> str:
    """Return lines for each round, in which ``#`` is its number."""
    return "".join(f"{line.replace('#', str(k))}\n" for k in ROUNDS for line in lines)


# What is a loop, with how many rounds each.
LOOPS = {
    "count": (HEAD + T + rounds("r = ge in.x t#", "q = add q r") + END, [9]),
    "signed": (HEAD + T + D + rounds("r = ge in.x t#", "r = mul r d#", "q = add q r") + END, [9]),
    "one line": (HEAD + T + rounds("q = min q t#") + END, [9]),
    "down, then up": (
        HEAD + T + rounds("r = ge in.x t#", "q = sub q r") + rounds("r = lt in.x t#", "q = add r q") + END,
        [9, 9],
    ),
    "another parameter": (HEAD + T + "param g\n" + rounds("r = ge in.x t#", "r = mul r g", "q = add q r") + END, [9]),
    "all but the first": (HEAD + T + rounds("r# = ge in.x t#", "q = add q r0", "q = max q r#") + END, [8]),
    "from a state": ("port x\nstate v:40 w:40\n" + T + rounds("r = gt w t#", "v = sub v r") + "emit 1", [9]),
}
# What is none: a round that reads more than the round before left, or leaves more than the last one's result.
NONE = {
    "read later": HEAD + T + rounds("r# = ge in.x t#", "q = add q r#") + "w = add r4 r5\n" + END,
    "two carried": HEAD + T + "p = copy 1\n" + rounds("o = add p t#", "p = add p q", "q = sub q o") + END,
    "nothing carried": HEAD + T + rounds("w = max in.x t#", "q = min in.x t#") + END,
    "few": HEAD + T + "".join(f"r = ge in.x t{k}\nq = add q r\n" for k in range(7)) + END,
    "different ops": HEAD + T + rounds("r = ge in.x t#", "q = add q r").replace("ge in.x t4", "gt in.x t4") + END,
}
WIDTHS: dict[str, tuple[int, ...]] = {"one": (), "channel": (3, 1, 1), "row": (2, 1), "neuron": SHAPE}


def cells(name: str, code: str, widths: Mapping[str, tuple[int, ...]], low: int = -9, high: int = 9) -> Population:
    """Return neurons with random parameters of given shapes; those of no given shape vary by channel."""
    rng, neuron = np.random.default_rng(len(code)), parse_neuron(code)
    params = {param: rng.integers(low, high + 1, widths.get(param, (3, 1, 1))) for param in neuron.params}
    return Population(name, SHAPE, neuron, params, payload_bits=40, signed=True)


def around(*populations: Population) -> Program:
    inputs = [TensorInput(f"in.{p.name}", p.name, "x", SHAPE, -12, 12, Fraction(1)) for p in populations]
    outputs = [Output(p.name, p.name, Fraction(1)) for p in populations]
    return Program("loops", "none", 1, populations, (), tuple(inputs), tuple(outputs))


def loops_in(population: Population) -> list[int]:
    """Return the rounds of every loop in the step of a population."""
    (planned,) = plan_of(around(population)).populations
    return [int(count) for count in re.findall(r"int32_t k = 0; k < (\d+);", emit_step(planned))]


@pytest.mark.parametrize("name", LOOPS)
def test_rounds_that_differ_in_their_parameters_become_a_loop(name: str) -> None:
    code, expected = LOOPS[name]
    assert loops_in(cells("p", code, {})) == expected


@pytest.mark.parametrize("name", NONE)
def test_what_is_no_loop_stays_as_it_is(name: str) -> None:
    assert loops_in(cells("p", NONE[name], {})) == []


def test_both_do_what_the_emulator_does_wherever_their_parameters_vary(tmp_path: Path) -> None:
    made = [cells(f"loop{k}", code, {}) for k, (code, _) in enumerate(LOOPS.values())]
    made += [cells(f"none{k}", code, {}) for k, code in enumerate(NONE.values())]
    code = LOOPS["signed"][0]
    for name, width in WIDTHS.items():
        made.append(cells(name, code, {f"{key}{k}": width for key in "td" for k in ROUNDS}))
    made.append(cells("mixed", code, {"t0": (), "t3": (2, 1), "t4": SHAPE, "d1": (), "d2": SHAPE}))
    made.append(cells("wide", code, {}, -(1 << 33), 1 << 33))
    made = [replace(p, start=k % 3) for k, p in enumerate(made)]
    program = around(*made)
    rng = np.random.default_rng(1)
    feed = feed_levels(program, {i.name: levels(rng) for i in program.inputs})
    assert_exact(program, feed, tmp_path / "c")


def levels(rng: np.random.Generator) -> npt.NDArray[np.int64]:
    return rng.integers(-12, 13, (12, *SHAPE))


def test_a_list_of_parameters_is_stored_once() -> None:
    plan = plan_of(around(cells("p", LOOPS["count"][0], {})))
    assert [array.values.size for array in plan.arrays] == [9 * 3]
    assert C.check(plan.program) == []
