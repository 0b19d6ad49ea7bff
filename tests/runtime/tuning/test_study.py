from __future__ import annotations

from pathlib import Path

import pytest

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.outcome import Cost, Outcome, refusal
from snncc.runtime.tuning.point import uniform
from snncc.runtime.tuning.study import opened, study_path

LAYERS = ("a", "b")
HEADER = {"model": "1234", "objective": "energy"}
COST = Cost({"": "graded", "a": "rate"}, 5, 1, 3.5, 7, 11.25, {"a>b": 3.5})
TRIALS = [
    (uniform(LAYERS, Recipe()), Outcome(0.5, 0.1, 0.9, 0.01, COST, "", 1.5)),
    (uniform(LAYERS, Recipe(7, 4, "kl", "adaptive:0.3")).changed("b", levels=3), refusal("SNN201 too wide", 0.25)),
]


def codes(error: pytest.ExceptionInfo[SnnccError]) -> list[str]:
    return [diagnostic.code for diagnostic in error.value.diagnostics]


def written(path: Path) -> Path:
    with opened(path, LAYERS, HEADER) as study:
        for point, outcome in TRIALS:
            study.add(point, outcome, "energy")
    return path


def test_trials_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    with opened(written(tmp_path / "s.jsonl"), LAYERS, HEADER) as study:
        assert list(study.trials()) == TRIALS


def test_a_line_that_breaks_off_is_dropped_and_the_study_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path / "s.jsonl")
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with opened(path, LAYERS, HEADER) as study:
        assert list(study.trials()) == TRIALS[:1]
        study.add(*TRIALS[1], "energy")
    with opened(path, LAYERS, HEADER) as study:
        assert list(study.trials()) == TRIALS


def test_a_study_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "s.jsonl")
    before = path.read_bytes()
    others = {"model": "5678", "objective": "synops"}
    with pytest.raises(SnnccError) as error, opened(path, LAYERS, others):
        pass
    assert codes(error) == ["SNN522", "SNN522"]
    assert "1234" in str(error.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"no study\n", b'{"op_code": 99}\n', b'{"a": 1}\n', b"[1]\n"])
def test_a_file_that_is_no_study_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(content)
    with pytest.raises(SnnccError) as error, opened(path, LAYERS, HEADER):
        pass
    assert codes(error) == ["SNN523"]
    assert path.read_bytes() == content


def test_a_study_in_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SnnccError) as error, opened(tmp_path / "no" / "s.jsonl", LAYERS, HEADER):
        pass
    assert codes(error) == ["SNN523"]


def test_one_process_at_a_time_has_a_study(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    path = written(tmp_path / "s.jsonl")
    with opened(path, LAYERS, HEADER), pytest.raises(SnnccError) as error, opened(path, LAYERS, HEADER):
        pass
    assert codes(error) == ["SNN524"]


def test_a_folder_gets_a_study_named_for_the_model(tmp_path: Path) -> None:
    assert study_path(tmp_path, "net.onnx") == tmp_path / "net.study.jsonl"
    assert study_path(tmp_path / "mine", "net.onnx") == tmp_path / "mine"
