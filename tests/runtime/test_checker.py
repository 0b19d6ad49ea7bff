"""The checker accepts what was compiled, in every coding, and rejects every fault that changes what a program does."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.ir.graph import Graph
from snncc.runtime import checker
from snncc.runtime.checker import check
from tests.integer_nets import IntegerNet, integer_networks
from tests.runtime.judge import CHECKER, MISSED, WITNESSES, Trial
from tests.runtime.mutants import mutants
from tests.runtime.mutated_nets import CODINGS, Subject, layers, pools, subject, subjects, sums
from tests.runtime.sealed import FAULTS, Sealed

FILE = Path(checker.__file__)
EACH = 24  # mutants of a program
SUBJECTS = {made.name: made for made in subjects()}


def sealed(data: bytes) -> list[tuple[str, str]]:
    return check(io.BytesIO(data))


@pytest.fixture(scope="module")
def plain() -> Subject:
    return SUBJECTS["layers, bitplane"]


# ---- what it is


def test_it_needs_numpy_and_the_standard_library_alone() -> None:
    names = set()
    for node in ast.walk(ast.parse(FILE.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module))
    assert {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) == {"numpy"}


def test_it_is_short_enough_to_read() -> None:
    assert FILE.read_text(encoding="utf-8").count("\n") < 500


def test_it_runs_by_itself(tmp_path: Path, plain: Subject) -> None:
    path = tmp_path / "it.snnp"
    path.write_bytes(plain.data)
    done = subprocess.run([sys.executable, "-I", FILE, path, "--json"], capture_output=True, text=True, check=False)
    assert json.loads(done.stdout) == {"accepted": True, "problems": []}
    assert done.returncode == 0
    path.write_bytes(b"")
    done = subprocess.run([sys.executable, "-I", FILE, path], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("the file cannot be read")


def test_a_wrong_map_escapes_with_less_than_2_to_the_minus_60() -> None:
    assert checker.VECTORS * checker.DIGITS >= 60


# ---- what it accepts


@pytest.mark.parametrize("name", list(SUBJECTS))
def test_it_accepts_what_was_compiled(name: str) -> None:
    assert sealed(SUBJECTS[name].data) == []


@settings(max_examples=60)
@given(integer_networks(every=True), st.sampled_from(CODINGS), st.booleans(), st.sampled_from([0, 2, 62]), st.data())
def test_it_accepts_random_networks_in_mixed_codings(
    network: Graph, coding: str, graded: bool, max_delay: int, data: st.DataObject
) -> None:
    names = [node.name for node in network.nodes if node.op.name in ("encode", "fire", "ladder")]
    by_node = {name: data.draw(st.sampled_from(CODINGS)) for name in names if data.draw(st.booleans())}
    try:
        made = subject(network, "it", coding, by_node, graded, max_delay)
    except SnnccError:
        return
    assert sealed(made.data) == []


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("lo", [0, -2])
def test_it_accepts_max_pools_of_nine_taps(coding: str, lo: int) -> None:
    net = IntegerNet(1)
    pooled = net.max_pool(net.input(1, 6, 6, lo=lo, hi=3), 3, 2, pads=(1, 1, 1, 1))
    try:
        made = subject(net.graph(net.read(net.dense(pooled, 2))), "it", coding, graded=False)
    except SnnccError:
        assert (coding, lo < 0) == ("ttfs", True)
        return
    assert sealed(made.data) == []


def test_sums_without_a_population_are_taken_through() -> None:
    made = SUBJECTS["sums, rate"]
    assert "summed" not in made.program.population
    assert "summed" in made.network.node


def test_a_sum_that_may_be_clipped_is_not() -> None:
    made = SUBJECTS["sums, rate"]
    file = Sealed(made.data)
    text = file.members["network.txt"].decode()
    changed = text.replace("lo=0, hi=12", "lo=0, hi=11").replace("level<0,12>", "level<0,11>")
    assert changed != text
    file.members["network.txt"] = changed.encode()
    assert any("y" in where for where, _ in sealed(file.data()))


# ---- what it rejects


@pytest.mark.parametrize(("seed", "name"), [*enumerate(SUBJECTS)], ids=list(SUBJECTS))
def test_every_fault_that_changes_what_a_program_does_is_rejected(seed: int, name: str) -> None:
    made = SUBJECTS[name]
    trial, found = Trial.of(made.network, made.program), Counter[str]()
    assert not trial.differs(made.program, trial.every)
    for mutant in mutants(made.data, EACH, seed):
        verdict = trial.judge(mutant)
        assert verdict not in (MISSED, WITNESSES), f"{mutant.kind}: {mutant.what}"
        found[verdict] += 1
        found["in neurons"] += FAULTS[mutant.kind][0] == "neurons"
    assert found["in neurons"] >= EACH // 2
    assert found[CHECKER] > EACH // 2


def test_there_are_many_kinds_of_faults_and_mutants() -> None:
    assert len(FAULTS) >= 12
    assert len(SUBJECTS) * EACH >= 500


CHANGES: dict[str, tuple[Any, str, str]] = {
    "weight": (lambda f: _add(f, "connections/second.in/synapses/weight"), "population second", "weighted sums"),
    "bias": (lambda f: _add(f, "populations/second/params/offset"), "population second", "another offset"),
    "theta": (lambda f: _add(f, "populations/second/params/theta"), "population second", "all charges of a level"),
    "delay": (lambda f: _set(f, "connections", "second.in", "delay", 9), "connection second.in", "another time"),
    "window": (lambda f: _set(f, "populations", "hidden", "window", 2), "population hidden", "a window of 2 steps"),
    "payload": (
        lambda f: _set(f, "populations", "hidden", "payload_bits", 0),
        "population hidden",
        "payload of 0 bits",
    ),
    "input": (lambda f: _set(f, "inputs", "x", "hi", 4), "population x.levels", "is not fed x"),
    "output": (lambda f: _set(f, "outputs", "y", "scale", "1/2"), "output y", "another unit"),
    "claim": (lambda f: _claim(f, "hidden", "x.levels"), "population hidden", "cannot be a fire"),
    "version": (lambda f: f.plain.update(version=1), "the file", "another version"),
    "clear": (lambda f: _neuron(f, "hidden", "d = select first 0 d", "d = copy d"), "population hidden", "clear d"),
    "kernel": (lambda f: _neuron(f, "hidden", "d = shl d 1", "d = copy d"), "population hidden", "add up in d"),
    "early": (lambda f: _neuron(f, "hidden", "v = select first x v", "v = copy x"), "population hidden", "before"),
    "code": (lambda f: _neuron(f, "hidden", "emit s", "emit"), "the file", "'emit'"),
}


def _add(file: Sealed, path: str) -> None:
    file.tensors[path] = np.asarray(file.tensors[path] + 1)


def _set(file: Sealed, section: str, name: str, field: str, value: object) -> None:
    next(item for item in file.plain[section] if item["name"] == name)[field] = value


def _claim(file: Sealed, name: str, node: str) -> None:
    next(item for item in file.plain["populations"] if item["name"] == name)["claim"]["node"] = node


def _neuron(file: Sealed, name: str, old: str, new: str) -> None:
    lines = file.plain["neurons"][next(p["neuron"] for p in file.plain["populations"] if p["name"] == name)]
    lines[lines.index(old)] = new


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_problem_names_its_place_and_says_what_is_wrong(plain: Subject, name: str) -> None:
    change, where, what = CHANGES[name]
    file = Sealed(plain.data)
    change(file)
    problems = sealed(file.data())
    assert any(place == where and what in sentence for place, sentence in problems), problems


def test_problems_of_several_places_are_told_together(plain: Subject) -> None:
    file = Sealed(plain.data)
    _add(file, "connections/second.in/synapses/weight")
    _set(file, "outputs", "y", "scale", "1/2")
    assert {where for where, _ in sealed(file.data())} == {"population second", "output y"}


# ---- the certificate


def certificate(data: bytes) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found: dict[str, Any] = json.loads(archive.read("certificate.json"))
    return found


def with_certificate(data: bytes, plain: object) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(buffer, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, json.dumps(plain) if name == "certificate.json" else archive.read(name))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "path",
    [
        ("sha256", "program.json"),
        ("schedule", "interval"),
        ("populations", "hidden", "law"),
        ("populations", "hidden", "start"),
        ("populations", "hidden", "charge", 0),
        ("populations", "hidden", "arrivals", "double", 1),
        ("populations", "hidden", "registers", "v", 0),
        ("populations", "hidden", "registers", "d", 1),
        ("populations", "y", "charge", 1),
    ],
    ids=str,
)
def test_a_certificate_that_says_something_else_is_rejected(plain: Subject, path: tuple[Any, ...]) -> None:
    told = certificate(plain.data)
    inner = told
    for key in path[:-1]:
        inner = inner[key]
    old = inner[path[-1]]
    inner[path[-1]] = "" if isinstance(old, str) else old + (1 if path[-1] == 0 else -1)
    assert sealed(with_certificate(plain.data, told)) != []
    assert sealed(with_certificate(plain.data, certificate(plain.data))) == []


def test_a_file_without_a_certificate_is_rejected(plain: Subject) -> None:
    file = Sealed(plain.data)
    file.plain["members"].remove("certificate.json")
    file.members["program.json"] = json.dumps(file.plain).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in file.plain["members"]:
            archive.writestr(name, file.members[name])
    assert sealed(buffer.getvalue()) == [("the file", "cannot be read: KeyError: 'certificate.json'")]
    assert check(io.BytesIO(buffer.getvalue()), certified=False) == []


# ---- malformed files


@pytest.mark.parametrize("seed", range(4))
def test_damage_never_ends_in_an_error(plain: Subject, seed: int) -> None:
    random, data = np.random.default_rng(seed), plain.data
    for _ in range(40):
        broken = bytearray(data)
        for place in random.integers(len(data), size=random.integers(1, 4)):
            broken[place] = random.integers(256)
        assert isinstance(sealed(bytes(broken)), list)


@pytest.mark.parametrize("seed", range(4))
def test_nonsense_in_the_right_form_never_ends_in_an_error(seed: int) -> None:
    random = np.random.default_rng(seed)
    nonsense: tuple[Any, ...] = (None, -1, 10**30, "", [], {}, True, 1.5, [[]], "x.levels")
    for _ in range(40):
        file = Sealed(subject(pools() if seed % 2 else layers(), "it", CODINGS[seed]).data)
        inner: Any = file.plain
        while True:
            keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
            if not keys:
                break
            key = keys[random.integers(len(keys))]
            if not isinstance(inner[key], (dict, list)) or random.random() < 0.2:
                inner[key] = nonsense[random.integers(len(nonsense))]
                break
            inner = inner[key]
        try:
            data = file.data()
        except (LookupError, TypeError, ValueError):  # too broken to be sealed
            continue
        assert isinstance(sealed(data), list)


def test_sums_compare_as_maps_where_the_weights_were_folded() -> None:
    made = subject(sums(), "it", "ttfs")
    file = Sealed(made.data)
    name = next(c["synapses"]["weight"] for c in file.plain["connections"] if c["target"] == "y")
    file.tensors[name] = file.tensors[name].copy()
    file.tensors[name].flat[0] += 1
    assert sealed(file.data()) == [("population y", "does not hear the weighted sums of y")]
