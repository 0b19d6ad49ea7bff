"""``snncc inspect --target``: whether a network fits chips, what it needs of them, and what lacks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from snncc.compiler.frontend import door
from snncc.compiler.frontend.onnx_reader import import_onnx
from snncc.compiler.ir import Graph
from tests.snncc.conftest import Command, save_model, save_tiny
from tests.snncc.test_cli_models import unsupported


def save_wide(path: Path) -> None:
    """Save a dense layer of more inputs than a core of loihi1 has axons."""
    rng = np.random.default_rng(0)
    nodes = [
        helper.make_node("Gemm", ["x", "w"], ["h"], name="wide"),
        helper.make_node("Relu", ["h"], ["r"], name="relu"),
        helper.make_node("Gemm", ["r", "v"], ["y"], name="last"),
    ]
    weights = {"w": rng.normal(size=(5000, 8)), "v": rng.normal(size=(8, 2))}
    save_model(path, nodes, {"x": ["N", 5000]}, {"y": ["N", 2]}, **weights)


def test_a_model_is_tried_on_every_target_without_data(snncc: Command) -> None:
    result = snncc("inspect", "tiny.onnx", "--target", "loihi2", "--target", "loihi1", "--json")
    assert result.code == 0
    found = result.json
    assert [*found["targets"]] == ["loihi2", "loihi1"]
    assert "loihi2" in found["known_targets"]
    assert found["supported"]
    assert "text" not in found
    for entry in found["targets"].values():
        assert entry["fits"] is True
        assert 1 <= entry["cores"] <= entry["has"]["cores"]
        assert entry["chips"] == 1
        assert entry["violations"] == []
        assert entry["limits"]["neurons"] >= 1024
        assert [layer["population"] for layer in entry["layers"]] == ["image.levels", "relu", "gemm"]
        assert entry["total"]["neurons"] == sum(layer["total"].get("neurons", 0) for layer in entry["layers"])
    assert found["targets"]["loihi1"]["options"] == {"coding": "rate", "levels": 15, "weight_bits": 8}
    assert found["targets"]["loihi2"]["options"] == {"coding": "graded", "levels": 15, "weight_bits": 8}


def test_the_words_of_a_fit(snncc: Command, work: Path, golden: Callable[..., None]) -> None:
    save_wide(work / "wide.onnx")
    golden(snncc("inspect", "wide.onnx", "--target", "loihi2", "--target", "loihi1").out, "cli/inspect_targets.txt")


def test_what_does_not_fit_ends_with_1_and_says_where_and_what_would_help(snncc: Command, work: Path) -> None:
    save_wide(work / "wide.onnx")
    result = snncc("inspect", "wide.onnx", "--target", "loihi2", "--target", "loihi1", "--json")
    assert result.code == 1
    fits = {name: entry["fits"] for name, entry in result.json["targets"].items()}
    assert fits == {"loihi2": True, "loihi1": False}
    for violation in result.json["targets"]["loihi1"]["violations"]:
        assert violation["code"].startswith("SNN71")
        assert violation["hint"]
    said = snncc("inspect", "wide.onnx", "--target", "loihi2", "--target", "loihi1")
    assert said.code == 1
    assert said.out.splitlines()[-1] == "does not fit: loihi1"


def test_a_coding_that_a_target_cannot_run_is_a_violation_there(snncc: Command) -> None:
    result = snncc("inspect", "tiny.onnx", "--target", "loihi2", "--target", "loihi1", "--coding", "ttfs", "--json")
    assert result.code == 1
    entries = result.json["targets"]
    assert entries["loihi2"]["fits"]
    assert not entries["loihi1"]["fits"]
    assert entries["loihi1"]["cores"] is None
    assert [violation["code"] for violation in entries["loihi1"]["violations"]] == ["SNN506"]
    said = snncc("inspect", "tiny.onnx", "--target", "loihi1", "--coding", "ttfs").out
    assert "DOES NOT FIT on loihi1: no program can be made for it, see below" in said


def test_negative_inputs_are_a_violation_where_spikes_have_no_sign(snncc: Command) -> None:
    words = ("inspect", "tiny.onnx", "--target", "loihi1", "--target", "loihi2", "--json")
    assert snncc(*words).code == 0
    result = snncc(*words, "--signed")
    assert result.code == 1
    assert [v["code"] for v in result.json["targets"]["loihi1"]["violations"]] == ["SNN332"]
    assert result.json["targets"]["loihi2"]["fits"]


def test_options_change_what_is_needed(snncc: Command) -> None:
    def told(*words: str) -> dict[str, object]:
        return snncc("inspect", "tiny.onnx", "--target", "loihi2", "--json", *words).json["targets"]["loihi2"]

    assert told("--bits", "2")["options"] == {"coding": "graded", "levels": 3, "weight_bits": 8}
    assert told("--weight-bits", "4")["options"] == {"coding": "graded", "levels": 15, "weight_bits": 4}
    assert told("--coding", "rate")["interval"] == 15
    assert max(layer["weight_bits"] for layer in told("--weight-bits", "4")["layers"]) == 4  # type: ignore[attr-defined]


def test_a_model_is_imported_once_however_many_targets(snncc: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = list[object]()

    def counted(model: object) -> Graph:
        calls.append(model)
        return import_onnx(model)  # type: ignore[arg-type]

    monkeypatch.setattr(door, "import_onnx", counted)
    assert snncc("inspect", "tiny.onnx", "--target", "loihi2", "--target", "loihi1", "--target", "generic").code == 0
    assert len(calls) == 1


def test_boards_of_one_chip_differ_in_cores_alone(snncc: Command) -> None:
    words = [word for name in ("loihi2", "kapoho-point", "hala-point") for word in ("--target", name)]
    entries = snncc("inspect", "tiny.onnx", *words, "--json").json["targets"]
    assert len({entry["cores"] for entry in entries.values()}) == 1
    assert [entry["target"] for entry in entries.values()] == ["loihi2", "kapoho-point", "hala-point"]
    assert entries["hala-point"]["has"]["chips"] == 1152


def test_a_program_is_tried_as_it_is(snncc: Command) -> None:
    result = snncc("inspect", "tiny.snnp", "--target", "loihi2", "--target", "loihi1", "--json")
    assert result.json["kind"] == "program"
    assert "loihi1" in result.json["known_targets"]
    assert result.json["targets"]["loihi2"]["fits"]
    assert not result.json["targets"]["loihi1"]["fits"]
    assert {v["code"] for v in result.json["targets"]["loihi1"]["violations"]} == {"SNN714"}
    assert result.code == 1


def test_a_program_takes_no_options_of_a_compilation(refused: Command) -> None:
    assert refused("inspect", "tiny.snnp", "--target", "loihi2", "--bits", "3", code=2).codes == ["SNN350"]


def test_names_that_do_not_exist_end_with_2_all_at_once(refused: Command) -> None:
    words = ("inspect", "tiny.onnx", "--target", "loihi3", "--target", "loihi2", "--target", "truenorth")
    assert refused(*words, code=2).codes == ["SNN501", "SNN501"]
    assert refused("inspect", "tiny.onnx", "--target", "loihi2", "--coding", "morse", code=2).codes == ["SNN502"]
    assert refused("inspect", "tiny.onnx", "--target", "loihi2", "--bits", "40", code=2).codes == ["SNN503"]
    assert refused("inspect", "tiny.onnx", "--target", "loihi2", "--bits", "4,nowhere=2", code=2).codes == ["SNN513"]


def test_options_without_a_target_are_refused(refused: Command) -> None:
    assert refused("inspect", "tiny.onnx", "--coding", "rate", code=2).codes == ["SNN750"]


def test_a_model_that_cannot_be_imported_fits_nowhere(snncc: Command, work: Path) -> None:
    unsupported(work / "bad.onnx")
    result = snncc("inspect", "bad.onnx", "--target", "loihi2", "--json")
    assert result.code == 1
    assert not result.json["supported"]
    entry = result.json["targets"]["loihi2"]
    assert not entry["fits"]
    assert [v["code"] for v in entry["violations"]] == result.codes


def test_without_targets_the_list_of_names_stays(snncc: Command) -> None:
    assert "loihi2" in snncc("inspect", "tiny.onnx", "--json").json["targets"]


def test_a_name_of_a_layer_moves_no_cursor(snncc: Command, work: Path) -> None:
    save_tiny(work / "odd.onnx", name="\x1b[2J[red]", w=np.full((2, 1, 3, 3), np.nan))
    said = snncc("inspect", "odd.onnx", "--target", "loihi2").out
    assert "\x1b" not in said
    assert "\\x1b[2J[red]" in said
