"""Threshold inputs put a first-layer neuron on its threshold or one below, so an off-by-one cannot hide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest

import snncc
from snncc.compiler.program import Program
from snncc.runtime.reference import execute
from snncc.runtime.ties import threshold_inputs


def compiled(model: onnx.ModelProto, coding: str) -> Program:
    return snncc.compile(model, np.random.default_rng(0).random((64, 1, 8, 8), dtype=np.float32), coding=coding)


def test_each_input_meets_a_threshold_or_misses_it_by_one(tiny_model: onnx.ModelProto) -> None:
    origin = compiled(tiny_model, "graded").origin
    assert origin is not None
    network = origin.network
    theta = network.constants[network.node["relu1"].inputs[-1]].reshape(1, -1, 1, 1)
    found = list(threshold_inputs(network, np.random.default_rng(0)))
    assert len(found) >= 4
    for levels in found:
        charge = execute(network, {name: a[None] for name, a in levels.items()})["relu1.charge"]
        assert ((charge % theta == 0) | ((charge + 1) % theta == 0)).any()
        assert all(a.min() >= 0 and a.max() <= 255 for a in levels.values())


@pytest.mark.parametrize("coding", ["graded", "bitplane", "rate", "ttfs"])
@pytest.mark.parametrize("off", [-1, 1])
def test_an_offset_that_is_off_by_one_is_found_on_witnesses_alone(
    tiny_model: onnx.ModelProto, coding: str, off: int
) -> None:
    program = compiled(tiny_model, coding)
    populations = tuple(
        replace(p, params={**p.params, "offset": p.params["offset"] + off}) if p.name == "relu1" else p
        for p in program.populations
    )
    x = np.zeros((1, 1, 8, 8), dtype=np.float32)
    report = snncc.verify(replace(program, populations=populations), x, limit=0)
    assert not report.exact


def test_a_threshold_that_is_off_by_one_is_found_on_witnesses_alone(tiny_model: onnx.ModelProto) -> None:
    program = compiled(tiny_model, "ttfs")
    for channel in (0, 2, 3):  # no input brings channel 1 to its threshold
        populations = []
        for p in program.populations:
            theta = p.params.get("theta")
            if p.name == "relu1" and theta is not None:
                theta = np.broadcast_to(theta, (4, 1, 1)).copy()
                theta[channel] -= 1
                p = replace(p, params={**p.params, "theta": theta})
            populations.append(p)
        x = np.zeros((1, 1, 8, 8), dtype=np.float32)
        report = snncc.verify(replace(program, populations=tuple(populations)), x, limit=0)
        assert report.mismatches, channel
