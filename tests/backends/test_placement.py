"""Artifacts hold the placement; emitted by slices, they have a population for each and send the same spikes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path

import numpy as np
import onnx
import pytest

import snncc
from snncc.backends.artifact import read_manifest
from snncc.backends.registry import get_backend
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.placement.place import place
from snncc.compiler.placement.sliced import Joining, cut_feed
from snncc.compiler.program import Program
from snncc.compiler.targets import load_target
from snncc.compiler.trace import feed_levels
from snncc.emission import emit
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.run import input_levels

needs_cc = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(scope="module")
def x() -> np.ndarray:
    return np.random.default_rng(0).random((5, 1, 8, 8), dtype=np.float32)


@pytest.fixture(scope="module")
def program(tiny_model: onnx.ModelProto, x: np.ndarray) -> Program:
    """Return a small CNN on cores of 100 neurons."""
    target = load_target("loihi2")
    return place(snncc.compile(tiny_model, x), replace(target, core=replace(target.core, neurons=100)))


def unplaced(program: Program) -> Program:
    return replace(program, board="", slices=())


@pytest.mark.parametrize("backend", ["c", "lava", "onnx"])
def test_the_manifest_holds_the_core_of_every_slice(program: Program, backend: str, tmp_path: Path) -> None:
    emit(program, get_backend(backend), tmp_path / "a")
    placement = read_manifest(tmp_path / "a")["placement"]
    assert placement["board"] == "loihi2"
    cells = [p.name for p in program.populations]
    assert [(s["name"], cells[int(s["object"][1:])], s["core"]) for s in placement["slices"]] == [
        (s.name, s.population, s.core) for s in program.slices
    ]
    assert [(tuple(s["lo"]), tuple(s["hi"])) for s in placement["slices"]] == [(s.lo, s.hi) for s in program.slices]
    assert "placement" in (tmp_path / "a" / "README.md").read_text(encoding="utf-8")
    emit(unplaced(program), get_backend(backend), tmp_path / "b")
    assert read_manifest(tmp_path / "b")["placement"] == {"board": None, "slices": []}


def test_the_readme_of_c_names_the_cores(program: Program, tmp_path: Path) -> None:
    cores = {s.core for s in program.slices}
    emit(program, get_backend("c"), tmp_path / "a")
    told = (tmp_path / "a" / "README.md").read_text()
    assert f"placed on {len(cores)} cores, {min(cores)} to {max(cores)}; `placement`" in told
    emit(unplaced(program), get_backend("c"), tmp_path / "b")
    assert "not placed on cores" in (tmp_path / "b" / "README.md").read_text()


@needs_cc
def test_c_does_slice_by_slice_what_the_whole_program_does(program: Program, x: np.ndarray, tmp_path: Path) -> None:
    levels = input_levels(program, x)
    manifest = emit(program, get_backend("c"), tmp_path / "a", levels, slices=True)
    assert [p["name"] for p in manifest["populations"]] == [s.name for s in program.slices]
    assert [s["core"] for s in manifest["placement"]["slices"]] == [s.core for s in program.slices]
    feed = feed_levels(program, levels)
    theirs = get_backend("c").run(tmp_path / "a", cut_feed(program, feed))
    joining = Joining(program)
    for parts, whole in zip_longest(theirs, run_feed(Emulator(program), feed)):
        for name, did in joining.joined(parts).items():
            assert (did.spikes == whole[name].spikes).all()
            assert (did.membrane == whole[name].membrane).all()


def test_lava_has_a_process_for_every_slice(program: Program, tmp_path: Path) -> None:
    manifest = emit(program, get_backend("lava"), tmp_path / "a", slices=True)
    assert manifest["facts"]["processes"]["neurons"] == len(program.slices)


def test_slices_of_a_program_that_is_not_placed_are_refused(program: Program, tmp_path: Path) -> None:
    with pytest.raises(SnnccError) as caught:
        snncc.emit(unplaced(program), "c", tmp_path / "a", slices=True)
    assert [d.code for d in caught.value.diagnostics] == ["SNN729"]
    assert not (tmp_path / "a").exists()
