"""The promise: the emulator reproduces the integer network bit for bit, whatever the network, coding and Q."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import snncc
from snncc.compiler.mapping.mantissas import exponents
from tests.random_models import networks

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
CASES = [(c, q) for c in ("graded", "bitplane", "rate", "ttfs") for q in (1, 3, 4, 15)]
CASES += [("graded", 255), ("bitplane", 255)]


@settings(max_examples=40, suppress_health_check=CHECKS)
@given(model=networks(), case=st.sampled_from(CASES), signed=st.booleans(), seed=st.integers(0, 99))
def test_random_networks_are_reproduced_spike_for_spike(
    model: onnx.ModelProto, case: tuple[str, int], signed: bool, seed: int
) -> None:
    coding, levels = case
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(seed).random((24, *shape), dtype=np.float32) - (0.5 if signed else 0)
    program = snncc.compile(model, x, coding=coding, levels=levels)
    report = snncc.verify(program, x, limit=18)
    assert report.mismatches == 0, report.first_divergence
    assert report.executor_mismatches == 0
    assert report.exact
    assert report.samples_stepped == 18


@settings(max_examples=10, suppress_health_check=CHECKS)
@given(
    model=networks(batch_norm=False),
    weight_bits=st.integers(2, 8),
    schedule=st.sampled_from(["pipelined", "sequential"]),
)
def test_any_weight_width_and_schedule_is_exact(model: onnx.ModelProto, weight_bits: int, schedule: str) -> None:
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim][1:]
    x = np.random.default_rng(0).random((24, *shape), dtype=np.float32)
    program = snncc.compile(model, x, coding="bitplane", weight_bits=weight_bits, schedule=schedule)
    pools = {p.name for p in program.populations if p.claim and p.claim.kind == "pool"}  # tell taps apart by weights
    for wire in (wire for wire in program.connections if wire.target not in pools):
        weight = np.asarray(wire.synapses.weight)
        mantissa = np.abs(weight).reshape(len(weight), -1).max(axis=1, initial=0) >> exponents(weight)
        assert mantissa.max() < 1 << (weight_bits - 1)
    assert snncc.verify(program, x, limit=18).exact


@pytest.mark.parametrize("coding", ["graded", "bitplane", "rate", "ttfs"])
def test_the_codings_share_one_integer_network(coding: str, tiny_model: onnx.ModelProto) -> None:
    x = np.random.default_rng(0).random((32, 1, 8, 8), dtype=np.float32)
    wanted = snncc.compile(tiny_model, x, coding="graded")
    program = snncc.compile(tiny_model, x, coding=coding)
    assert wanted.origin is not None
    assert program.origin is not None
    assert program.origin.network == wanted.origin.network
