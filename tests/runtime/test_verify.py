"""Reports: counts against a count by hand, accuracies against onnxruntime and the user's own model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest

import snncc
from snncc.compiler.coding import CODINGS, Levels, train
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir import Array
from snncc.compiler.program import Program
from snncc.runtime.collapsed import Collapsed
from snncc.runtime.matrix import synapse_matrix
from snncc.runtime.reference import encode, execute
from snncc.runtime.report import Report
from snncc.runtime.verify import LIMIT, verify
from tests.compiler.passes.helpers import Net
from tests.nets import tiny_cnn

Floats = npt.NDArray[np.float32]


def images(count: int, seed: int = 1) -> Floats:
    return np.random.default_rng(seed).random((count, 1, 8, 8), dtype=np.float32)


@cache
def tiny(coding: str = "graded") -> Program:
    return snncc.compile(tiny_cnn(), images(40), coding=coding, levels=7)


def regressor(outputs: int = 3) -> Program:
    net = Net(2)
    graph = net.graph(net.dense(net.relu(net.dense(net.input(4), 6)), outputs, name="y"))
    return snncc.compile(graph, np.random.default_rng(0).random((50, 4), dtype=np.float32), levels=15)


@pytest.mark.parametrize("coding", CODINGS)
def test_spikes_synops_and_payload_bits_are_those_counted_by_hand(coding: str) -> None:
    program, x = tiny(coding), images(7)
    assert program.origin is not None
    network = program.origin.network
    values = execute(network, encode(network, {"x": x}))
    sizes = {p.name: p.size for p in program.populations}
    fan_out = {name: np.zeros(size) for name, size in sizes.items()}
    for wire in program.connections:
        matrix = synapse_matrix(wire, sizes[wire.source], sizes[wire.target]).toarray()
        fan_out[wire.source] += np.count_nonzero(matrix, axis=0)
    spikes, synops, bits = {name: 0 for name in sizes}, 0, 0
    for population in program.populations:
        claim = population.claim
        assert claim is not None
        if claim.kind == "read":
            continue
        sent = train(CODINGS[claim.coding], values[claim.node].reshape(7, -1), Levels(claim.lo, claim.hi))
        fired = np.count_nonzero(sent, axis=(0, 1))
        spikes[population.name] = int(fired.sum())
        synops += int(fired @ fan_out[population.name])
        bits += int(fired.sum()) * population.payload_bits
    report = verify(program, x)
    assert report.spikes == {name: pytest.approx(count / 7) for name, count in spikes.items()}
    assert report.spikes_per_inference == pytest.approx(sum(spikes.values()) / 7)
    assert report.synops_per_inference == pytest.approx(synops / 7)
    assert report.payload_bits_per_inference == pytest.approx(bits / 7)


def test_the_float_accuracy_is_that_of_the_users_own_model() -> None:
    x, model = images(200), tiny_cnn()
    y = np.random.default_rng(0).integers(0, 5, 200)
    logits = ort.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0]
    y[:120] = logits.argmax(axis=1)[:120]
    report = verify(tiny(), x, y, limit=0)
    assert report.float_accuracy == (logits.argmax(axis=1) == y).mean()
    shown = snncc.run(tiny(), x)["y"]
    assert report.integer_accuracy == (shown.argmax(axis=1) == y).mean()
    assert report.agreement == (shown.argmax(axis=1) == logits.argmax(axis=1)).mean()
    assert report.output_mae == pytest.approx(np.abs(shown - logits).mean(), rel=1e-4)
    assert (report.float_mae, report.integer_mae, report.float_psnr_db) == (None, None, None)


def test_without_labels_there_is_no_accuracy() -> None:
    report = verify(tiny(), images(5))
    assert (report.float_accuracy, report.integer_accuracy, report.float_mae) == (None, None, None)
    assert report.agreement is not None


def test_target_values_are_compared_by_error_and_signal_to_noise() -> None:
    program = regressor()
    assert program.origin is not None
    x = np.random.default_rng(3).random((30, 4), dtype=np.float32)
    real = ort.InferenceSession(program.origin.model).run(None, {"x": x})[0].astype(np.float64)
    wanted = real + 0.25
    report = verify(program, x, wanted)
    shown = snncc.run(program, x)["y"]
    assert report.float_mae == pytest.approx(0.25)
    assert report.integer_mae == pytest.approx(np.abs(shown - wanted).mean())
    assert report.float_psnr_db == pytest.approx(20 * np.log10(np.ptp(wanted) / 0.25))
    noise = ((shown - wanted) ** 2).mean()
    assert report.integer_psnr_db == pytest.approx(10 * np.log10(np.ptp(wanted) ** 2 / noise))
    assert (report.float_accuracy, report.integer_accuracy, report.agreement) == (None, None, None)


def test_a_single_output_is_no_class_score() -> None:
    x = np.random.default_rng(3).random((10, 4), dtype=np.float32)
    report = verify(regressor(1), x, np.arange(10))
    assert report.agreement is None
    assert report.float_mae is not None


@pytest.mark.parametrize("limit", [0, 1, 12, 30])
def test_no_more_samples_are_stepped_than_asked(limit: int) -> None:
    report = verify(tiny(), images(30), np.zeros(30, dtype=np.int64), limit=limit)
    assert report.samples_stepped == min(limit, 30)
    assert report.samples == 30
    assert report.witnesses > 16
    assert report.exact
    assert (report.spikes_per_inference > 0) == (limit > 0)
    assert (report.steps_per_second > 0) == (limit > 0)


def test_a_hundred_samples_are_stepped_unless_told_otherwise() -> None:
    assert LIMIT == 100
    net = Net()
    x = np.random.default_rng(0).random((LIMIT + 7, 2), dtype=np.float32)
    program = snncc.compile(net.graph(net.dense(net.input(2), 2, name="y")), x)
    assert verify(program, x).samples_stepped == LIMIT


def test_inputs_outside_the_calibrated_range_are_counted() -> None:
    x = np.clip(images(10), 0, 0.9)
    program = snncc.compile(tiny_cnn(), x)
    assert verify(program, x, limit=0).clipped_inputs == 0
    x[2, 0, :3, 0] = 1.5
    x[4, 0, 0, 0] = -0.1
    assert verify(program, x, limit=0).clipped_inputs == 4


def test_layers_are_compared_with_the_float_network() -> None:
    program, x = tiny(), images(60)
    assert program.origin is not None
    model = onnx.load_from_string(program.origin.model)
    model.graph.output.append(onnx.helper.make_tensor_value_info("relu2", onnx.TensorProto.FLOAT, None))
    real = ort.InferenceSession(model.SerializeToString()).run(["relu2"], {"x": x})[0].astype(np.float64)
    network = program.origin.network
    layer = verify(program, x, limit=0).layers[1]
    shown = execute(network, encode(network, {"x": x}))["relu2"] * layer.scale
    assert (layer.name, layer.levels, layer.op) == ("relu2", 7, "Relu")
    assert layer.sqnr_db == pytest.approx(10 * np.log10((real**2).sum() / ((real - shown) ** 2).sum()), abs=1e-3)
    assert layer.max_error == pytest.approx(np.abs(real - shown).max(), rel=1e-3)


def test_progress_ends_with_everything_done() -> None:
    seen: dict[str, tuple[int, int]] = {}

    def note(what: str, done: int, total: int) -> None:
        assert 0 < done <= total
        assert done >= seen.get(what, (0, 0))[0]
        seen[what] = done, total

    verify(tiny(), images(130), limit=45, progress=note)
    assert seen["float network"] == (130, 130)
    assert seen["stepping samples"] == (45, 45)
    assert seen["witnesses"][0] == seen["witnesses"][1] > 16


def broken() -> Program:
    """Return a program that differs from its network in one offset."""
    program = tiny()
    changed = program.population["relu2"]
    offset = changed.params["offset"] + 64
    wrong = replace(changed, params={**changed.params, "offset": offset})
    return replace(program, populations=tuple(wrong if p is changed else p for p in program.populations))


def test_a_wrong_program_is_not_exact_even_without_data() -> None:
    report = verify(broken(), images(3), limit=0)
    assert not report.exact
    assert report.mismatches > 0
    assert report.first_divergence is not None
    assert report.first_divergence.population == "relu2"
    assert report.verdict.startswith("NOT EXACT")


def test_executors_that_disagree_are_not_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong(Collapsed):
        def run(self, inputs: Mapping[str, Array], batch: int = 128) -> dict[str, npt.NDArray[np.int64]]:
            values = super().run(inputs, batch)
            next(iter(values.values()))[1, 2] += 1
            return values

    monkeypatch.setattr("snncc.runtime.verify.Collapsed", Wrong)
    report = verify(tiny(), images(3))
    assert (report.exact, report.mismatches, report.executor_mismatches) == (False, 0, 1)


def test_several_inputs_and_outputs_are_compared() -> None:
    net = Net(1)
    x, z = net.input(3), net.input(2, name="z")
    hidden = net.relu(net.plus(net.dense(x, 4), net.dense(z, 4)))
    graph = net.graph(net.dense(hidden, 2, name="y"), net.dense(hidden, 3, name="w"))
    rng = np.random.default_rng(0)
    data = {"x": rng.random((20, 3), dtype=np.float32), "z": rng.random((20, 2), dtype=np.float32) - 0.5}
    program = snncc.compile(graph, data)
    report = verify(program, data, np.zeros(20, dtype=np.int64))
    assert report.exact
    assert report.float_accuracy is not None
    assert program.origin is not None
    real = ort.InferenceSession(program.origin.model).run(["w"], data)[0]
    found = snncc.run(program, data)["w"]
    assert np.abs(found - real).mean() < 0.2 * np.abs(real).mean()


def test_images_are_compared_in_real_units_and_every_output_is() -> None:
    """An image is a view of a readout; its scale is the readout's."""
    net = Net(3)
    hidden = net.relu(net.conv(net.input(1, 6, 6), 4, name="c"), name="r")
    pixels = net.conv(hidden, 4, name="pixels")
    apart = net.transpose(net.reshape(pixels, 2, 2, 2, 2), 2, 0, 3, 1)
    graph = net.graph(net.reshape(apart, 1, 4, 4, name="image"), net.dense(net.reshape(hidden, 64), 3, name="w"))
    x = np.random.default_rng(0).random((30, 1, 6, 6), dtype=np.float32)
    program = snncc.compile(graph, x, levels=63)
    assert program.origin is not None
    float_image, float_w = ort.InferenceSession(program.origin.model).run(None, {"x": x})
    shown = snncc.run(program, x)
    assert shown["image"].shape == (30, 1, 4, 4)
    report = verify(program, x, float_image + 0.25)
    assert report.exact
    assert report.integer_mae == pytest.approx(np.abs(shown["image"] - float_image - 0.25).mean())
    assert report.output_mae == pytest.approx(np.abs(shown["image"] - float_image).mean())
    assert report.output_maes == {"image": report.output_mae, "w": pytest.approx(np.abs(shown["w"] - float_w).mean())}
    assert report.output_mae < 0.1 * np.abs(float_image).mean()


def test_a_program_without_its_network_cannot_be_verified() -> None:
    with pytest.raises(SnnccError, match="SNN340"):
        verify(tiny().without_origin(), images(2))


def test_a_report_says_everything_in_json() -> None:
    report = verify(tiny(), images(3))
    told = json.loads(json.dumps(report.to_json()))
    assert set(told) == set(Report.__dataclass_fields__)
    assert told["layers"][0]["name"] == "relu1"
    tried = f"3 samples and {report.witnesses} witnesses"
    assert report.verdict == f"EXACT: every spike and membrane equals the integer network's on {tried}"
