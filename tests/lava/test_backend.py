"""What the lava backend emits does on Lava, spike by spike and membrane by membrane, what the emulator does."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import snncc
from snncc.backends.artifact import write_artifact
from snncc.backends.lava.backend import LavaBackend
from snncc.compiler.coding import CODINGS
from snncc.compiler.diagnostics import Loc, SnnccError
from snncc.compiler.mapping.choice import Choice
from snncc.compiler.mapping.lower import lower
from snncc.compiler.program import Program, TensorInput
from snncc.compiler.targets import load_target
from snncc.compiler.trace import Sent, feed_levels
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.run import run, to_levels
from tests.backends.harness import assert_same_trace, emit
from tests.integer_nets import IntegerNet
from tests.lava.programs import WIRES, noise, pair, pair_feed, wired
from tests.nets import tiny_cnn

LAVA = LavaBackend()
MNIST = Path(__file__).parents[2] / "examples" / "mnist_cnn"
HOSTILE = (
    'it\'s "quoted"',
    "a\nb\r\n#",
    "../../etc/passwd",
    "__import__('os').mkdir('pwned')",
    "{0}{name}%s\\",
    "class",
    "é\u202e\ud800",
    "p0",
)

COLUMNS = np.arange(10).reshape(2, 5).T.ravel()
Ran = tuple[list[Any], list[Any]]  # every step on Lava, and on the emulator


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Return what Lava and the emulator do with a program that has every kind of connection."""
    program, feed = wired(), noise()
    assert LAVA.check(program) == []
    artifact = tmp_path_factory.mktemp("wired") / "artifact"
    write_artifact(LAVA, program, artifact)
    return list(LAVA.run(artifact, feed)), list(run_feed(Emulator(program), feed))


@pytest.mark.parametrize("name", [*WIRES, "eyes", "ears", "clock", "ear dense", "ear conv", "cells"])
def test_spikes_and_membranes_are_those_of_the_emulator(name: str, ran: Ran) -> None:
    for step, (found, expected) in enumerate(zip(*ran, strict=True)):
        for what in ("spikes", "membrane"):
            mine, theirs = getattr(found[name], what), getattr(expected[name], what)
            assert np.array_equal(mine, theirs), (step, what, np.flatnonzero(mine != theirs)[0])


def test_in_that_comparison_every_population_hears_something_and_the_cells_spike(ran: Ran) -> None:
    """Else it would say little."""
    heard = {name: max(np.abs(sent[name].membrane).max() for sent in ran[1]) for name in WIRES}
    assert [name for name, most in heard.items() if most == 0] == ["no weight"]
    assert 3 < sum(int(sent["cells"].spikes.sum()) for sent in ran[1]) < 200


def tiny(coding: str) -> tuple[Program, np.ndarray[Any, Any]]:
    """Return the tiny CNN with few levels, and inputs for it."""
    x = np.random.default_rng(0).normal(size=(16, 1, 8, 8)).astype(np.float32)
    return snncc.compile(tiny_cnn(), np.abs(x) if coding == "ttfs" else x, coding=coding, levels=5), x


@pytest.mark.parametrize("coding", CODINGS)
def test_a_compiled_network_is_exact_in_every_coding(coding: str, tmp_path: Path) -> None:
    program, x = tiny(coding)
    tensor = program.inputs[0]
    assert isinstance(tensor, TensorInput)
    feed = feed_levels(program, {tensor.name: to_levels(tensor, x[:6])})
    assert_same_trace(LAVA, emit(LAVA, program, feed, tmp_path / "artifact"), program, feed)


@pytest.fixture(scope="module")
def mnist(tmp_path_factory: pytest.TempPathFactory) -> tuple[Program, Path]:
    """Return the MNIST example, its logits in two columns, and its artifact, with golden vectors of one sample."""
    x = np.load(MNIST / "calibration.npz")["x"][:100]
    program = snncc.compile(str(MNIST / "mnist_cnn.onnx"), x, coding="graded", levels=15)
    turned = replace(program.outputs[0], shape=(5, 2), gather=COLUMNS)
    program = replace(program, outputs=(turned,))
    tensor = program.inputs[0]
    assert isinstance(tensor, TensorInput)
    feed = feed_levels(program, {tensor.name: to_levels(tensor, x[:1])})
    return program, emit(LAVA, program, feed, tmp_path_factory.mktemp("mnist") / "artifact")


