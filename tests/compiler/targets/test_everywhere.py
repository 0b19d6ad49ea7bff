"""Wherever a target is named the path of its file does, too; what a chip cannot do is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.mapping.choice import sendable
from snncc.compiler.options import make_options
from snncc.compiler.targets import load_target, target_names
from snncc.runtime.checker import check
from snncc.runtime.tuning.tune import _codings
from tests.compiler.targets.files import WHOLE, changed, write
from tests.nets import tiny_cnn

X = np.random.default_rng(0).random((12, 1, 8, 8), dtype=np.float32)


def refused(**given: str) -> list[tuple[str, str, str]]:
    with pytest.raises(SnnccError) as caught:
        make_options(**given)
    assert caught.value.exit_code == 2
    return [(problem.code, problem.loc.name, problem.hint) for problem in caught.value.diagnostics]


@pytest.mark.parametrize("name", target_names())
def test_options_take_the_codings_and_schedules_of_a_target_and_no_others(name: str) -> None:
    target = load_target(name)
    for coding in CODINGS:
        if coding in target.codings:
            assert make_options(name, coding).coding == coding
        else:
            hint = f"codings of {name} are: {', '.join(target.codings)}"
            assert refused(target=name, coding=coding) == [("SNN506", "coding", hint)]
    for schedule in ("pipelined", "sequential"):
        if schedule in target.schedules:
            assert make_options(name, schedule=schedule).schedule == schedule
        else:
            assert [code for code, *_ in refused(target=name, schedule=schedule)] == ["SNN506"]
    assert set(_codings(target)) == set(sendable(target)) == set(target.codings)


def test_codings_of_layers_are_those_of_the_target_too() -> None:
    assert [code for code, *_ in refused(target="loihi1", coding="rate,relu=ttfs")] == ["SNN506"]


def test_a_wrong_file_is_reported_with_the_other_options(tmp_path: Path) -> None:
    path = write(tmp_path, changed(("{ value = 100,", "{ value = 0,")))
    with pytest.raises(SnnccError) as caught:
        make_options(path, coding="grade")
    assert [problem.code for problem in caught.value.diagnostics] == ["SNN704", "SNN502"]
    with pytest.raises(SnnccError) as caught:
        make_options(path)
    assert caught.value.exit_code == 1


def test_a_program_for_a_file_bears_its_name_and_can_be_diagnosed(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE, "small-chip.toml")
    program = snncc.compile(tiny_cnn(), X, target=path)
    program.save(tmp_path / "net.snnp")
    loaded = snncc.load(tmp_path / "net.snnp")
    assert loaded.target == "small-chip"
    assert loaded.origin is not None
    assert loaded.origin.settings["target_file"] == path
    assert snncc.diagnose(loaded, X[:4]).budget


@pytest.mark.parametrize("name", ["loihi1", "lava-stock", "paicore", "generic", "hala-point"])
def test_programs_for_other_targets_are_exact_and_accepted(name: str, tmp_path: Path) -> None:
    program = snncc.compile(tiny_cnn(), X, target=name, levels=3)
    report = snncc.verify(program, X, limit=2)
    program.save(tmp_path / "net.snnp")
    assert report.exact
    assert check(str(tmp_path / "net.snnp")) == []
    assert load_target(name).graded or all(p.payload_bits == 1 for p in program.populations)


def test_one_bit_spikes_carry_no_sign() -> None:
    with pytest.raises(SnnccError) as caught:
        snncc.compile(tiny_cnn(), X - 0.5, target="loihi1", levels=3)
    assert [problem.code for problem in caught.value.diagnostics] == ["SNN332"]
    assert "and loihi1 sends none below 0" in str(caught.value)


@pytest.mark.parametrize("name", ["loihi1", "hala-point"])
def test_coding_auto_chooses_among_those_of_the_target(name: str) -> None:
    program = snncc.compile(tiny_cnn(), X, target=name, coding="auto", levels=3)
    used = {population.claim.coding for population in program.populations if population.claim} - {""}
    assert used <= set(load_target(name).codings)
