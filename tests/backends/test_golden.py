"""Golden vectors say what was fed and what happened, in words that any language can read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from snncc.backends.conformance import Case, cases
from snncc.backends.golden import (
    GOLDEN,
    GOLDEN_LEVELS,
    LONGEST,
    PRIME,
    checksum,
    escaped,
    layer_of,
    write_golden,
    write_golden_levels,
)
from snncc.compiler.diagnostics import Loc
from snncc.compiler.program import Output
from snncc.runtime.emulator import Emulator, run_feed
from tests.backends.conformance import network_levels

Ints = npt.NDArray[np.int64]

CASES = {case.name: case for case in cases()}
LOWERED = [name for name, case in CASES.items() if case.program.origin is not None]
words = st.integers(-(2**63), 2**63 - 1)


@given(arrays(np.int64, st.integers(0, 40), elements=words))
def test_a_checksum_is_horners_rule_modulo_2_to_the_64(values: Ints) -> None:
    h = 0
    for value in values.tolist():
        h = (h * PRIME + value) % 2**64
    assert checksum(values) == h


@given(st.text())
def test_an_escaped_name_is_one_harmless_token_that_reads_back(text: str) -> None:
    found = escaped(text)
    assert re.fullmatch(r"[A-Za-z0-9_.:/%-]+", found)
    assert len(found) <= LONGEST
    if text and len(found) < LONGEST:
        assert unquote(found) == text


@pytest.mark.parametrize(
    ("text", "token"),
    [("", "-"), ("a b", "a%20b"), ("*/ /*", "%2A/%20/%2A"), ("~\\\n\"'", "%7E%5C%0A%22%27"), ("\ud800", "%3F")],
)
def test_what_means_something_in_a_language_is_escaped(text: str, token: str) -> None:
    assert escaped(text) == token


def test_a_layer_goes_by_its_module_or_else_by_its_node() -> None:
    assert layer_of(Loc("net.onnx", "/conv", module="features.0")) == "features.0"
    assert layer_of(Loc("net.onnx", "/conv")) == "/conv"
    assert layer_of(Loc()) == "-"


@dataclass
class Step:
    """What golden.txt says of a step: arrivals by input, (checksum, payloads) by population, membranes by output."""

    arrivals: dict[int, dict[int, int]] = field(default_factory=dict)
    did: dict[int, tuple[int, dict[int, int]]] = field(default_factory=dict)
    read: dict[int, list[int]] = field(default_factory=dict)


def integers(tokens: Iterator[str], count: int) -> list[int]:
    return [int(next(tokens)) for _ in range(count)]


def pairs(tokens: Iterator[str]) -> dict[int, int]:
    """Read a count and so many pairs."""
    (count,) = integers(tokens, 1)
    return dict(integers(tokens, 2) for _ in range(count))  # type: ignore[misc]


def heads(tokens: Iterator[str]) -> dict[str, list[list[str]]]:
    """Read the three tables: rows of what follows the number, by kind."""
    tables: dict[str, list[list[str]]] = {}
    for kind, columns in (("population", 3), ("input", 2), ("output", 2)):
        assert next(tokens) == f"{kind}s"
        tables[kind] = []
        for number in range(*integers(tokens, 1)):
            assert [next(tokens), next(tokens)] == [kind, str(number)]
            tables[kind].append([next(tokens) for _ in range(columns)])
    return tables


def read(text: str) -> tuple[dict[str, list[list[str]]], list[Step]]:
    """Read golden.txt as its grammar has it, token by token."""
    tokens = iter(text.split())
    assert [next(tokens), next(tokens)] == ["snncc-golden", "1"]
    tables = heads(tokens)
    assert next(tokens) == "steps"
    (count,) = integers(tokens, 1)
    steps: list[Step] = []
    while (word := next(tokens)) != "end":
        number, *_ = integers(tokens, 1)
        if word == "t":
            assert number == len(steps)
            steps.append(Step())
        elif word == "i":
            steps[-1].arrivals[number] = pairs(tokens)
        elif word == "p":
            (digest,) = integers(tokens, 1)
            steps[-1].did[number] = (digest, pairs(tokens))
        else:
            assert word == "o"
            steps[-1].read[number] = integers(tokens, *integers(tokens, 1))
    assert next(tokens, None) is None
    assert len(steps) == count
    return tables, steps


def written(case: Case, folder: Path) -> str:
    write_golden(case.program, case.feed, run_feed(Emulator(case.program), case.feed), folder)
    data = (folder / GOLDEN).read_bytes()
    assert data.endswith(b"end\n")
    assert b"\r" not in data
    return data.decode("ascii")


@pytest.mark.parametrize("name", CASES)
def test_what_is_written_reads_back_as_what_happened(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    program, feed = case.program, case.feed
    tables, steps = read(written(case, tmp_path))
    number = {p.name: str(k) for k, p in enumerate(program.populations)}
    assert [row[:2] for row in tables["population"]] == [[str(p.size), escaped(p.name)] for p in program.populations]
    assert tables["input"] == [[number[i.population], escaped(i.name)] for i in program.inputs]
    assert tables["output"] == [[number[o.population], escaped(o.name)] for o in program.outputs]
    assert len(steps) == feed.steps
    for now, (step, sent) in enumerate(zip(steps, run_feed(Emulator(program), feed), strict=True)):
        for k, population in enumerate(program.populations):
            did = sent[population.name]
            spikes = {i: payload for i, payload in enumerate(did.spikes[:, 0].tolist()) if payload}
            assert step.did[k] == (checksum(did.membrane[:, 0]), spikes)
        assert step.arrivals == arriving(case, now)
        due = [k for k, o in enumerate(program.outputs) if is_read(case, o.population, now)]
        membranes = {k: sent[program.outputs[k].population].membrane for k in due}
        assert step.read == {k: in_order(program.outputs[k], shown).tolist() for k, shown in membranes.items()}


def in_order(output: Output, membranes: Ints) -> Ints:
    """Return what an output shows of the membranes [neurons, 1] of its population."""
    return membranes[:, 0] if output.gather is None else membranes[output.gather, 0]


def arriving(case: Case, now: int) -> dict[int, dict[int, int]]:
    """Return what arrives in a step, by number of the input and neuron."""
    found = {}
    for k, source in enumerate(case.program.inputs):
        a = case.feed.arrivals.get(source.name)
        if a is not None and (a.step == now).any():
            found[k] = dict(zip(a.neuron[a.step == now].tolist(), a.value[a.step == now].tolist(), strict=True))
    return found


def is_read(case: Case, population: str, now: int) -> bool:
    since = now - case.program.population[population].start
    return case.program.interval > 0 and since >= 0 and since % case.program.interval == 0


def test_the_text_of_a_small_program(tmp_path: Path) -> None:
    case = CASES["single-neuron"]
    named = replace(case.program.populations[0], loc=Loc("net.onnx", "/my conv"))
    text = written(replace(case, program=replace(case.program, populations=(named,))), tmp_path)
    assert text.splitlines() == [
        "snncc-golden 1",
        "populations 1",
        "population 0 1 p /my%20conv",
        "inputs 1",
        "input 0 0 in.p.x",
        "outputs 1",
        "output 0 0 out.p",
        "steps 4",
        "t 0",
        "i 0 1 0 9",
        f"p 0 {2**64 - 16} 1 0 -16",
        "o 0 1 -16",
        "t 1",
        "i 0 1 0 -9",
        "p 0 20 1 0 20",
        "o 0 1 20",
        "t 2",
        "p 0 2 1 0 2",
        "o 0 1 2",
        "t 3",
        "i 0 1 0 1",
        "p 0 0 0",
        "o 0 1 0",
        "end",
    ]


@pytest.mark.parametrize("name", LOWERED)
def test_golden_levels_hold_every_input_every_level_and_every_output(name: str, tmp_path: Path) -> None:
    case, values = CASES[name], network_levels(CASES[name])
    assert case.program.origin is not None
    network = case.program.origin.network
    write_golden_levels(network, values, tmp_path)
    with np.load(tmp_path / GOLDEN_LEVELS, allow_pickle=False) as found:
        inputs = {key.partition("/")[2]: found[key] for key in found.files if key.startswith("input/")}
        levels = {key.partition("/")[2]: found[key] for key in found.files if key.startswith("level/")}
    assert inputs.keys() == case.feed.levels.keys()
    for key, array in inputs.items():
        assert array.dtype == np.int64
        assert np.array_equal(array.reshape(len(array), -1), case.feed.levels[key])
    assert levels.keys() >= {p.claim.node for p in case.program.populations if p.claim}
    assert all(np.array_equal(array, values[key]) for key, array in levels.items())


def test_golden_levels_are_the_same_bytes_every_time(tmp_path: Path) -> None:
    case = CASES["graded"]
    assert case.program.origin is not None
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_golden_levels(case.program.origin.network, network_levels(case), tmp_path / name)
        found.append((tmp_path / name / GOLDEN_LEVELS).read_bytes())
    assert found[0] == found[1]
