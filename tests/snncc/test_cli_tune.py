from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snncc as package
from snncc.compiler.diagnostics import SnnccError
from tests.snncc.conftest import Command

ROOT = Path(__file__).parents[2]
OPTIONS = ("--calibration", "cal.npz", "--data", "tune.npz", "-o", "new.snnp", "--jobs", "1", "--max-loss", "50")


@pytest.fixture
def data(work: Path, images: np.ndarray) -> Path:
    """tune.npz: other images than those of cal.npz."""
    x = np.random.default_rng(5).random((40, *images.shape[1:]), dtype=np.float32)
    np.savez(work / "tune.npz", x=x, y=np.arange(40) % 3)
    return work


def finished(path: Path) -> list[dict[str, Any]]:
    """Return the trials in a study file; a last line may break off."""
    if not path.exists():
        return []
    lines = [line for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]
    return [record for record in map(json.loads, lines) if record.get("op_code") == 4]


def runs(pid: str) -> bool:
    """Return whether a process runs; one that has ended may wait to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_tuning_writes_the_chosen_program_and_tells_the_front(snncc: Command, data: Path) -> None:
    said = snncc("tune", "tiny.onnx", *OPTIONS, "--trials", "9", "--test", "test.npz", "--study", "s.jsonl")
    assert said.code == 0, said.err
    assert "times less energy than default options" in said.out.splitlines()[0]
    assert "<- chosen" in said.out
    assert "verified: the program reproduces its integer network" in said.out
    assert "test data: lost" in said.out
    assert "modelled: 23.6 pJ a synaptic event" in said.out
    assert len(finished(Path("s.jsonl"))) == 9
    assert snncc("verify", "new.snnp", "--data", "test.npz").code == 0
    assert snncc("check", "new.snnp").code == 0


def test_json_holds_what_words_tell_and_settings_that_compile_takes(snncc: Command, data: Path) -> None:
    result = snncc("tune", "tiny.onnx", *OPTIONS, "--trials", "6", "--study", ".", "--json").json
    assert result["file"] == "new.snnp"
    assert result["study"] == "tiny.study.jsonl"
    assert (result["met"], result["exact"], result["test"]) == (True, True, None)
    assert result["effort"]["trials"] == 6
    again = package.compile("tiny.onnx", np.load("cal.npz")["x"], **result["chosen"]["settings"])
    again.save("again.snnp")
    assert Path("again.snnp").read_bytes() == Path("new.snnp").read_bytes()
    for one in result["front"]:
        assert {"loss", "low", "high", "picojoules", "latency_steps", "initiation_interval", "synops"} <= set(one)


def test_a_goal_that_no_point_meets_ends_with_a_diagnostic_and_no_program(snncc: Command, data: Path) -> None:
    wrong = ("--max-loss", "0", "--sure", "--trials", "2")
    said = snncc("tune", "tiny.onnx", *OPTIONS, *wrong)
    assert said.code == 1
    assert said.out.startswith("NOT MET")
    assert "error[SNN527]: none of 2 points measured loses 0 or less; the closest loses" in said.out
    assert not Path("new.snnp").exists()
    with pytest.raises(SnnccError) as error:
        package.tune(
            "tiny.onnx", np.load("cal.npz")["x"], np.load("tune.npz")["x"], np.load("tune.npz")["y"],
            max_loss=0.0, sure=True, trials=2, jobs=1,
        )  # fmt: skip
    assert [d.code for d in error.value.diagnostics] == ["SNN527"]


def test_bad_options_are_told_together_before_anything_is_read(refused: Command, data: Path) -> None:
    result = refused("tune", "no.onnx", *OPTIONS, "--minimize", "speed", "--trials", "0", "--coding", "morse", code=2)
    assert sorted(result.codes) == ["SNN502", "SNN520", "SNN525"]


def test_bad_files_are_told_together(refused: Command, data: Path) -> None:
    Path("tune.npz").write_bytes(b"")
    result = refused("tune", "no.onnx", "--calibration", "no.npz", "--data", "tune.npz", "-o", "no/new.snnp")
    assert sorted(result.codes) == ["SNN100", "SNN301", "SNN401", "SNN401"]


def test_a_study_is_no_program(refused: Command, data: Path) -> None:
    Path("s.jsonl").write_text("{}\n")
    assert refused("tune", "tiny.onnx", *OPTIONS, "--study", "s.jsonl").codes == ["SNN523"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are watched in /proc")
def test_a_search_that_was_killed_goes_on_without_redoing_trials(snncc: Command, data: Path) -> None:
    words = ["tune", "tiny.onnx", *OPTIONS, "--study", "s.jsonl", "--trials"]
    words[words.index("--jobs") + 1] = "2"
    code = "import sys; from snncc.cli import main; main(sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen([sys.executable, "-c", code, *words, "100000"], env=environment, start_new_session=True)
    study = Path("s.jsonl")
    deadline = time.monotonic() + 300
    while len(finished(study)) < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = subprocess.run(
        ["ps", "--ppid", str(killed.pid), "-o", "pid="], capture_output=True, text=True
    ).stdout.split()
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    before = finished(study)
    assert len(before) >= 6
    assert len(workers) == 2
    while any(map(runs, workers)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(runs, workers))
    result = snncc(*words, str(len(before) + 3), "--json").json
    after = finished(study)
    assert after[: len(before)] == before
    assert len(after) == len(before) + 3
    assert len({json.dumps(trial["params"], sort_keys=True) for trial in after}) == len(after)
    assert (result["effort"]["resumed"], result["effort"]["trials"]) == (len(before), len(after))
