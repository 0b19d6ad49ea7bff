"""What a backend owes: a case of the conformance kit is done exactly, or refused and nothing is left behind."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.artifact import write_artifact
from snncc.backends.base import Backend
from snncc.backends.conformance import Case
from snncc.backends.golden import shown_nodes, write_golden_levels
from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.diagnostics import Diagnostic, Loc, SnnccError
from snncc.compiler.program import TensorInput
from snncc.runtime.reference import Ints, execute
from tests.backends.harness import assert_same_trace, emit


def assert_conforms(backend: Backend, case: Case, folder: Path) -> None:
    """Emit a case into an empty folder, run it and compare everything; or see that it is refused properly."""
    if problems := backend.check(case.program):
        assert_refused(backend, case, problems, folder)
    elif backend.gives == "levels":
        assert_same_levels(backend, case, folder / "artifact")
    else:
        artifact = emit(backend, case.program, case.feed, folder / "artifact")
        assert_same_trace(backend, artifact, case.program, case.feed)


def assert_refused(backend: Backend, case: Case, problems: list[Diagnostic], folder: Path) -> None:
    """Demand a known code, a place and a hint of every problem, the same ones from the frame, and an empty folder."""
    for problem in problems:
        assert problem.code in CATALOGUE, problem
        assert problem.loc != Loc(), problem
        assert problem.hint, problem
        assert problem.severity == "error", problem
    with pytest.raises(SnnccError) as refused:
        write_artifact(backend, case.program, folder / "artifact")
    assert [*refused.value.diagnostics] == problems
    assert os.listdir(folder) == []


def assert_same_levels(backend: Backend, case: Case, artifact: Path) -> None:
    """Run every sample of a case and demand the levels and charges that the integer network gives."""
    assert case.program.origin is not None
    network, expected = case.program.origin.network, network_levels(case)
    write_artifact(backend, case.program, artifact, lambda part: write_golden_levels(network, expected, part))
    ran = list(backend.run(artifact, case.feed))
    assert len(ran) == len(next(iter(case.feed.levels.values())))
    for sample, sent in enumerate(ran):
        for node in shown_nodes(network):
            wanted = expected[node.name][sample].reshape(-1, 1)
            for found in (sent[node.name].spikes, sent[node.name].membrane):
                assert found.dtype == np.int64
                assert np.array_equal(found, wanted), (sample, node.name)


def network_levels(case: Case) -> dict[str, Ints]:
    """Return every value of a case's integer network, int64 [samples, *shape] each."""
    program = case.program
    assert program.origin is not None
    nodes, fed = program.origin.network.node, {}
    for tensor in program.inputs:
        assert isinstance(tensor, TensorInput)
        claim = program.population[tensor.population].claim
        assert claim is not None
        levels = case.feed.levels[tensor.name]
        fed[claim.node] = levels.reshape(len(levels), *nodes[claim.node].type.shape)
    return execute(program.origin.network, fed)
