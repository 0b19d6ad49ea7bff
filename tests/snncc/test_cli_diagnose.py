"""``snncc diagnose``: words and JSON, models and programs, and what it refuses."""

from __future__ import annotations

import json

import pytest

from snncc.runtime.diagnosis.causes import CAUSES, MEASURED
from tests.snncc.conftest import Command

MODEL = ("diagnose", "tiny.onnx", "--calibration", "cal.npz", "--data", "test.npz")


def test_the_verdict_comes_first_then_findings_with_what_to_do(snncc: Command) -> None:
    result = snncc(*MODEL)
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0].startswith(("No loss can be told", "Quantization costs", "Quantization changes"))
    assert any(line.startswith("1. ") for line in lines)
    assert any(line.startswith("   to do: ") for line in lines)
    assert "level rounding" in result.out


def test_json_has_every_cause_in_every_layer(snncc: Command) -> None:
    told = snncc(*MODEL, "--json").json
    assert {row["cause"] for row in told["budget"]} <= set(MEASURED)
    assert {finding["cause"] for finding in told["findings"]} <= set(CAUSES)
    assert sum(row["share"] for row in told["budget"]) == pytest.approx(1)
    layers = [row["layer"] for row in told["budget"]]
    assert layers[0] == "image.levels"
    assert layers[-1] == "gemm"
    assert told["verdict"]


def test_a_program_needs_no_calibration_data_and_gives_the_same_budget(snncc: Command) -> None:
    made = ("compile", "tiny.onnx", "--calibration", "cal.npz", "-o", "mine.snnp")
    assert snncc(*made).code == 0
    one, other = snncc(*MODEL, "--json").json, snncc("diagnose", "mine.snnp", "--data", "test.npz", "--json").json
    assert one["budget"] == other["budget"]  # the same data stand for calibration here
    assert len(other["notes"]) > len(one["notes"])


def test_options_reach_the_compiler(snncc: Command) -> None:
    coarse = snncc(*MODEL, "--bits", "1", "--json").json
    fine = snncc(*MODEL, "--bits", "8", "--json").json
    assert coarse["output_sqnr_db"] < fine["output_sqnr_db"] - 10


def test_the_knob_of_a_measured_cause_is_what_compile_takes(snncc: Command) -> None:
    for finding in snncc(*MODEL, "--json").json["findings"]:
        if finding["knob"].startswith("--"):
            words = finding["knob"].partition(", or ")[0].partition(":")[0].split()
            assert snncc(*MODEL[:1], *MODEL[1:], *words).code == 0


def test_options_for_a_program_are_refused(snncc: Command) -> None:
    result = snncc("diagnose", "tiny.snnp", "--data", "test.npz", "--bits", "3", "--json")
    assert (result.code, result.codes) == (2, ["SNN350"])


def test_a_model_without_calibration_data_is_refused(snncc: Command) -> None:
    result = snncc("diagnose", "tiny.onnx", "--data", "test.npz", "--json")
    assert (result.code, result.codes) == (2, ["SNN351"])


def test_all_files_that_cannot_be_read_are_reported_together(snncc: Command) -> None:
    result = snncc("diagnose", "none.onnx", "--calibration", "no.npz", "--data", "nothing.npz", "--json")
    assert result.code == 1
    assert sorted(result.codes) == ["SNN100", "SNN401", "SNN401"]


def test_the_limit_is_kept(snncc: Command) -> None:
    assert json.loads(snncc(*MODEL, "--limit", "3", "--json").out)["samples"] == 3
