from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.container import program_bytes
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.quantize.recipe import Recipe
from snncc.runtime.tuning.crew import hired
from snncc.runtime.tuning.laboratory import Laboratory
from snncc.runtime.tuning.point import layer_names, uniform
from snncc.runtime.tuning.samples import Samples
from snncc.runtime.tuning.tune import _problem, tune
from tests.runtime.tuning.problems import Small, small, wish


@pytest.fixture(scope="module")
def problem() -> Small:
    return small()


def test_the_program_is_what_compile_makes_of_the_chosen_settings(problem: Small) -> None:
    found = tune(problem.graph, problem.calibration, problem.data, wish(12, max_loss=20.0), problem.test)
    assert found.chosen is not None
    assert found.program is not None
    assert found.exact
    settings = found.to_json()["chosen"]["settings"]
    again = snncc.compile(problem.graph, problem.calibration.inputs, **settings)
    assert program_bytes(again) == program_bytes(found.program)
    assert found.chosen[1].loss <= 20
    assert found.factor is not None
    assert found.factor > 1
    assert found.test is not None
    assert any(trial[0] == found.chosen[0] for trial in found.front)


def test_the_same_seed_gives_the_same_result_also_where_the_search_was_stopped(problem: Small, tmp_path: Path) -> None:
    found = []
    for number, stops in enumerate([(12,), (12,), (5, 12)]):
        for trials in stops:
            asked = wish(trials, max_loss=20.0, seed=3, study=tmp_path / f"{number}.jsonl")
            result = tune(problem.graph, problem.calibration, problem.data, asked)
        plain = result.to_json()
        del plain["effort"]
        assert result.program is not None
        found.append((plain, program_bytes(result.program)))
    assert found[0] == found[1] == found[2]


def test_workers_measure_what_this_process_does(problem: Small) -> None:
    asked = wish(10, jobs=2)
    prepared = _problem(problem.graph, problem.calibration, problem.data, asked)
    layers = layer_names(prepared.graph)
    points = [uniform(layers, Recipe(levels=levels)) for levels in (15, 3)]
    points += [uniform(layers, Recipe(3, 2, "max", "nearest")).changed("fc", rounding="adaptive:0.5")]
    with hired(prepared, 2) as crew:
        found = dict(crew.measure(points))
    here = Laboratory(prepared)
    assert list(found) != []
    for point in points:
        assert replace(found[point], seconds=0.0) == replace(here.measure(point), seconds=0.0)


def test_samples_that_serve_twice_are_told(problem: Small) -> None:
    x = np.concatenate([problem.data.inputs["x"], problem.calibration.inputs["x"][:7]])
    assert problem.data.labels is not None
    data = Samples({"x": x}, np.append(problem.data.labels, np.zeros(7, dtype=np.int64)))
    found = tune(problem.graph, problem.calibration, data, wish(1, max_loss=100.0), problem.data)
    notes = [note for note in found.notes if note.code == "SNN521"]
    assert [note.message.split(" ", 3)[:3] for note in notes] == [["7", "of", "167"], ["160", "of", "160"]]
    assert all(note.severity == "warning" for note in notes)


@pytest.mark.parametrize(("minimize", "least"), [("interval", 1), ("latency", 5)])
def test_where_nothing_can_be_won_the_cheapest_of_equals_is_chosen_and_told(
    problem: Small, minimize: str, least: int
) -> None:
    found = tune(problem.graph, problem.calibration, problem.data, wish(9, minimize, 30.0))
    assert found.factor == 1
    assert found.chosen is not None
    assert found.chosen[1].cost is not None
    assert found.baseline.cost is not None
    assert found.chosen[1].cost.picojoules < found.baseline.cost.picojoules
    assert any(f"least {minimize} of this network, " in note.message for note in found.notes)


def test_fewer_levels_make_shorter_windows_where_spikes_are_single_bits(problem: Small) -> None:
    found = tune(problem.graph, problem.calibration, problem.data, wish(9, "interval", 30.0, codings=("rate", "ttfs")))
    assert found.chosen is not None
    assert found.baseline.cost is not None
    assert found.baseline.cost.initiation_interval == 15
    assert found.factor is not None
    assert found.factor >= 2


def test_where_no_point_is_good_enough_the_closest_is_told(problem: Small) -> None:
    x = {"x": problem.data.inputs["x"]}
    wrong = Samples(x, np.zeros(len(x["x"]), dtype=np.int64))
    found = tune(
        problem.graph, problem.calibration, wrong, replace(wish(2), goal=replace(wish(2).goal, sure=True, max_loss=0.0))
    )
    assert found.program is None
    assert found.closest is not None
    assert [note.code for note in found.notes if note.severity == "error"] == ["SNN527"]


def test_bad_wishes_are_told_together(problem: Small) -> None:
    bad = replace(wish(0, "speed", -1.0, jobs=-2), target="loihi9")
    with pytest.raises(SnnccError) as error:
        tune(problem.graph, problem.calibration, problem.data, bad)
    assert sorted(d.code for d in error.value.diagnostics) == ["SNN501", "SNN520", "SNN525", "SNN525", "SNN525"]
    assert error.value.exit_code == 2


def test_a_study_of_other_data_is_refused(problem: Small, tmp_path: Path) -> None:
    tune(problem.graph, problem.calibration, problem.data, wish(1, max_loss=100.0, study=tmp_path / "s.jsonl"))
    other = small(1)
    with pytest.raises(SnnccError) as error:
        tune(problem.graph, other.calibration, problem.data, wish(1, study=tmp_path / "s.jsonl"))
    assert {d.code for d in error.value.diagnostics} == {"SNN522"}
    assert os.path.getsize(tmp_path / "s.jsonl") > 0
