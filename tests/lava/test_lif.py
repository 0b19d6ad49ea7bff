"""Our emulator, running Lava's LIF written as a neuron program, does what Lava's own model does, bit for bit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import Connection, DenseSynapses, EventInput, Population, Program
from snncc.compiler.program_check import check_program
from snncc.compiler.trace import Event
from snncc.runtime.emulator import Emulator, run_events
from tests.lava.neurons import lif

Ints = npt.NDArray[np.int64]

INPUTS, SIZE, STEPS, TIME_LIMIT = 8, 12, 160, 300
ECHO = parse_neuron("port x\nstate v:16\nv = copy in.x\nemit v")
RNG = np.random.default_rng(0)
WEIGHTS = 2 * RNG.integers(-127, 128, (SIZE, INPUTS))

EACH = {
    "du": RNG.integers(-1, 4096, SIZE).tolist(),
    "dv": RNG.integers(0, 4097, SIZE).tolist(),
    "vth": RNG.integers(0, 20000, SIZE).tolist(),
    "bias_mant": RNG.integers(-4096, 4096, SIZE).tolist(),
}
CASES: dict[str, dict[str, Any]] = {
    "leaky": {"du": 400, "dv": 200, "vth": 2000, "bias_mant": 0, "bias_exp": 0},
    "no current memory": {"du": 4095, "dv": 0, "vth": 500, "bias_mant": 100, "bias_exp": 6},
    "perfect integrator": {"du": -1, "dv": 4096, "vth": 3000, "bias_mant": -7, "bias_exp": 3},
    "saturating": {"du": 0, "dv": 0, "vth": 131071, "bias_mant": -4096, "bias_exp": 7},
    "never firing": {"du": 0, "dv": 0, "vth": 2**18 - 1, "bias_mant": 4095, "bias_exp": 7},  # a readout
    "each neuron its own": {**EACH, "bias_exp": 2},
    "negative bias exponent": {"du": 9, "dv": 4095, "vth": 100, "bias_mant": EACH["bias_mant"], "bias_exp": -3},
    "reset": {"du": 50, "dv": 20, "vth": 4000, "bias_mant": 5, "bias_exp": 6, "reset_interval": 7, "reset_offset": 3},
    "late reset": {
        "du": -1,
        "dv": 0,
        "vth": 9000,
        "bias_mant": 0,
        "bias_exp": 0,
        "reset_interval": 16,
        "reset_offset": 16,
    },
}


def stimulus() -> Ints:
    """Return payloads [inputs, steps]: silence, single spikes, noise, and bursts that wrap u and saturate v."""
    data = RNG.integers(-127, 128, (INPUTS, STEPS)) * (RNG.random((INPUTS, STEPS)) < 0.3)
    data[:, 40:60] = 0
    data[:, 70:100] = np.sign(WEIGHTS[np.arange(30) % SIZE].T) * 127  # all that neuron i can get, in the i-th step
    data[:, 100:120] = np.sign(WEIGHTS[0])[:, None] * 127
    data[:, 120:140] = np.sign(WEIGHTS[0])[:, None] * -127
    return data


DATA = stimulus()


@pytest.fixture(scope="module")
def lava(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[list[int]]]]:
    """Return spikes, u and v of every step for each case, from one run of Lava."""
    folder = tmp_path_factory.mktemp("lava")
    task = {"data": DATA.tolist(), "weights": WEIGHTS.tolist(), "cases": list(CASES.values())}
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    script = str(Path(__file__).with_name("run_lif.py"))
    run_limited([sys.executable, script, str(folder / "task.json"), str(folder / "result.json")])
    results = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return dict(zip(CASES, results, strict=True))


def run_limited(command: list[str]) -> None:
    """Run a command, for no longer than the time limit, and stop whatever children it leaves."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=TIME_LIMIT)
    except subprocess.TimeoutExpired:
        pytest.fail(f"Lava did not end within {TIME_LIMIT} s")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert process.returncode == 0, output


def program_of(case: dict[str, Any], membrane: str) -> Program:
    """Return the program of a case; traces show u or v. Lava's steps count from 1, ours from 0."""
    exponent = case["bias_exp"]
    mantissa = np.asarray(case["bias_mant"])
    bias = mantissa << exponent if exponent >= 0 else mantissa >> -exponent
    params = {"du": case["du"], "dv": case["dv"], "bias": bias, "vth": np.asarray(case["vth"]) << 6}
    interval = case.get("reset_interval", 0)
    start = (case["reset_offset"] - 1) % interval if interval else 0
    eyes = Population("eyes", (INPUTS,), ECHO, {}, payload_bits=8, signed=True)
    neuron = replace(lif(bool(interval)), membrane=membrane)
    arrays = {name: np.asarray(value) for name, value in params.items()}
    cells = Population("cells", (SIZE,), neuron, arrays, start)
    wire = Connection("wire", "eyes", "cells", "x", DenseSynapses(WEIGHTS))
    return Program("lif", "lava", interval, (eyes, cells), (wire,), (EventInput("in", "eyes", "x"),))


def emulated(case: dict[str, Any], membrane: str) -> tuple[Ints, Ints]:
    """Return spikes and u or v, [steps, neurons] each."""
    program = program_of(case, membrane)
    assert check_program(program) == []
    events: list[Event] = [(int(t), int(i), int(DATA[i, t])) for i, t in np.argwhere(DATA)]
    ran = [sent["cells"] for sent in run_events(Emulator(program), {"in": events}, STEPS)]
    return np.stack([s.spikes[:, 0] for s in ran]), np.stack([s.membrane[:, 0] for s in ran])


@pytest.mark.parametrize("name", CASES)
def test_spikes_currents_and_voltages_are_those_of_lava(name: str, lava: dict[str, dict[str, list[list[int]]]]) -> None:
    for membrane in ("u", "v"):
        spikes, states = emulated(CASES[name], membrane)
        assert spikes.tolist() == lava[name]["spikes"]
        assert states.tolist() == lava[name][membrane]


def test_the_cases_wrap_currents_saturate_voltages_and_spike(lava: dict[str, dict[str, list[list[int]]]]) -> None:
    """Else the comparison would say little."""
    assert np.abs(np.diff(lava["saturating"]["u"], axis=0)).max() > 2**24 - 2**22
    assert np.min(lava["saturating"]["v"]) == -(2**23) + 1
    assert np.max(lava["never firing"]["v"]) == 2**23 - 1
    rates = {name: float(np.mean(result["spikes"])) for name, result in lava.items()}
    assert rates["never firing"] == 0
    assert all(rate > 0.01 for name, rate in rates.items() if name not in ("never firing", "saturating")), rates
