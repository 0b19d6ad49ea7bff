"""The C backend does what the emulator does: compiled networks, and programs made by hand."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import onnx
import pytest

import snncc
from snncc.backends.artifact import read_manifest, write_artifact
from snncc.backends.c.build import build
from snncc.backends.c.engine import read_outputs
from snncc.backends.conformance import cases
from snncc.compiler.diagnostics import SnnccError
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import (
    Connection,
    DenseSynapses,
    EventInput,
    Output,
    Population,
    Program,
    SparseSynapses,
    TensorInput,
)
from snncc.compiler.program_check import check_program
from snncc.runtime.emulator import Emulator, run_feed
from snncc.runtime.neurons import StateOverflow
from snncc.runtime.run import emulate
from tests.backends.c_support import (
    C,
    Ints,
    assert_exact,
    called,
    compiled,
    event_feed,
    sample_feed,
    sanitized,
    selftest,
)
from tests.backends.harness import emit
from tests.nets import tiny_cnn
from tests.runtime.test_emulator import lif_program, random_events

MNIST = Path("examples/mnist_cnn")
ECHO = parse_neuron("port x\nstate v:40\nv = copy in.x\nemit v")
KEEP = parse_neuron("port x\nstate v:63\nv = add v in.x")


def ints(*values: int) -> Ints:
    return np.array(values, dtype=np.int64)


@pytest.fixture(scope="module")
def tiny() -> onnx.ModelProto:
    return tiny_cnn()


@pytest.mark.parametrize(("coding", "levels"), [("graded", 63), ("bitplane", 7), ("rate", 3), ("ttfs", 5), ("rate", 1)])
def test_a_compiled_network_is_exact_and_passes_its_own_test(
    coding: str, levels: int, tiny: onnx.ModelProto, tmp_path: Path
) -> None:
    x = np.random.default_rng(2).random((24, 1, 8, 8), dtype=np.float32)
    program = compiled(tiny, x, coding, levels)
    artifact = assert_exact(program, sample_feed(program, {"x": x}), tmp_path / "c")
    status, text = selftest(artifact, "-O0")
    assert (status, text[:4]) == (0, "PASS"), text


@pytest.mark.parametrize("coding", ["graded", "bitplane", "rate"])
def test_signed_levels_are_exact(coding: str, tiny: onnx.ModelProto, tmp_path: Path) -> None:
    x = np.random.default_rng(3).normal(size=(9, 1, 8, 8)).astype(np.float32)
    program = compiled(tiny, x, coding, 3)
    assert any(p.signed for p in program.populations)
    assert_exact(program, sample_feed(program, {"x": x}), tmp_path / "c")


@pytest.mark.parametrize(("coding", "levels"), [("graded", 15), ("bitplane", 15), ("rate", 3), ("ttfs", 3)])
def test_the_mnist_network_is_exact_on_twenty_images(coding: str, levels: int, tmp_path: Path) -> None:
    calibration = np.load(MNIST / "calibration.npz")["x"][:100]
    x = np.load(MNIST / "test.npz")["x"][:20]
    program = snncc.compile(MNIST / "mnist_cnn.onnx", calibration, coding=coding, levels=levels)
    feed = sample_feed(program, {"input": x})
    artifact = assert_exact(program, feed, tmp_path / "c")
    outputs = read_outputs(artifact, feed.levels)
    scale = float(program.outputs[0].scale)
    assert np.allclose(outputs["logits"] * scale, snncc.run(program, x, engine="levels")["logits"].reshape(20, -1))


def test_outputs_come_in_their_own_order_and_shape(tmp_path: Path) -> None:
    (case,) = (case for case in cases() if case.name == "output-order")
    artifact = emit(C, case.program, case.feed, tmp_path / "c")
    found, expected = read_outputs(artifact, case.feed.levels), emulate(case.program, case.feed.levels)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert np.array_equal(found[name], values.reshape(len(values), -1)), name
    shapes = {entry["name"]: tuple(entry["shape"]) for entry in read_manifest(artifact)["outputs"]}
    assert shapes == {name: values.shape[1:] for name, values in expected.items()}
    assert not np.array_equal(found["turned"], found["flat"])
    status, text = selftest(artifact, "-O0")
    assert (status, text[:4]) == (0, "PASS"), text


def test_a_leaky_recurrent_population_is_exact(tmp_path: Path) -> None:
    program = lif_program()
    artifact = assert_exact(program, event_feed(160, {"dvs": random_events(4, 150)}), tmp_path / "c")
    assert selftest(artifact, " ".join(("-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")))[0] == 0


def test_delays_up_to_62_and_recurrence_share_rings(tmp_path: Path) -> None:
    """Connections of several delays, from several populations, meet in the same steps at one port."""
    delays = (1, 2, 31, 62)
    a = Population("a", (3,), ECHO, {}, payload_bits=40, signed=True)
    b = Population("b", (3,), KEEP, {}, payload_bits=1)
    wires = [
        Connection(f"w{d}", "a", "b", "x", SparseSynapses(ints(0, 1, 2), ints(2, 0, 1), ints(d, -d, 7)), d)
        for d in delays
    ]
    back = Connection("back", "a", "a", "x", DenseSynapses(np.eye(3, dtype=np.int64)[::-1] * -1), 5)
    program = Program("delays", "none", 0, (a, b), (*wires, back), (EventInput("e", "a", "x"),))
    events = [(s, n, v) for s, n, v in np.random.default_rng(0).integers((0, 0, -50), (90, 3, 50), (60, 3)).tolist()]
    assert_exact(program, event_feed(170, {"e": events}), tmp_path / "c")


def test_arrivals_of_which_a_program_says_nothing_still_fit(tmp_path: Path) -> None:
    """Arrivals near 2^63 wrap in the emulator, and alike in C."""
    a = Population("a", (2,), ECHO, {}, payload_bits=40, signed=True)
    wrap = parse_neuron("port x\nstate v:63 w:2\nv = shr in.x 3\nw = lt in.x 0")
    b = Population("b", (2,), wrap, {})
    weight = np.array([[2**33 + 1, -(2**32)], [2**33, 2**33]], dtype=np.int64)
    wire = Connection("c", "a", "b", "x", DenseSynapses(weight))
    program = Program("wrap", "none", 0, (a, b), (wire,), (EventInput("e", "a", "x"),))
    most = 2**31 - 1
    events = [(1, 0, 2**30), (1, 1, 2**30 + 5), (2, 0, -most), (3, 1, most), (4, 0, most)]
    assert_exact(program, event_feed(9, {"e": events}), tmp_path / "c")


def test_shifts_are_those_of_the_emulator(tmp_path: Path) -> None:
    """By amounts that 32 bits have, that 64 have, and that neither has."""
    text = "port x\nparam n\nstate l:63 r:63\nl = shl in.x n\nl = shr l 1\nr = shr in.x n"
    small = "port x\nparam n\nstate l:32 r:32\nx = clip in.x -3 3\nl = shl x n\nr = shr x n"
    amounts = (-65, -1, 0, 1, 29, 30, 31, 32, 62, 63, 64, 200)
    wide = [Population(f"w{n + 65}", (4,), parse_neuron(text), {"n": ints(n)}) for n in amounts]
    narrow = [Population(f"n{n}", (4,), parse_neuron(small), {"n": ints(n)}) for n in (0, 1, 29)]
    inputs = tuple(EventInput(p.name, p.name, "x") for p in (*wide, *narrow))
    program = Program("shift", "none", 0, (*wide, *narrow), (), inputs)
    events = [(0, n, v) for n, v in enumerate((5, -5, 2**31 - 1, 1 - 2**31))]
    assert_exact(program, event_feed(2, {i.name: events for i in inputs}), tmp_path / "c")


def overflowing(bits: int, payload_bits: int, signed: bool) -> Program:
    neuron = parse_neuron(f"port x\nstate v:{bits} other:40\nv = copy in.x\nemit in.x")
    first = Population("first", (2,), ECHO, {}, payload_bits=40, signed=True)
    second = Population("second", (2,), neuron, {}, 1, payload_bits=payload_bits, signed=signed)
    wire = Connection("c", "first", "second", "x", DenseSynapses(np.eye(2, dtype=np.int64)))
    inputs = TensorInput("i", "first", "x", (2,), -300, 300, Fraction(1))
    return Program("over", "none", 2, (first, second), (wire,), (inputs,), (Output("o", "second", Fraction(1)),))


@pytest.mark.parametrize(
    ("bits", "payload_bits", "signed", "value"),
    [(8, 30, True, 128), (8, 30, True, -129), (20, 7, False, -1), (20, 8, True, 128)],
)
def test_what_leaves_its_width_is_reported(
    bits: int, payload_bits: int, signed: bool, value: int, tmp_path: Path
) -> None:
    program = overflowing(bits, payload_bits, signed)
    good, bad = ints(7, 100), ints(7, value)
    write_artifact(C, program, tmp_path / "c")
    feed = sample_feed(program, {"i": np.stack([good, bad, good]).astype(np.float32)})
    ran = C.run(tmp_path / "c", feed)
    expected = run_feed(Emulator(program), feed)
    for _ in range(3):
        assert np.array_equal(next(ran)["second"].spikes, next(expected)["second"].spikes)
    with pytest.raises(StateOverflow):
        next(expected)
    with pytest.raises(SnnccError, match="population second left its declared width in step 3") as found:
        next(ran)
    assert found.value.diagnostics[0].code == "SNN606"
    with pytest.raises(SnnccError, match="population 1 left its declared width"):
        read_outputs(tmp_path / "c", {"i": np.stack([good, bad])})


def test_a_level_that_an_input_does_not_have_is_refused(tmp_path: Path) -> None:
    program = overflowing(20, 20, True)
    write_artifact(C, program, tmp_path / "c")
    feed = event_feed(3, {"i": [(1, 1, 301)]})
    with pytest.raises(SnnccError, match="step 1: input 0 does not take value 301 for neuron 1"):
        list(C.run(tmp_path / "c", feed))
    with pytest.raises(SnnccError, match=r"sample 0: level 301 of input 0 is not in -300\.\.300"):
        read_outputs(tmp_path / "c", {"i": ints(0, 301)[None]})


def test_inputs_and_outputs_of_several_starts_are_read_in_order(tmp_path: Path) -> None:
    """Two inputs and two outputs that begin several intervals apart: samples and results wait for each other."""
    hold = parse_neuron("port x\nstate v:24\nfirst = eq phase 0\nv = select first in.x v\nemit in.x")
    starts = {"a": 0, "b": 7, "c": 1, "d": 13}
    cells = [Population(n, (2,), hold, {}, s, 1, 24, True) for n, s in starts.items()]
    eye = DenseSynapses(np.array([[2, 0], [1, -1]], dtype=np.int64))
    ends = [("a", "c", 1), ("a", "d", 13), ("b", "d", 6)]
    wires = tuple(Connection(a + b, a, b, "x", eye, delay) for a, b, delay in ends)
    inputs = tuple(TensorInput(n, n, "x", (2,), -9, 9, Fraction(1)) for n in "ab")
    outputs = tuple(Output(n, n, Fraction(1)) for n in "dc")
    program = Program("starts", "none", 2, tuple(cells), wires, inputs, outputs)
    assert check_program(program) == []
    rng = np.random.default_rng(0)
    levels = {n: rng.integers(-9, 10, (11, 2)) for n in "ab"}
    feed = sample_feed(program, {n: v.astype(np.float32) for n, v in levels.items()})
    artifact = assert_exact(program, feed, tmp_path / "c")
    found = read_outputs(artifact, levels)
    weight = eye.weight.T
    assert np.array_equal(found["c"], levels["a"] @ weight)
    assert np.array_equal(found["d"], (levels["a"] + levels["b"]) @ weight)
    none = read_outputs(artifact, {n: v[:0] for n, v in levels.items()})
    assert {n: v.shape for n, v in none.items()} == {"c": (0, 2), "d": (0, 2)}


def test_facts_are_what_the_compiler_counts(tiny: onnx.ModelProto, tmp_path: Path) -> None:
    x = np.random.default_rng(2).random((8, 1, 8, 8), dtype=np.float32)
    for number, program in enumerate((compiled(tiny, x, "bitplane", 7), lif_program())):
        artifact = tmp_path / str(number)
        write_artifact(C, program, artifact)
        facts = read_manifest(artifact)["facts"]
        said = called(build(artifact), "--size").stdout.decode().split()
        assert said == ["flash_bytes", str(facts["flash_bytes"]), "ram_bytes", str(facts["ram_bytes"])]
    assert facts["weights"] == 4 * 6 + 5


def test_the_network_needs_no_more_than_it_says(tmp_path: Path) -> None:
    """The network's own file names three headers, and neither heap nor floating point."""
    write_artifact(C, lif_program(), tmp_path / "c")
    net = (tmp_path / "c" / "snncc_net.c").read_text() + (tmp_path / "c" / "snncc_net.h").read_text()
    assert {line for line in net.splitlines() if line.startswith("#include")} == {
        '#include "snncc_net.h"',
        "#include <stddef.h>",
        "#include <stdint.h>",
        "#include <string.h>",
    }
    code = [line for line in net.splitlines() if "*" not in line[:4]]
    assert not [line for line in code if any(word in line.split() for word in ("malloc", "float", "double"))]


