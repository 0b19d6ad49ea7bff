"""``verify`` steps the slices of a placed program, too, and says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

import snncc
from snncc.compiler.placement.place import place
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.runtime.placed import compare
from snncc.runtime.verify import verify
from snncc.show import verified
from tests.runtime.placed.test_compare import plant


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).random((8, 1, 8, 8), dtype=np.float32)


@pytest.fixture(scope="module")
def program(tiny_model: onnx.ModelProto, x: np.ndarray) -> Program:
    target = load_target("loihi2")
    tight = replace(target, core=replace(target.core, neurons=40))
    return place(snncc.compile(tiny_model, x), tight)


def test_a_report_says_that_slices_send_the_same(
    program: Program, x: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    report = verify(program, x, progress=lambda what, done, total: told.append(what))
    assert report.exact
    assert (report.board, report.placed_samples, report.placed_mismatches) == ("loihi2", compare.SAMPLES, 0)
    verified(report, False)
    assert f"placed on loihi2: {compare.SAMPLES} samples slice by slice, same spikes\n" in capsys.readouterr().out
    assert "stepping slices" in told
    assert verify(program, x, limit=1).placed_samples == 1
    assert verify(program, x, limit=0).placed_samples == 0


def test_slices_that_differ_make_a_program_inexact(
    program: Program, x: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part = next(s for s in program.slices if s.population == program.populations[1].name)
    plant(monkeypatch, part.name, lambda p: replace(p, params={**p.params, "offset": p.params["offset"] + 999}))
    report = verify(program, x, limit=4)
    assert not report.exact
    assert report.mismatches == 0
    assert report.verdict.endswith(f", {report.placed_mismatches} between slices and whole")
    assert report.first_divergence is not None
    assert report.first_divergence.core == part.core
    verified(report, False)
    assert f"(sample 0), on core {part.core}: expected " in capsys.readouterr().out


def test_a_program_that_is_not_placed_is_verified_as_before(
    program: Program, x: np.ndarray, capsys: pytest.CaptureFixture[str]
) -> None:
    report = verify(replace(program, board="", slices=()), x, limit=2)
    assert (report.board, report.placed_samples) == ("", 0)
    verified(report, False)
    assert "placed" not in capsys.readouterr().out


def test_slices_are_stepped_as_far_as_it_is_worth_it_or_asked_for(
    program: Program, x: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two = len(program.slices) * compare.steps_of(program, 2)
    monkeypatch.setattr(compare, "SLICE_STEPS", two)
    assert compare.samples_worth(program) == 2
    monkeypatch.setattr(compare, "SLICE_STEPS", len(program.slices))
    report = verify(program, x, limit=4)
    assert report.placed_samples == 0
    verified(report, False)
    assert "placed on loihi2: not stepped slice by slice, which --slices asks for\n" in capsys.readouterr().out
    assert verify(program, x, limit=4, slices=3).placed_samples == 3
