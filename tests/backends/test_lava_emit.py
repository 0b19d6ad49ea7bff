"""What the lava backend refuses and what it writes; none of this needs Lava."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snncc.backends.artifact import write_artifact
from snncc.backends.lava import interpreter, running
from snncc.backends.lava.backend import LavaBackend
from snncc.backends.lava.plan import Wiring, plan
from snncc.backends.lava.running import TIMEOUT, time_limit
from snncc.backends.lava.synapses import fits_conv, folded, lava_kernel, merged, planar, planes, unrolled
from snncc.compiler.diagnostics import Loc, SnnccError
from snncc.compiler.neuron import NeuronProgram, parse_neuron
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
    TensorInput,
)
from snncc.compiler.trace import Arrivals, Feed
from snncc.runtime.matrix import synapse_matrix
from tests.lava.programs import WIRES, wired

Ints = npt.NDArray[np.int64]
LAVA = LavaBackend()
ECHO = parse_neuron("port x\nstate v:24\nv = copy in.x\nemit v")
WHERE = Loc("net.onnx", "layer")


def program_of(
    synapses: Synapses, delay: int = 1, bits: int = 9, neuron: NeuronProgram = ECHO, gather: Ints | None = None
) -> Program:
    """Return ``eyes`` of 16 neurons, connected to ``cells``."""
    if isinstance(synapses, DenseSynapses):
        size = len(synapses.weight)
    else:
        size = int(np.prod(synapses.out_shape)) if isinstance(synapses, ConvSynapses) else 4
    eyes = Population("eyes", (1, 4, 4), ECHO, {}, payload_bits=bits, signed=True, loc=WHERE)
    cells = Population("cells", (size,), neuron, {}, payload_bits=24, signed=True, loc=WHERE)
    wire = Connection("wire", "eyes", "cells", cells.neuron.ports[0], synapses, delay, gather, WHERE)
    return Program("net", "loihi2", 0, (eyes, cells), (wire,), (EventInput("seen", "eyes", "x"),))


def dense(weight: int = 1) -> DenseSynapses:
    return DenseSynapses(np.full((4, 16), weight))


def conv_of(weight: int = 1, channels: int = 1, pads: tuple[int, ...] = (0, 0, 0, 0)) -> ConvSynapses:
    return ConvSynapses(np.full((channels, 1, 2, 2), weight), (1, 4, 4), (1, 1), pads, (1, 1))


def codes(program: Program) -> list[str]:
    problems = LAVA.check(program)
    assert all(d.loc == WHERE and d.hint for d in problems)
    return [d.code for d in problems]


def test_what_lava_holds_is_not_refused() -> None:
    assert codes(program_of(dense(), delay=64)) == []
    assert codes(program_of(dense(-(1 << 13)), bits=17)) == []


def test_states_beyond_int32_are_refused() -> None:
    neuron = parse_neuron("port x\nstate v:33 u:32 w:40\nv = copy in.x")
    assert codes(program_of(dense(), neuron=neuron)) == ["SNN610", "SNN610"]


def test_payloads_beyond_24_bits_are_refused() -> None:
    assert codes(program_of(dense(), bits=24)) == []
    assert codes(program_of(dense(), bits=25)) == ["SNN610"]


def test_results_that_may_leave_64_bits_are_refused() -> None:
    neuron = parse_neuron("port x\nstate v:32\nw = mul v v\nw = mul w w\nv = clip w 0 9")
    problems = LAVA.check(program_of(dense(), neuron=neuron))
    assert [d.code for d in problems] == ["SNN610"]
    assert "'w = mul w w'" in problems[0].message


def test_shifts_by_no_number_of_bits_are_refused() -> None:
    neuron = parse_neuron("port x\nstate v:8\nw = shl 1 v\nv = clip w 0 9")
    assert codes(program_of(dense(), neuron=neuron)) == ["SNN610"]


def test_a_delay_that_lava_does_not_reach_is_refused() -> None:
    assert codes(program_of(dense(), delay=65)) == ["SNN612"]


def test_more_synapses_than_can_be_made_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snncc.backends.lava.limits.MOST_SYNAPSES", 35)
    ends = SparseSynapses(np.arange(36) % 16, np.arange(36) % 4, np.ones(36, dtype=np.int64))
    assert codes(program_of(ends)) == ["SNN612"]
    assert codes(program_of(conv_of(pads=(0, 0, 0, 1)))) == ["SNN612"]  # 2 x 2 taps at 3 x 4 places
    assert codes(program_of(conv_of())) == codes(program_of(dense())) == []  # neither is made of single synapses


def test_sums_that_leave_31_bits_in_a_connection_or_32_at_a_port_are_refused() -> None:
    """127 x 2^23 x 16 neurons is about 2^34; of 1 x 2^23 x 16 = 2^27 a connection holds 8, and a port 16."""
    assert codes(program_of(dense(127), bits=24)) == ["SNN611", "SNN611"]
    assert codes(program_of(dense(7), bits=24)) == []
    program = program_of(dense(7), bits=24)
    wires = tuple(replace(program.connections[0], name=f"wire{k}") for k in range(3))
    problems = LAVA.check(replace(program, connections=wires))
    assert [d.code for d in problems] == ["SNN611"]
    assert "in-port x of population 'cells'" in problems[0].message


def test_levels_beyond_int32_are_refused() -> None:
    program = program_of(dense())
    tensor = TensorInput("x", "eyes", "x", (1, 4, 4), 0, 1 << 31, Fraction(1))
    assert codes(replace(program, interval=1, inputs=(tensor,))) == ["SNN611"]


def test_everything_is_reported_at_once() -> None:
    neuron = parse_neuron("port x\nstate v:40\nv = copy in.x")
    assert codes(program_of(dense(127), delay=99, bits=30, neuron=neuron)) == ["SNN610", "SNN610", "SNN612"]


def wiring_of(program: Program) -> Wiring:
    (wiring,) = plan(program)
    return wiring


def test_a_conv_that_would_wrap_at_24_bits_becomes_a_sparse() -> None:
    assert wiring_of(program_of(conv_of(127), bits=15)).kind == "Conv"
    assert wiring_of(program_of(conv_of(127), bits=16)).kind == "Sparse"


def test_a_conv_of_many_channel_pairs_becomes_a_sparse_unless_that_would_be_huge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert wiring_of(program_of(conv_of(channels=3))).kind == "Conv"
    monkeypatch.setattr("snncc.backends.lava.plan.CONV_PAIRS", 2)
    assert wiring_of(program_of(conv_of(channels=3))).kind == "Sparse"
    monkeypatch.setattr("snncc.backends.lava.plan.UNROLLED", 3 * 4 * 9 - 1)
    assert wiring_of(program_of(conv_of(channels=3))).kind == "Conv"


@pytest.mark.parametrize("name", WIRES)
def test_a_connection_becomes_the_process_it_should(name: str) -> None:
    program = wired()
    (wiring,) = (w for w in plan(program) if w.connection.name == name)
    assert (wiring.kind, wiring.line) == WIRES[name][3:]


def test_a_long_delay_over_many_synapses_becomes_a_delay_line(monkeypatch: pytest.MonkeyPatch) -> None:
    short = wiring_of(program_of(dense(), delay=9))
    assert (short.kind, short.line, short.delay) == ("DelayDense", 0, 8)
    monkeypatch.setattr("snncc.backends.lava.plan.DIRECT_DELAYS", 500)
    long = wiring_of(program_of(dense(), delay=9))
    assert (long.kind, long.line, long.delay) == ("Dense", 8, 0)


@given(st.lists(st.integers(-(2**40), 2**40) | st.sampled_from([0, 127, 128, -127, -128, 1 << 21]), min_size=1))
def test_digit_planes_add_up_to_the_weights_and_fit_8_bits(weights: list[int]) -> None:
    found = planes(np.array(weights))
    assert sum((p.weight << (7 * p.number) for p in found), np.zeros(len(weights), dtype=np.int64)).tolist() == weights
    assert all(np.abs(p.weight).max() in range(1, 128) for p in found)


def test_a_weight_within_8_bits_is_one_plane_and_empty_planes_are_left_out() -> None:
    assert [p.number for p in planes(np.array([127, -127, 0]))] == [0]
    assert [p.number for p in planes(np.array([1 << 14, 1]))] == [0, 2]
    assert planes(np.zeros(3, dtype=np.int64)) == []


@st.composite
def convolutions(draw: st.DrawFn) -> ConvSynapses:
    rank, groups, deep = draw(st.integers(0, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    sizes, kernel = [draw(st.integers(2, 5)) for _ in range(rank)], [draw(st.integers(1, 2)) for _ in range(rank)]
    strides, dilations = ([draw(st.integers(1, 2)) for _ in range(rank)] for _ in range(2))
    pads = [draw(st.integers(0, 2)) for _ in range(2 * rank)]
    sizes = [size + 1 for size in sizes]
    weight = np.random.default_rng(draw(st.integers(0, 99))).integers(-3, 4, (2 * groups, deep, *kernel))
    return ConvSynapses(weight, (deep * groups, *sizes), tuple(strides), tuple(pads), tuple(dilations), groups)


@given(convolutions())
@settings(max_examples=60)
def test_an_unrolled_convolution_is_the_matrix_of_its_synapses(conv: ConvSynapses) -> None:
    sources, targets = int(np.prod(conv.in_shape)), int(np.prod(conv.out_shape))
    expected = synapse_matrix(Connection("c", "a", "b", "x", conv), sources, targets)
    ends = merged(unrolled(conv), None)
    found = synapse_matrix(Connection("c", "a", "b", "x", ends), sources, targets)
    assert (found != expected).nnz == 0


@given(convolutions())
@settings(max_examples=60)
def test_what_is_left_to_lavas_conv_has_the_size_that_lava_gives_it(conv: ConvSynapses) -> None:
    flat = planar(conv)
    if flat is None or not fits_conv(flat):
        return
    kernel = lava_kernel(flat.weight)
    sides = zip(
        flat.in_shape[:0:-1], flat.pads[1::-1], flat.dilations[::-1], kernel.shape[1:3], flat.strides[::-1], strict=True
    )
    sizes = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in sides]  # lava.proc.conv.utils.output_shape
    assert (*sizes, len(kernel)) == flat.out_shape[::-1]


def test_synapses_between_the_same_neurons_add_up() -> None:
    ends = merged(
        SparseSynapses(np.array([1, 0, 1, 2, 2]), np.array([0, 1, 0, 3, 3]), np.array([100, 5, 90, 4, -4])), None
    )
    assert [ends.source.tolist(), ends.target.tolist(), ends.weight.tolist()] == [[1, 0], [0, 1], [190, 5]]


SILENT = np.array([2, -1, 0, -1, 2])


def test_what_reads_silence_is_left_out_of_the_weights() -> None:
    weight = np.arange(1, 11).reshape(2, 5)
    assert folded(DenseSynapses(weight), SILENT, 4).tolist() == [[3, 0, 6, 0], [8, 0, 16, 0]]
    ends = merged(SparseSynapses(np.array([0, 1, 4, 2, 3]), np.array([1, 0, 1, 0, 0]), np.arange(1, 6)), SILENT)
    assert [ends.source.tolist(), ends.target.tolist(), ends.weight.tolist()] == [[0, 2], [0, 1], [4, 4]]


@pytest.mark.parametrize(("delay", "kind"), [(1, "Sparse"), (4, "Conv")])
def test_a_convolution_over_silence_is_a_conv_behind_a_delay_line_alone(delay: int, kind: str) -> None:
    gather = np.arange(16) - 1
    (wiring,) = plan(program_of(conv_of(), delay, gather=gather))
    assert (wiring.kind, wiring.line) == (kind, delay - 1)


def test_parameters_are_kept_as_small_as_they_are_given(tmp_path: Path) -> None:
    shape = (3, 2, 2)
    given = {"a": np.array(7), "b": np.arange(3).reshape(3, 1, 1), "c": np.arange(2), "d": np.arange(12).reshape(shape)}
    neuron = parse_neuron("port x\nparam a b c d\nstate v:24\nv = add in.x a\nv = add v b\nv = add v c\nv = add v d")
    cells = Population("cells", shape, neuron, given)
    write_artifact(LAVA, Program("net", "loihi2", 0, (cells,), (), (EventInput("in", "cells", "x"),)), tmp_path / "a")
    stored = [np.load(tmp_path / "a" / "arrays" / f"p0_{k}.npy").tolist() for k in range(4)]
    assert stored == [[7], [0, 1, 2], [0, 1] * 6, [*range(12)]]


WORDS = ("class", "import", "np", "self", "phase_", "x0")
HOSTILE = "q'\"\\\n\r*/ # ../é{}"


def hostile() -> Program:
    """Return a program whose every name and word is trouble, with one of every kind of connection."""
    text = "port {0} {1}\nparam {2} {3}\nstate {4}:24 {5}:8=3\nt0 = add in.{0} {2}\n{4} = select {3} t0 {4}\n"
    text += "lambda = shr {4} 1\nlambda = max lambda in.{1}\n{5} = eq phase 2\nemit {5}"
    neuron = parse_neuron(text.format(*WORDS))
    params = {WORDS[2]: np.arange(16).reshape(1, 4, 4), WORDS[3]: np.array(1)}
    loc = Loc(*[HOSTILE + str(k) for k in range(5)])
    names = [f"{HOSTILE}{k}" for k in range(3)]
    cells = [Population(name, (1, 4, 4), neuron, params, 2, 3, loc=loc) for name in names]
    conv = ConvSynapses(np.arange(9).reshape(1, 1, 3, 3), (1, 4, 4), (1, 1), (1,) * 4, (1, 1))
    ends = SparseSynapses(np.arange(5), np.arange(5) + 3, np.arange(5) * 100)
    kinds: list[tuple[Synapses, int]] = [
        (DenseSynapses(np.eye(16, dtype=np.int64)), 1),
        (conv, 1),
        (conv, 4),
        (ends, 3),
    ]
    wires = tuple(
        Connection(f"{HOSTILE}wire{k}", names[0], names[1], WORDS[k % 2], synapses, delay, None, loc)
        for k, (synapses, delay) in enumerate(kinds)
    )
    inputs = (TensorInput(f"{HOSTILE}in", names[0], WORDS[0], (1, 4, 4), 0, 3, Fraction(1, 3)),)
    turned = Output(f"{HOSTILE}out", names[2], Fraction(1), (16,), np.arange(16)[::-1])
    return Program(HOSTILE, HOSTILE, 4, tuple(cells), wires, inputs, (turned,))


def emitted(folder: Path) -> dict[str, bytes]:
    assert LAVA.check(hostile()) == []
    write_artifact(LAVA, hostile(), folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }


def test_the_same_program_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = emitted(tmp_path / "a"), emitted(tmp_path / "elsewhere" / "b")
    assert first == second
    assert {"run.py", "selftest.py", "README.md", "network/neurons.py", "network/graph.py", "arrays/c0_0.npy"} <= {
        *first
    }


def names_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            yield node.name
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            yield node.attr


def test_the_code_parses_and_holds_no_name_of_the_users(tmp_path: Path) -> None:
    files = emitted(tmp_path / "a")
    code = {name: text.decode("utf-8") for name, text in files.items() if name.endswith(".py")}
    trees = {name: ast.parse(text) for name, text in code.items()}
    generated = {*names_in(trees["network/neurons.py"]), *names_in(trees["network/graph.py"])}
    known = r"[acdeiknptx]\d+(_\d+)?|in\d+|N\d+(Model)?"
    own = {name for name in generated if not re.fullmatch(known, name)}
    assert own == OWN_NAMES
    assert not any("q'" in text or "lambda =" in text for text in code.values())
    assert all(name.isascii() and "q'" not in name for name in files)


OWN_NAMES = {
    *("AbstractProcess", "CPU", "InPort", "LavaPyType", "LoihiProtocol", "NeuronModel", "OutPort", "PyInPort"),
    *(
        "PyOutPort",
        "RingBuffer",
        "Var",
        "__init__",
        "build",
        "conv",
        "dense",
        "each",
        "fed",
        "finish",
        "held",
        "implements",
    ),
    *("line", "load", "neurons", "np", "phase", "requires", "run_spk", "s_out", "settings", "since_start", "size"),
    *("self", "sparse", "spikes", "super", "tag", "trace", "truth", "wide"),
}


def test_populations_with_one_program_share_a_class(tmp_path: Path) -> None:
    text = emitted(tmp_path / "a")["network/neurons.py"].decode("ascii")
    assert text.count("(AbstractProcess)") == 3  # they hear the input, all connections, nothing
    assert text.count("(NeuronModel)") == 3


def test_the_facts_tell_what_every_connection_became(tmp_path: Path) -> None:
    facts = LAVA.emit(hostile(), tmp_path)
    made = {name: (c["process"], c["planes"], c["line_steps"]) for name, c in facts["connections"].items()}
    expected = {
        "c0": ("Dense", [0], 0),
        "c1": ("Conv", [0], 0),
        "c2": ("Conv", [0], 3),
        "c3": ("DelaySparse", [0, 1], 0),
    }
    assert made == expected
    assert facts["processes"] == {"Conv": 2, "DelaySparse": 3, "Dense": 1, "RingBuffer": 1, "neurons": 3}
    assert facts["lava"] == "0.10.0"


def fake(folder: Path, text: str) -> str:
    """Return a program that stands for a Python."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    path.chmod(0o755)
    return str(path)


