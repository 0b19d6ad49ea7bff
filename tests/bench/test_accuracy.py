"""bench.accuracy: which settings, on which networks, and what is told of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import typer
from typer.testing import CliRunner

from bench.accuracy import STANDARD, Setting, main, measure, settings_of, summary
from bench.subjects import EXAMPLES, FIVE, Subject, example, subfolder, subfolders
from tests.bench.nets import SAMPLES, write_tiny

APP = typer.Typer()
APP.command()(main)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nets")
    write_tiny(path / "tiny")
    return path


def test_without_options_the_four_standard_widths_are_measured() -> None:
    assert [(s.bits, s.weight_bits) for s in settings_of([], [], [], [])] == list(STANDARD)


def test_options_are_measured_in_all_combinations() -> None:
    found = settings_of([4, 3], [8], ["mse", "kl"], [])
    assert [(s.bits, s.scales, s.rounding) for s in found] == [
        (bits, scales, None) for bits in (4, 3) for scales in ("mse", "kl")
    ]


def test_what_is_not_asked_for_is_left_to_the_compiler() -> None:
    assert Setting(4, 8).options == {"bits": 4, "weight_bits": 8}
    assert Setting(4, 8, rounding="adaptive").options == {"bits": 4, "weight_bits": 8, "rounding": "adaptive"}


def test_a_test_set_with_calibration_samples_is_refused() -> None:
    x = np.random.default_rng(0).random((10, 3), dtype=np.float32)
    with pytest.raises(ValueError, match="2 test samples"):
        Subject("net", "", Path("net.onnx"), x[:4], "net", x[2:], np.zeros(8, dtype=np.int64))


def test_the_five_are_examples_of_five_kinds() -> None:
    subjects = [example(name) for name in FIVE if name != "keyword_dscnn"]
    assert len({subject.kind for subject in subjects}) == len(subjects)
    assert {len(subject.y) for subject in subjects} in ({10_000}, {1000})
    assert (EXAMPLES / "keyword_dscnn" / "keyword_dscnn.onnx").exists()


def test_a_folder_gives_its_subfolders(folder: Path) -> None:
    assert subfolders(folder) == ["tiny"]
    assert len(subfolder(folder / "tiny").y) == SAMPLES


def test_a_network_loses_nothing_where_both_give_the_same_classes(folder: Path) -> None:
    (result,) = measure(subfolder(folder / "tiny"), [Setting(8, 8)])
    assert result.images == SAMPLES
    assert result.agreement > 0.9
    assert result.estimate.loss == pytest.approx(100 * (result.floats - result.integers))


def test_the_summary_names_the_worst_network(folder: Path) -> None:
    good = Setting(8, 8)
    results = [
        *measure(subfolder(folder / "tiny"), [good]),
        *measure(subfolder(folder / "tiny"), [Setting(1, 2), good]),
    ]
    first, second = summary(results)
    assert (first["setting"], first["networks"]) == (good, 2)
    assert second["worst"].setting == Setting(1, 2)


def test_tables_and_json_tell_the_same(folder: Path) -> None:
    arguments = ["--folder", str(folder), "--bits", "4", "--images", "50"]
    text = CliRunner().invoke(APP, arguments)
    data = CliRunner().invoke(APP, [*arguments, "--json"])
    assert text.exit_code == data.exit_code == 0
    (result,) = json.loads(data.stdout)["results"]
    (mean,) = json.loads(data.stdout)["summary"]
    assert result["network"] == "tiny"
    assert result["images"] == 50
    assert f"{result['estimate']['loss']:.2f}" in text.stdout
    assert mean["mean"]["loss"] == pytest.approx(result["estimate"]["loss"])


def test_the_users_own_file_is_the_float_network(folder: Path) -> None:
    subject = subfolder(folder / "tiny")
    onnx.checker.check_model(onnx.load(subject.model))
    (result,) = measure(subject.head(20), [Setting(8, 8)])
    assert result.images == 20