def test_what_c_has_no_room_for_is_refused_at_once() -> None:
    program = lif_program()
    eyes, cells = program.populations
    feed, side = program.connections
    late = replace(eyes, start=1 << 62)
    far = (replace(feed, delay=1 << 40), replace(side, delay=1 << 30))
    problems = C.check(replace(program, populations=(late, cells), connections=far))
    assert [p.code for p in problems] == ["SNN610", "SNN612", "SNN612"]
    assert [C.check(replace(program, populations=(), connections=(), inputs=()))[0].code] == ["SNN613"]
    wide = TensorInput("wide", "eyes", "x", (4,), -(1 << 62), 1, Fraction(1))
    assert [p.code for p in C.check(replace(program, interval=3, inputs=(wide,)))] == ["SNN610"]


def test_sanitizers_find_nothing_in_any_mode(tiny: onnx.ModelProto, tmp_path: Path) -> None:
    x = np.random.default_rng(2).random((6, 1, 8, 8), dtype=np.float32)
    program = compiled(tiny, x, "graded", 15)
    feed = sample_feed(program, {"x": x})
    artifact = assert_exact(program, feed, tmp_path / "c")
    binary = sanitized(artifact, tmp_path)
    assert called(binary, "--selftest", "golden.txt", "weights.txt", cwd=artifact).returncode == 0
    text = " ".join(map(str, feed.levels["x"].ravel()))
    rows = called(binary, given=text).stdout.decode().splitlines()
    outputs = read_outputs(artifact, feed.levels)["y"]
    assert [[int(word) for word in row.split()] for row in rows] == outputs.tolist()
