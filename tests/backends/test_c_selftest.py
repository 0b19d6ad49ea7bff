"""The self-test of an emitted network finds every kind of damage, names it, and survives damaged files."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.golden import escaped
from snncc.compiler.diagnostics import Loc
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import (
    Connection,
    ConvSynapses,
    DenseSynapses,
    EventInput,
    Output,
    Population,
    Program,
    SparseSynapses,
    Synapses,
)
from tests.backends.c_support import C, called, compiled_arrays, event_feed, sanitized, selftest
from tests.backends.harness import emit

HOSTILE = ["int", "*/ #error", "a\nb", "ä%s%n", "x" * 300, '"); system("true', "\\", ""]


def every_kind() -> Program:
    """Return a program with every kind of constant array, and layers named by what would break careless code."""
    hear = "port int\nparam while do\nstate for:40\nfor = add int_ while\nfor = mul for do".replace("int_", "in.int")
    echo = parse_neuron("port x\nstate v:20\nv = copy in.x\nemit v")
    rng = np.random.default_rng(5)
    conv = ConvSynapses(rng.integers(1, 9, (2, 1, 2, 2)), (1, 3, 3), (1, 1), (0, 0, 0, 0), (1, 1))
    sparse = SparseSynapses(np.array([0, 3, 8]), np.array([7, 0, 2]), np.array([3, -4, 5]))
    kinds: list[Synapses] = [conv, DenseSynapses(rng.integers(1, 9, (8, 9))), sparse]
    locs = [Loc("f", name or "?", module=name) for name in HOSTILE]
    a = Population("a", (9,), echo, {}, payload_bits=9, loc=locs[0])
    params = {"while": rng.integers(1, 9, (2, 1, 1)), "do": rng.integers(1, 9, (2, 2, 2))}
    b = Population("b", (2, 2, 2), parse_neuron(hear), params, loc=locs[1])
    order = np.array([8, 7, 6, 5, 4, 3, 2, 1, 0])
    wires = [Connection(f"w{k}", "a", "b", "int", s, 1, order, locs[2 + k]) for k, s in enumerate(kinds)]
    outputs = (Output("o", "b", Fraction(1)),)
    return Program("kinds", "none", 2, (a, b), tuple(wires), (EventInput("e", "a", "x"),), outputs)


FEED = event_feed(9, {"e": [(0, n, n + 1) for n in range(9)] + [(3, 4, 100)]})


@pytest.fixture(scope="module")
def artifact(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return emit(C, every_kind(), FEED, tmp_path_factory.mktemp("kinds") / "c")


@pytest.fixture(scope="module")
def binary(artifact: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sanitized(artifact, tmp_path_factory.mktemp("binary"))


def test_an_untouched_artifact_passes(artifact: Path) -> None:
    assert selftest(artifact) == (0, "PASS 9 steps and 11 arrays\n")


ARRAYS = {
    "p1_param0": HOSTILE[1],
    "p1_param1": HOSTILE[1],
    "c0_weight": HOSTILE[2],
    "c0_begin": HOSTILE[2],
    "c0_element": HOSTILE[2],
    "c1_weight": HOSTILE[3],
    "c1_begin": HOSTILE[3],
    "c1_element": HOSTILE[3],
    "c2_weight": HOSTILE[4],
    "c2_target": HOSTILE[4],
    "c2_begin": HOSTILE[4],
}


def test_these_are_all_arrays(artifact: Path) -> None:
    assert compiled_arrays(artifact).keys() == ARRAYS.keys()


@pytest.mark.parametrize("symbol", ARRAYS)
def test_a_changed_number_is_found_and_its_layer_named(symbol: str, artifact: Path) -> None:
    source = artifact / "snncc_net.c"
    text = source.read_text()
    found = compiled_arrays(artifact)[symbol]
    changed = str(int(found[2]) ^ 1)
    try:
        source.write_text(text[: found.start(2)] + changed + text[found.end(2) :])
        status, said = selftest(artifact, "-O0")
    finally:
        source.write_text(text)
    assert status == 1
    assert f"FAIL array {symbol} of " in said
    assert f"layer {escaped(ARRAYS[symbol])}, is not as it was emitted" in said
    assert "PASS" not in said


def test_the_first_spike_that_differs_is_told(artifact: Path, binary: Path, tmp_path: Path) -> None:
    """The step, population, its name and layer, the neuron and both values."""
    golden = (artifact / "golden.txt").read_text().replace(" 4 100\n", " 4 101\n").replace("i 0 1 4 101", "i 0 1 4 100")
    (tmp_path / "golden.txt").write_text(golden)
    ran = called(binary, "--selftest", str(tmp_path / "golden.txt"), "weights.txt", cwd=artifact)
    assert ran.returncode == 1
    assert ran.stdout.decode() == "FAIL step 3 population 0 ('a', layer int) neuron 4: spike 100, golden 101\n"


@pytest.mark.parametrize("kind", ["p", "o"])
def test_a_membrane_and_an_output_that_differ_are_told(kind: str, artifact: Path, binary: Path, tmp_path: Path) -> None:
    lines = (artifact / "golden.txt").read_text().splitlines()
    at = max(k for k, line in enumerate(lines) if line.startswith(f"{kind} "))
    words = lines[at].split()
    words[2 if kind == "p" else 3] = "12345"
    lines[at] = " ".join(words)
    (tmp_path / "golden.txt").write_text("\n".join(lines))
    ran = called(binary, "--selftest", str(tmp_path / "golden.txt"), "weights.txt", cwd=artifact)
    assert ran.returncode == 1
    text = ran.stdout.decode()
    assert text.startswith("FAIL step 8 ")
    assert ("membranes have the checksum" if kind == "p" else "golden 12345") in text


def test_damaged_files_are_reported_without_a_crash(artifact: Path, binary: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    damaged = tmp_path / "damaged.txt"
    for name in ("golden.txt", "weights.txt"):
        whole = (artifact / name).read_bytes()
        tries = [b"", whole[:1], b"\0" * 2000, b"9" * 5000, whole[:-5], whole.replace(b" ", b" -", 30)]
        tries += [whole.replace(b"2", b"99999999999999999999")]
        for _ in range(40):
            changed = bytearray(whole)
            for place in rng.integers(0, len(whole), 3):
                changed[place] = rng.integers(256)
            tries += [bytes(changed), whole[: rng.integers(len(whole))]]
        for text in tries:
            damaged.write_bytes(text)
            files = [str(damaged if file == name else artifact / file) for file in ("golden.txt", "weights.txt")]
            ran = called(binary, "--selftest", *files)
            assert ran.returncode in (0, 1)
            assert ran.stdout[:4] == (b"FAIL" if ran.returncode else b"PASS"), (text, ran)
    ran = called(binary, "--selftest", str(tmp_path / "no such file"))
    assert ran.returncode == 1
    assert b"cannot be opened" in ran.stdout


def test_no_name_stands_in_the_code(artifact: Path) -> None:
    names = ("every", "kinds", "system", "#error", "while do", "xxx", "w0")
    for file in ("snncc_net.c", "snncc_net.h", "main.c", "README.md", "selftest.sh"):
        text = (artifact / file).read_text()
        assert not [name for name in names if name in text.replace("every", "")], file
        assert text.isascii(), file


def test_emission_depends_on_nothing_else(artifact: Path, tmp_path: Path) -> None:
    program = every_kind()
    again = emit(C, replace(program, populations=tuple(program.populations)), FEED, tmp_path / "other" / "place")
    for path in sorted(artifact.iterdir()):
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name