def test_the_mnist_example_runs_from_the_command_line_and_leaves_the_artifact_alone(
    mnist: tuple[Program, Path], tmp_path: Path
) -> None:
    program, artifact = mnist
    before = {path.relative_to(artifact) for path in artifact.rglob("*")}
    x = np.load(MNIST / "test.npz")["x"][:4]
    np.savez(tmp_path / "in.npz", i0=x)
    found = command([artifact / "run.py", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"], tmp_path)
    assert found.returncode == 0, found.stdout
    (logits,) = run(program, x).values()
    expected = logits[:, COLUMNS].reshape(-1, 5, 2)
    with np.load(tmp_path / "out.npz") as out:
        assert np.array_equal(out["o0"], expected)
        assert np.array_equal(out["o0_real"], expected * float(program.outputs[0].scale))
    assert {path.relative_to(artifact) for path in artifact.rglob("*")} == before


def test_the_self_test_passes_anywhere_without_snncc(mnist: tuple[Program, Path], tmp_path: Path) -> None:
    found = command([mnist[1] / "selftest.py"], tmp_path)
    assert found.returncode == 0, found.stdout
    assert "PASS" in found.stdout


def command(arguments: list[Any], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, without PYTHONPATH."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    line = [sys.executable, *map(str, arguments)]
    return subprocess.run(
        line,
        cwd=cwd,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Return the artifact of two populations, whose connection stands for the layer features.0."""
    program = pair(loc=Loc("net.onnx", "/Conv", module="features.0"))
    return emit(LAVA, program, pair_feed(program), tmp_path / "artifact")


def tamper(artifact: Path) -> None:
    """Add one to one weight."""
    path = artifact / "arrays" / "c0_0.npy"
    weight = np.load(path)
    weight[1, 2] += 1
    np.save(path, weight)


def rehash(artifact: Path, arrays: bool) -> None:
    """Bring the hashes in the manifest up to date, of the arrays' contents only where asked."""
    manifest = json.loads((artifact / "manifest.json").read_text(encoding="utf-8"))
    for name in manifest["files"]:
        manifest["files"][name] = hashlib.sha256((artifact / name).read_bytes()).hexdigest()
    if arrays:
        weight = np.load(artifact / "arrays" / "c0_0.npy")
        head = f"{weight.dtype.str} {weight.shape} ".encode("ascii")
        manifest["facts"]["arrays"]["c0_0"] = hashlib.sha256(head + weight.tobytes()).hexdigest()
    (artifact / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def test_the_self_test_names_the_connection_and_layer_of_a_changed_weight(small: Path, tmp_path: Path) -> None:
    tamper(small)
    plain = command([small / "selftest.py"], tmp_path)
    rehash(small, arrays=False)
    covered = command([small / "selftest.py"], tmp_path)
    for found in (plain, covered):
        assert found.returncode == 1
        assert "FAIL" in found.stdout
        assert "connection c0 'eyes wire', layer 'features.0'" in found.stdout


def test_the_self_test_finds_a_changed_weight_by_what_it_does(small: Path, tmp_path: Path) -> None:
    tamper(small)
    rehash(small, arrays=True)
    found = command([small / "selftest.py"], tmp_path)
    assert found.returncode == 1
    assert "FAIL: step 1, population p1 hears, layer features.0: the membranes" in found.stdout


def test_the_self_test_names_the_neuron_that_sent_the_wrong_payload(small: Path, tmp_path: Path) -> None:
    golden = small / "golden.txt"
    text, count = re.subn(r"(p 0 \d+ 4 0 8 1 9 2 )10", r"\g<1>5", golden.read_text(encoding="ascii"))
    assert count == 1
    golden.write_text(text, encoding="ascii")
    rehash(small, arrays=False)
    found = command([small / "selftest.py"], tmp_path)
    assert found.returncode == 1
    assert "FAIL: step 1, population p0 eyes, layer -: neuron 2 sent 10, not 5" in found.stdout


def test_the_self_test_finds_a_module_that_does_not_belong_to_the_network(small: Path, tmp_path: Path) -> None:
    (small / "network" / "extra.py").write_text("", encoding="utf-8")
    found = command([small / "selftest.py"], tmp_path)
    assert found.returncode == 1
    assert "network/extra.py does not belong here" in found.stdout


def test_names_are_only_text(tmp_path: Path) -> None:
    program = pair((HOSTILE[0] + HOSTILE[1], HOSTILE[2] + HOSTILE[3]), loc=Loc(*HOSTILE[3:8]))
    feed = pair_feed(program)
    artifact = emit(LAVA, program, feed, tmp_path / "artifact")
    assert_same_trace(LAVA, artifact, program, feed)
    found = command([artifact / "selftest.py"], tmp_path)
    assert found.returncode == 0, found.stdout
    assert os.listdir(tmp_path) == ["artifact"]


def run_all(program: Program, artifact: Path, steps: int = 6) -> list[Any]:
    write_artifact(LAVA, program, artifact)
    ran: list[Any] = list(LAVA.run(artifact, replace(pair_feed(program), steps=steps)))
    return ran


def test_a_state_that_overflows_stops_the_run_and_is_named(tmp_path: Path) -> None:
    program = pair(("eyes", "full 'one'"), "port a\nstate v:9\nv = add v in.a\nemit 0")
    with pytest.raises(SnnccError) as failed:
        run_all(program, tmp_path / "artifact")
    assert failed.value.diagnostics[0].code == "SNN606"
    assert "p1 step 2 neuron 1: state x0 is 274, outside -256..255" in str(failed.value)
    assert "p1 is population \"full 'one'\" of layer 'layer1'" in str(failed.value)


def test_a_payload_that_overflows_stops_the_run_and_is_named(tmp_path: Path) -> None:
    program = pair(neuron="port a\nstate v:24\nv = add v in.a\nemit in.a")
    with pytest.raises(SnnccError, match=r"p1 step 1 neuron 0: a payload is 20, outside 0\.\.1"):
        run_all(program, tmp_path / "artifact")


def test_a_run_that_takes_too_long_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNCC_LAVA_TIMEOUT", "0.5")
    with pytest.raises(SnnccError, match="the run took too long and was stopped"):
        run_all(pair(), tmp_path / "artifact", steps=50_000)


def test_steps_are_read_one_by_one_and_nothing_is_left_behind(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    trace = LAVA.run(small, pair_feed(pair()))
    assert isinstance(next(trace)["hears"], Sent)
    trace.close()  # type: ignore[attr-defined]
    assert os.listdir(tmp_path) == ["artifact"]


def test_arrays_that_fit_no_input_or_two_are_refused(tmp_path: Path) -> None:
    """Names of inputs that look like numbers of others, misspelt arrays and missing samples are told, not guessed."""
    net = IntegerNet(3)
    charges = [net.dense(net.input(4, name=name), 3) for name in ("i1", "i0")]
    graph = net.graph(net.read(*charges, name="y"))
    program = lower(graph, Choice(CODINGS["graded"], CODINGS["graded"]), load_target("loihi2"))
    artifact = tmp_path / "artifact"
    write_artifact(LavaBackend(), program, artifact)
    x = np.ones((2, 4), dtype=np.int64)
    for arrays in ({"i0": x, "i1": x}, {"i0": x, "odd": x}, {"odd": x}):
        np.savez(tmp_path / "in.npz", **arrays)  # type: ignore[arg-type,unused-ignore]
        words = [artifact / "run.py", "--inputs", tmp_path / "in.npz", "--outputs", tmp_path / "out.npz"]
        done = subprocess.run([sys.executable, "-B", *map(str, words)], capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert "input" in done.stderr
        assert "Traceback" not in done.stderr
