"""What the tests of the C backend share: artifacts with golden vectors, and binaries with sanitizers."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx

import snncc
from snncc.backends.c.backend import CBackend
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import Connection, DenseSynapses, Output, Population, Program, TensorInput
from snncc.compiler.trace import Arrivals, Event, Feed, feed_levels
from snncc.runtime.run import to_levels
from tests.backends.harness import assert_same_trace, emit

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
C = CBackend()
WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic")
SANITIZERS = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


HOLD = parse_neuron("port x\nstate v:24\nfirst = eq phase 0\nv = select first in.x v\nemit in.x")


def two_inputs() -> Program:
    """Return y = 2 a - b of two inputs of signed levels."""
    sizes = {"a": 0, "b": 0, "y": 1}
    cells = [Population(name, (2,), HOLD, {}, start, 1, 24, True) for name, start in sizes.items()]
    eye = np.eye(2, dtype=np.int64)
    wires = (
        Connection("ay", "a", "y", "x", DenseSynapses(2 * eye)),
        Connection("by", "b", "y", "x", DenseSynapses(-eye)),
    )
    inputs = (TensorInput("a", "a", "x", (2,), -9, 9, Fraction(1)), TensorInput("b", "b", "x", (2,), 0, 5, Fraction(1)))
    outputs = (Output("y", "y", Fraction(1)), Output("again", "y", Fraction(2)))
    return Program("two", "none", 1, tuple(cells), wires, inputs, outputs)


def compiled(model: onnx.ModelProto, x: Floats, coding: str, levels: int) -> Program:
    return snncc.compile(model, calibration=x, coding=coding, levels=levels)


def sample_feed(program: Program, x: Mapping[str, Floats]) -> Feed:
    tensors = [i for i in program.inputs if isinstance(i, TensorInput)]
    return feed_levels(program, {t.name: to_levels(t, x[t.name]) for t in tensors})


def event_feed(steps: int, events: Mapping[str, Sequence[Event]]) -> Feed:
    return Feed(steps, {name: Arrivals.of(stream) for name, stream in events.items()})


def assert_exact(program: Program, feed: Feed, folder: Path) -> Path:
    """Demand the emulator's trace; return the artifact."""
    assert C.check(program) == []
    artifact = emit(C, program, feed, folder)
    assert_same_trace(C, artifact, program, feed)
    return artifact


def sanitized(artifact: Path, folder: Path) -> Path:
    """Compile with sanitizers that end the program at the first finding; return the binary."""
    binary = folder / "sanitized"
    sources = [str(artifact / "main.c"), str(artifact / "snncc_net.c")]
    subprocess.run(["cc", *WARNINGS, *SANITIZERS, "-o", str(binary), *sources], check=True)
    return binary


def called(
    binary: Path, *args: str, given: str | bytes = b"", cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    """Run a binary; a sanitizer's finding is an error of the test."""
    data = given.encode() if isinstance(given, str) else given
    environment = os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1"}
    ran = subprocess.run([str(binary), *args], input=data, cwd=cwd, capture_output=True, env=environment, check=False)
    assert b"Sanitizer" not in ran.stderr, ran.stderr.decode()
    assert b"runtime error" not in ran.stderr, ran.stderr.decode()
    assert ran.returncode in (0, 1, 2), ran
    return ran


def selftest(artifact: Path, cflags: str = "") -> tuple[int, str]:
    """Run selftest.sh; return its status and what it printed."""
    environment = os.environ | {"CFLAGS": cflags}
    command = ["sh", str(artifact / "selftest.sh")]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def compiled_arrays(artifact: Path) -> dict[str, re.Match[str]]:
    """Return where the first number of each constant array stands in snncc_net.c."""
    source = (artifact / "snncc_net.c").read_text()
    return {m[1]: m for m in re.finditer(r"static const \w+ (\w+)\[\d+\] = \{\n(-?\d+)", source)}
