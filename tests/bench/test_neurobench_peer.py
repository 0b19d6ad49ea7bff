"""NeuroBench's harness, where it is installed, counts what we count."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from typer.testing import CliRunner

import snncc
from bench import neurobench_peer
from bench.neurobench_peer import CODINGS, Row, compare, missing
from snncc.runtime.cost.neurobench import SynapticOperations
from tests.examples.support import EXAMPLES, load

NAME = "vowels_cnn"
SOME = SynapticOperations(1.5, 2.0, 9.0)
ROW = Row("net", "rate", 2, 15, SOME, SOME, SOME, None, (0.1, 0.9), (0.1, 0.9))


def test_a_row_is_exact_where_every_count_agrees() -> None:
    assert ROW.exact
    assert not replace(ROW, theirs=replace(SOME, effective_acs=2.5)).exact
    assert not replace(ROW, their_pools=replace(SOME, dense=8.0)).exact
    assert not replace(ROW, their_sparsities=(0.1, 0.8999)).exact


def test_a_line_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    monkeypatch.setattr(neurobench_peer, "missing", lambda: "neurobench")
    app = typer.Typer()
    app.command()(neurobench_peer.main)
    said = CliRunner().invoke(app, [])
    assert said.exit_code == 0
    assert said.output == "nothing to compare: neurobench not installed\n"


@pytest.mark.skipif(bool(missing()), reason="NeuroBench is not installed")
@pytest.mark.parametrize("coding", CODINGS)
def test_the_harness_counts_what_we_count(coding: str) -> None:
    (x, _), (calibration, _) = load(NAME, "test"), load(NAME, "calibration")
    program = snncc.compile(EXAMPLES / NAME / f"{NAME}.onnx", calibration, coding=coding)
    row = compare(program, x[:2], NAME, coding)
    assert row.exact, row
    assert row.theirs.effective_macs > 0


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed")
def test_the_replay_multiplies_by_the_programs_weights() -> None:
    import torch

    from bench.neurobench_replay import Wire
    from tests.runtime.cost.hand import program

    small = program()
    wire = Wire(small.connections[0], small.population["a"])
    arrived = wire(torch.tensor([[1.0, 3.0]], dtype=torch.float64))
    np.testing.assert_array_equal(arrived.detach().numpy(), [[1, 5, 0]])
