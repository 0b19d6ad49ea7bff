"""Every backend does what it owes on the conformance kit: a case is done exactly, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from snncc.backends.artifact import write_artifact
from snncc.backends.conformance import cases
from snncc.backends.conformance.support import support
from snncc.backends.registry import BUNDLED, list_backends
from tests.backends.conformance import assert_conforms

CASES = {case.name: case for case in cases()}
BACKENDS = {listed.name: listed.backend for listed in list_backends() if listed.backend is not None}
# tests/lava runs the kit on Lava, in the interpreter that has it; once is enough, for it takes minutes.
RUNNING = [name for name, backend in BACKENDS.items() if name != "lava" and backend.missing() == ""]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("backend", RUNNING)
def test_a_case_is_done_exactly_or_refused(backend: str, case: str, tmp_path: Path) -> None:
    assert_conforms(BACKENDS[backend], CASES[case], tmp_path)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_backend_refuses_alike_where_it_cannot_run(backend: str, tmp_path: Path) -> None:
    for case in CASES.values():
        if BACKENDS[backend].check(case.program):
            assert_conforms(BACKENDS[backend], case, tmp_path)


@pytest.mark.parametrize("backend", BACKENDS)
def test_emitting_again_gives_the_same_bytes(backend: str, tmp_path: Path) -> None:
    """From programs made anew, with the names of a case that has every awkward one."""
    for name in ("names", "mixed-windows", "gather"):
        made = [next(case.program for case in cases() if case.name == name) for _ in range(2)]
        if BACKENDS[backend].check(made[0]):
            continue
        trees = []
        for k, program in enumerate(made):
            folder = tmp_path / f"{name}{k}"
            write_artifact(BACKENDS[backend], program, folder)
            trees.append({p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()})
        assert trees[0] == trees[1]


def test_every_bundled_backend_can_be_loaded_and_takes_something() -> None:
    assert set(BACKENDS) >= set(BUNDLED)
    rows = list(support(BACKENDS[name] for name in BUNDLED))
    assert [row[0] for row in rows] == list(CASES)
    assert all("exact" in column for column in list(zip(*rows, strict=True))[2:])
