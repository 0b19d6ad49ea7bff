"""SANA-FE itself runs exports: every spike, every count and every value read is ours.

It is looked for in this Python, or in the one that SNNCC_SANAFE_PYTHON names (`pip install sanafe==2.2.9` there).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import snncc
from snncc.cli import app
from tests.backends.sanafe_programs import exported, levels_of, on_core, rate_program
from tests.integer_nets import IntegerNet
from tests.nets import tiny_cnn

PYTHON = os.environ.get("SNNCC_SANAFE_PYTHON") or (sys.executable if find_spec("sanafe") else "")
EXAMPLES = Path(__file__).parents[2] / "examples"
SAMPLES, SECONDS = 4, 120

needs_sanafe = pytest.mark.skipif(not PYTHON, reason="SANA-FE is not installed; SNNCC_SANAFE_PYTHON may name a Python")


def run_export(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, str(folder / "run.py"), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, env=environment, check=False)


def report_of(folder: Path) -> dict[str, Any]:
    """Run an export; return what run.py found."""
    done = run_export(folder, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compiled(name: str) -> tuple[snncc.Program, np.ndarray]:
    """Return a program for loihi1, and samples: of fully connected layers, or with convolutions and max-pools."""
    if name == "dense":
        folder = EXAMPLES / "fashion_mlp"
        x = np.load(folder / "calibration.npz")["x"][:64]
        return snncc.compile(folder / "fashion_mlp.onnx", x, target="loihi1", levels=5, rounding="nearest"), x
    x = np.random.default_rng(0).random((32, 1, 8, 8), dtype=np.float32)
    return snncc.compile(tiny_cnn(), x, target="loihi1", levels=6, rounding="nearest"), x


@needs_sanafe
@pytest.mark.parametrize("name", ["dense", "convolutions"])
def test_sana_fe_fires_spike_for_spike_and_its_energy_is_explained(name: str, tmp_path: Path) -> None:
    program, x = compiled(name)
    snncc.export_sanafe(program, x, tmp_path / "out", limit=SAMPLES)
    found = report_of(tmp_path / "out")
    assert found["exact"]
    assert found["differences"] == {"spikes": [], "counts": [], "reads": []}
    assert found["spikes"] > 500
    assert found["read"] == SAMPLES * sum(p.size for p in program.populations if p.claim and p.claim.kind == "read")
    assert found["energy_agrees"]
    kinds = {"synapse": ["synaptic_event"], "soma": ["update", "spike"], "network": ["message", "hop_x", "hop_y"]}
    for component, total in found["energy"].items():
        ours = sum(found["modelled"]["kinds"][kind]["energy_pj"] for kind in kinds[component]) * 1e-12
        terms = sum(joules for what, _, joules in found["explained"] if what == component)
        assert total == pytest.approx(ours + terms, rel=1e-9), component


@needs_sanafe
def test_skips_and_signed_inputs_run_there(tmp_path: Path) -> None:
    net = IntegerNet(7)
    x = net.input(2, 4, 4, lo=-5, hi=5)
    first = net.fire(net.conv(x, 4, 3, pads=(1, 1, 1, 1)), hi=3, theta=[3, 5, 8, 4], bias=[1, -2, 0, 5])
    second = net.fire(net.conv(first, 4, 3, pads=(1, 1, 1, 1)), net.conv(x, 4), hi=6, theta=3)
    third = net.fire(net.conv(second, 3), net.conv(first, 3), hi=4, theta=[7, 2, 5])
    graph = net.graph(net.read(net.dense(net.max_pool(third), 5), bias=-3, name="y"))
    program = on_core(rate_program(graph))
    exported(program, levels_of(program, graph, 8), tmp_path / "out")
    assert report_of(tmp_path / "out")["exact"]


@needs_sanafe
def test_a_network_that_is_off_by_one_weight_ends_with_status_1(tmp_path: Path) -> None:
    net = IntegerNet(1)
    graph = net.graph(net.read(net.dense(net.fire(net.dense(net.input(4), 6), theta=2), 2), name="y"))
    program = on_core(rate_program(graph))
    exported(program, levels_of(program, graph, SAMPLES), tmp_path / "out")
    network = tmp_path / "out" / "network.yaml"
    network.write_text(network.read_text(encoding="ascii").replace("[weight: 3]", "[weight: 2]"), encoding="ascii")
    done = run_export(tmp_path / "out")
    assert done.returncode == 1
    assert "counts that differ: 0" not in done.stdout


def test_snncc_cost_exports_for_sana_fe(tmp_path: Path) -> None:
    program, x = compiled("convolutions")
    program.save(tmp_path / "net.snnp")
    np.savez(tmp_path / "data.npz", x=x)
    command = ["cost", str(tmp_path / "net.snnp"), "--data", str(tmp_path / "data.npz"), "--limit", "3"]
    done = CliRunner().invoke(app, [*command, "--sanafe", str(tmp_path / "out"), "--quiet"])
    assert done.exit_code == 0, done.output
    assert f"{tmp_path / 'out'}" in done.output.replace("\n", "")
    expected = json.loads((tmp_path / "out" / "expected.json").read_text(encoding="ascii"))
    assert expected["samples"] == 3
    assert expected["modelled"]["table"] == "sanafe"


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_counted(tmp_path: Path) -> None:
    program, x = compiled("convolutions")
    program.save(tmp_path / "net.snnp")
    np.savez(tmp_path / "data.npz", x=x)
    (tmp_path / "out").write_text("a file", encoding="ascii")
    command = ["cost", str(tmp_path / "net.snnp"), "--data", str(tmp_path / "data.npz")]
    done = CliRunner().invoke(app, [*command, "--sanafe", str(tmp_path / "out"), "--quiet"])
    assert done.exit_code == 1
    assert "SNN603" in str(done.exception)


def test_a_program_in_another_coding_is_told_with_the_nearest_fix(tmp_path: Path) -> None:
    x = np.random.default_rng(0).random((8, 1, 8, 8), dtype=np.float32)
    program = snncc.compile(tiny_cnn(), x, target="loihi2", coding="graded", rounding="nearest")
    with pytest.raises(snncc.SnnccError) as caught:
        snncc.export_sanafe(program, x, tmp_path / "out")
    assert {problem.code for problem in caught.value.diagnostics} == {"SNN740"}
    assert "--coding rate --target loihi1" in str(caught.value)
    assert not (tmp_path / "out").exists()