def test_without_lava_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SNNCC_LAVA_PYTHON", raising=False)
    monkeypatch.setattr(interpreter, "_candidates", lambda: iter(()))
    assert LAVA.missing() == f"no Python with lava-nc 0.10.0 was found; {interpreter.HINT}"
    write_artifact(LAVA, hostile(), tmp_path / "a")
    with pytest.raises(SnnccError) as failed:
        list(LAVA.run(tmp_path / "a", Feed(1, {})))
    assert failed.value.diagnostics[0].code == "SNN605"
    assert "SNNCC_LAVA_PYTHON" in failed.value.diagnostics[0].hint


def test_a_python_that_is_not_fit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SNNCC_LAVA_PYTHON", str(tmp_path / "none"))
    assert "cannot be started" in LAVA.missing()
    monkeypatch.setenv("SNNCC_LAVA_PYTHON", fake(tmp_path, "echo python.3.12; echo lava.0.10.0"))
    assert "it has python.3.12 and lava.0.10.0; make an environment" in LAVA.missing()
    monkeypatch.setenv("SNNCC_LAVA_PYTHON", fake(tmp_path, "exit 1"))
    assert "it has nothing; make an environment" in LAVA.missing()
    monkeypatch.setenv("SNNCC_LAVA_PYTHON", fake(tmp_path, "echo python.3.10; echo lava.0.10.0"))
    assert LAVA.missing() == ""


