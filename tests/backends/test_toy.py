"""The toy backend of docs/add-a-backend.md: a package of its own that snncc finds, loads when used, and can rely on."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from snncc.backends.artifact import write_artifact
from snncc.backends.base import Backend
from snncc.backends.conformance import Case, cases
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.neuron import OPERATIONS, parse_neuron
from snncc.compiler.program import Connection, DenseSynapses, EventInput, Population, Program
from tests.backends.harness import emit

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "toy_backend"
CASES = {case.name: case for case in cases()}

# Runs where the toy is installed: it is listed but not loaded, then does the whole kit, then a model from end to end.
SCRIPT = """
import sys
from pathlib import Path

import numpy as np

import snncc
from snncc.backends.conformance import cases
from snncc.backends.registry import get_backend, names
from tests.backends.conformance import assert_conforms
from tests.nets import tiny_cnn

assert "toy" in names()
assert "snncc_toy" not in sys.modules
toy = get_backend("toy")
assert (toy.name, toy.missing()) == ("toy", "")
assert "snncc_toy" in sys.modules
for case in cases():
    assert toy.check(case.program) == [], case.name
    folder = Path("kit", case.name)
    folder.mkdir(parents=True)
    assert_conforms(toy, case, folder)
x = np.random.default_rng(0).random((20, 1, 8, 8), dtype=np.float32)
report = snncc.verify(snncc.compile(tiny_cnn(), x, coding="rate", levels=2), x, limit=2, on="toy")
assert report.exact, report.first_divergence
assert (report.device, report.device_samples > 2) == ("toy", True)
print("conforms")
"""


def declared() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((TOY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def install(folder: Path) -> Path:
    """Lay out the package as pip does, which needs no network."""
    project = declared()
    shutil.copy(TOY / "snncc_toy.py", folder)
    info = folder / f"snncc_toy-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    points = project["entry-points"]["snncc.backends"].items()
    lines = ["[snncc.backends]", *(f"{name} = {value}" for name, value in points)]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def run_beside(package: Path, script: str, place: Path) -> str:
    """Run a script where a package is on the path and the package is not; return what it prints."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(package), str(ROOT)])}
    command = [sys.executable, "-c", script]
    ran = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("toy_under_test", TOY / "snncc_toy.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def toy() -> Backend:
    backend: Backend = load().ToyBackend()
    return backend


def emitted(toy: Backend, name: str, folder: Path) -> Path:
    case = CASES[name]
    return emit(toy, case.program, case.feed, folder / name)


def self_test(artifact: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(artifact / "program.py")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_installed_backend_is_loaded_when_used_and_does_all_of_the_kit(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    assert run_beside(install(tmp_path / "site"), SCRIPT, tmp_path).endswith("conforms\n")


def can_build() -> bool:
    """Return whether pip can build a wheel without fetching anything."""
    try:
        return tuple(map(int, version("setuptools").split(".")[:2])) >= (70, 1)  # the first that needs no wheel
    except PackageNotFoundError:
        return False


@pytest.mark.skipif(not can_build(), reason="no setuptools that builds a wheel")
def test_pip_installs_what_is_laid_out_by_hand_here(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "site"
    shutil.copytree(TOY, source, ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    script = "from snncc.backends.registry import get_backend; print(get_backend('toy').about)"
    assert run_beside(target, script, tmp_path) == "one file of plain Python, to read\n"


@pytest.mark.parametrize("name", ["delays", "phase", "events", "bitplane-signed", "silence"])
def test_the_self_test_passes_on_its_own(name: str, toy: Backend, tmp_path: Path) -> None:
    ran = self_test(emitted(toy, name, tmp_path))
    assert (ran.returncode, ran.stdout) == (0, f"{CASES[name].feed.steps} steps are as golden.txt has them\n")


@pytest.mark.parametrize(
    ("before", "after", "where"),
    [
        ("r2 + r3", "r2 - r3", "step 1, population 1"),
        (", 62, [", ", 61, [", "step 61, population 1"),
        ("[0, 1, -3]", "[0, 1, -2]", "step 1, population 1"),
    ],
)
def test_the_self_test_fails_on_code_that_is_not_as_it_was(
    before: str, after: str, where: str, toy: Backend, tmp_path: Path
) -> None:
    program = emitted(toy, "delays", tmp_path) / "program.py"
    text = program.read_text(encoding="ascii")
    assert before in text
    program.write_text(text.replace(before, after), encoding="ascii")
    ran = self_test(program.parent)
    assert ran.returncode == 1
    assert where in ran.stderr


def test_the_same_program_makes_the_same_bytes_and_no_name_is_in_them(toy: Backend, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
        toy.emit(CASES["names"].program, folder)
    first, again = ((folder / "program.py").read_bytes() for folder in folders)
    assert first == again
    assert not any(word in first for word in (b"CLASS", b"static", b"while", b"NULL", b"conformance"))


def test_every_operation_is_spelled() -> None:
    assert set(load().SPELLED) == set(OPERATIONS)


def large(weight: int, code: str) -> Program:
    eyes = Population("eyes", (2,), parse_neuron("port x\nstate v:24\nv = copy in.x\nemit v"), {}, payload_bits=24)
    cells = Population("cells", (1,), parse_neuron(code), {})
    wire = Connection("wire", "eyes", "cells", "x", DenseSynapses(np.array([[weight, weight]])))
    return Program("large", "any", 0, (eyes, cells), (wire,), (EventInput("in", "eyes", "x"),))


def test_what_64_bits_may_not_hold_is_refused(toy: Backend, tmp_path: Path) -> None:
    code = "port x\nstate v:63\nw = ge in.x 5\nv = copy w"
    assert toy.check(large(1 << 37, code)) == []
    assert [problem.code for problem in toy.check(large(1 << 50, code))] == ["SNN611"]
    squared = large(1 << 20, "port x\nstate v:63\nw = mul in.x in.x\nv = ge w 5")
    assert [problem.code for problem in toy.check(squared)] == ["SNN610"]
    with pytest.raises(SnnccError, match="SNN610"):
        write_artifact(toy, squared, tmp_path / "a")
    assert os.listdir(tmp_path) == []


def test_a_run_that_fails_or_ends_early_is_a_diagnostic(toy: Backend, tmp_path: Path) -> None:
    case = CASES["events"]
    program = emitted(toy, "events", tmp_path) / "program.py"
    text = program.read_text(encoding="ascii")
    for before, after, code in (("yield did", "if now < 5: yield did", "SNN604"), ("payload = 0", "1 / 0", "SNN606")):
        assert before in text
        program.write_text(text.replace(before, after), encoding="ascii")
        with pytest.raises(SnnccError, match=code):
            list(toy.run(program.parent, case.feed))


def test_a_run_leaves_the_artifact_as_it_is_and_starts_anew(toy: Backend, tmp_path: Path) -> None:
    case: Case = CASES["hard-reset"]
    artifact = emitted(toy, "hard-reset", tmp_path)
    before = sorted(path.name for path in artifact.rglob("*"))
    first, again = (list(toy.run(artifact, case.feed)) for _ in range(2))
    assert all(np.array_equal(a["p"].membrane, b["p"].membrane) for a, b in zip(first, again, strict=True))
    assert sorted(path.name for path in artifact.rglob("*")) == before
