"""The whole system in seconds, without torch: a tiny network from ONNX to a verified program, saved and loaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

import snncc

CODINGS = ("graded", "bitplane", "rate", "ttfs")


def images(count: int) -> np.ndarray:
    return np.random.default_rng(1).random((count, 1, 8, 8), dtype=np.float32)


@pytest.mark.parametrize("coding", CODINGS)
def test_a_network_becomes_a_program_that_is_exact(coding: str, tiny_model: onnx.ModelProto, tmp_path: Path) -> None:
    x = images(60)
    program = snncc.compile(tiny_model, calibration=x[:32], coding=coding, levels=7)
    program.save(tmp_path / "tiny.snnp")
    loaded = snncc.load(tmp_path / "tiny.snnp")
    assert loaded == program
    report = snncc.verify(loaded, x, np.arange(60) % 5, limit=40)
    assert report.exact, report.first_divergence
    assert report.mismatches == 0
    assert report.samples_stepped == 40
    assert report.witnesses > 16
    assert report.latency_steps == loaded.latency > 0
    assert report.initiation_interval == report.window_steps
    assert 0 < report.spikes_per_inference < report.synops_per_inference


@pytest.mark.parametrize("coding", CODINGS)
def test_both_engines_give_the_same_outputs(coding: str, tiny_model: onnx.ModelProto) -> None:
    x = images(45)
    program = snncc.compile(tiny_model, calibration=x, coding=coding)
    fast, stepped = snncc.run(program, x), snncc.run(program, x, engine="emulator")
    assert fast.keys() == {"y"}
    np.testing.assert_array_equal(fast["y"], stepped["y"])
    assert np.unique(fast["y"]).size > 45


def test_many_levels_come_close_to_the_float_network(tiny_model: onnx.ModelProto) -> None:
    x = images(200)
    program = snncc.compile(tiny_model, calibration=x, bits=8)
    report = snncc.verify(program, x, limit=20)
    assert report.agreement is not None
    assert report.agreement > 0.95
    assert all(layer.sqnr_db is not None and layer.sqnr_db > 30 for layer in report.layers)


def test_compiling_twice_gives_the_same_bytes(tiny_model: onnx.ModelProto, tmp_path: Path) -> None:
    for name in ("a", "b"):
        snncc.compile(tiny_model, calibration=images(20)).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_wrong_weight_is_found_and_located(tiny_model: onnx.ModelProto) -> None:
    from dataclasses import replace

    from snncc.compiler.program import ConvSynapses

    program = snncc.compile(tiny_model, calibration=images(20))
    victim = next(c for c in program.connections if c.target == "relu2")
    assert isinstance(victim.synapses, ConvSynapses)
    weight = victim.synapses.weight.copy()
    weight[3, 0, 1, 1] += 9
    wrong = replace(victim, synapses=replace(victim.synapses, weight=weight))
    connections = tuple(wrong if c.name == victim.name else c for c in program.connections)
    report = snncc.verify(replace(program, connections=connections), images(40), limit=40)
    assert not report.exact
    assert report.mismatches > 0
    assert report.first_divergence is not None
    assert report.first_divergence.population == "relu2"
    assert report.first_divergence.neuron // 16 == 3
    assert report.first_divergence.inputs