def test_an_environment_in_the_current_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SNNCC_LAVA_PYTHON", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / ".venv-lava" / "bin").mkdir(parents=True)
    python = fake(tmp_path / ".venv-lava" / "bin", "echo python.3.10; echo lava.0.10.1")
    monkeypatch.chdir(tmp_path)
    assert interpreter.lava_python() == python
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    assert next(interpreter._candidates()) == sys.executable


def artifact_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Path:
    """Return an artifact whose run.py is replaced, to be run by this Python."""
    write_artifact(LAVA, hostile(), tmp_path / "a")
    (tmp_path / "a" / "run.py").write_text(code, encoding="ascii")
    monkeypatch.setattr(running, "lava_python", lambda: sys.executable)
    return tmp_path / "a"


def test_a_run_that_leaves_no_trace_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = artifact_with(tmp_path, monkeypatch, "")
    with pytest.raises(SnnccError, match="without the trace of p0, 3 steps"):
        list(LAVA.run(artifact, Feed(3, {})))


def test_steps_are_read_from_the_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys, pathlib; folder = pathlib.Path(sys.argv[4])\nfor k in range(3):"
    code += "\n    (folder / f'p{k}.trace').write_bytes((b'\\1' * 16 + b'\\2\\0\\0\\0' * 16) * 3)"
    program = hostile()
    event = Arrivals(np.array([1]), np.array([2]), np.array([3]))
    ran = list(LAVA.run(artifact_with(tmp_path, monkeypatch, code), Feed(3, {program.inputs[0].name: event})))
    assert len(ran) == 3
    for sent in ran:
        assert [*sent] == [p.name for p in program.populations]
        for did in sent.values():
            assert did.spikes.dtype == did.membrane.dtype == np.int64
            assert did.spikes.tolist() == [[1]] * 16
            assert did.membrane.tolist() == [[2]] * 16


