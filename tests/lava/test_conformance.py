"""Lava does every case of the conformance kit exactly, or refuses it.

Cases of one interval run side by side in one artifact, for starting Lava takes far longer than a case. Each is compared
with the emulator's run of it alone. A case on names runs by itself, since side by side they are others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from snncc.backends.artifact import write_artifact
from snncc.backends.conformance import Case, cases
from snncc.backends.registry import get_backend
from snncc.compiler.program import Program
from snncc.compiler.trace import Feed, Sent
from snncc.runtime.emulator import Emulator, run_feed
from tests.backends.conformance import assert_conforms
from tests.backends.harness import assert_same_steps

LAVA = get_backend("lava")
CASES = {case.name: case for case in cases()}
ALONE = [case for case in CASES.values() if case.name == "names" or LAVA.check(case.program)]
BESIDE = [case for case in CASES.values() if case not in ALONE]
Ran = dict[str, list[Mapping[str, Sent]]]  # by case: what its populations did in each step of its feed


def test_lava_runs_here() -> None:
    assert LAVA.missing() == ""


@pytest.mark.parametrize("name", [case.name for case in ALONE])
def test_a_case_is_done_exactly_or_refused(name: str, tmp_path: Path) -> None:
    assert_conforms(LAVA, CASES[name], tmp_path)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return what every case did, the names of its populations beginning with its own."""
    found: Ran = {}
    for interval in sorted({case.program.interval for case in BESIDE}):
        some = [case for case in BESIDE if case.program.interval == interval]
        program, feed = side_by_side(some)
        artifact = tmp_path_factory.mktemp("beside") / "artifact"
        write_artifact(LAVA, program, artifact)
        ran = list(LAVA.run(artifact, feed))
        found |= {case.name: ran[: case.feed.steps] for case in some}
    return found


def side_by_side(some: Sequence[Case]) -> tuple[Program, Feed]:
    """Return a program in which cases stand unconnected, and what is fed to all of them."""
    programs = [renamed(case) for case in some]
    beside = Program(
        "beside",
        "any",
        programs[0].interval,
        tuple(population for program in programs for population in program.populations),
        tuple(connection for program in programs for connection in program.connections),
        tuple(source for program in programs for source in program.inputs),
        tuple(output for program in programs for output in program.outputs),
    )
    arrivals = {f"{case.name}/{name}": a for case in some for name, a in case.feed.arrivals.items()}
    return beside, Feed(max(case.feed.steps for case in some), arrivals)


def renamed(case: Case) -> Program:
    """Return the program of a case, every name beginning with the case's."""
    program, head = case.program, f"{case.name}/"
    wires = [
        replace(c, name=head + c.name, source=head + c.source, target=head + c.target) for c in program.connections
    ]
    return replace(
        program,
        populations=tuple(replace(p, name=head + p.name) for p in program.populations),
        connections=tuple(wires),
        inputs=tuple(replace(i, name=head + i.name, population=head + i.population) for i in program.inputs),
        outputs=tuple(replace(o, name=head + o.name, population=head + o.population) for o in program.outputs),
    )


@pytest.mark.parametrize("name", [case.name for case in BESIDE])
def test_a_case_is_done_exactly_beside_others(name: str, beside: Ran) -> None:
    case, head = CASES[name], f"{name}/"
    own = [{key.removeprefix(head): did for key, did in sent.items() if key.startswith(head)} for sent in beside[name]]
    assert_same_steps(own, run_feed(Emulator(case.program), case.feed), case.feed.steps)