def test_a_run_that_fails_is_reported_with_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact = artifact_with(tmp_path, monkeypatch, "raise SystemExit('no room')")
    with pytest.raises(SnnccError, match=r"SNN606.*no room"):
        list(LAVA.run(artifact, Feed(3, {})))


def test_a_manifest_without_facts_and_a_limit_that_is_no_number_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = artifact_with(tmp_path, monkeypatch, "")
    monkeypatch.setenv("SNNCC_LAVA_TIMEOUT", "soon")
    with pytest.raises(SnnccError, match="'soon', which is no number of seconds"):
        list(LAVA.run(artifact, Feed(3, {})))
    text = (artifact / "manifest.json").read_text(encoding="ascii")
    (artifact / "manifest.json").write_text(text.replace("seconds_per_step", "second"), encoding="ascii")
    with pytest.raises(SnnccError, match="SNN604"):
        list(LAVA.run(artifact, Feed(3, {})))


def test_a_kernel_larger_than_its_input_without_the_pads_behind_is_no_conv() -> None:
    weight = np.ones((1, 1, 3, 3), dtype=np.int64)
    assert not fits_conv(ConvSynapses(weight, (1, 2, 2), (2, 2), (0, 0, 1, 1), (1, 1)))


@pytest.mark.parametrize("value", ["nan", "inf", "-3", "0", "soon"])
def test_a_time_limit_is_a_number_of_seconds(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(TIMEOUT, value)
    with pytest.raises(SnnccError, match="SNN606"):
        time_limit(10, 0.1)
