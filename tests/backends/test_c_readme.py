"""What the README of an artifact says is so: its commands work, and its code compiles and computes."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.artifact import write_artifact
from snncc.compiler.program import EventInput
from snncc.compiler.program_check import check_program
from snncc.runtime.emulator import Emulator, run_events
from tests.backends.c_support import WARNINGS, C, called, two_inputs
from tests.runtime.test_emulator import lif_program

SAMPLES = """
#include <stdio.h>
static const int levels[3][2][2] = {{{1, -2}, {3, 4}}, {{5, 6}, {0, 5}}, {{-9, 9}, {0, 0}}};

int64_t next_level(int32_t input, int64_t sample, int32_t neuron)
{
    return sample < 3 ? levels[sample][input][neuron] : 0;
}

void use_output(int32_t output, int64_t sample, int32_t neuron, int64_t value)
{
    printf("%d %d %d %d ", (int)sample, (int)output, (int)neuron, (int)value);
}

int main(void)
{
    return run(SNNCC_LATENCY + 1 + 2 * SNNCC_INTERVAL);
}
"""
EVENTS = """
#include <stdio.h>
static const int events[][4] = {{0, 0, 1, 120}, {0, 0, 2, 120}, {3, 0, 0, 90}, {7, 0, 3, 5}, {99, 0, 0, 0}};
static int next = 0;

int next_event(int64_t step, int32_t *input, int32_t *neuron, int64_t *value)
{
    const int *event = events[next];

    if (event[0] != step) {
        return 0;
    }
    *input = event[1], *neuron = event[2], *value = event[3];
    next++;
    return 1;
}

void use_spike(int64_t step, int32_t population, int32_t neuron, int64_t payload)
{
    printf("s %d %d %d %d\\n", (int)step, (int)population, (int)neuron, (int)payload);
}

int main(void)
{
    return run(12);
}
"""


def readme(artifact: Path) -> str:
    return (artifact / "README.md").read_text()


def embedded(artifact: Path, more: str, folder: Path) -> Path:
    """Compile the code of the README with what it lacks; return the binary."""
    block = re.findall(r"(?:^    .*\n|^\n)+", readme(artifact).split("## Embed")[1], flags=re.MULTILINE)
    code = next(part for part in block if "#include" in part)
    (folder / "embed.c").write_text(re.sub(r"^    ", "", code, flags=re.MULTILINE) + more)
    command = ["cc", *WARNINGS, "-I", str(artifact), "-o", str(folder / "embed"), str(folder / "embed.c")]
    subprocess.run([*command, str(artifact / "snncc_net.c")], check=True)
    return folder / "embed"


@pytest.mark.parametrize("interval", [1, 3])
def test_the_code_for_samples_compiles_and_reads_the_right_sample(interval: int, tmp_path: Path) -> None:
    write_artifact(C, replace(two_inputs(), interval=interval), tmp_path / "c")
    values = {0: (-1, -8), 1: (10, 7), 2: (-18, 18)}
    wanted = [f"{s} {o} {n} {v[n]}" for s, v in values.items() for o in (0, 1) for n in (0, 1)]
    ran = called(embedded(tmp_path / "c", SAMPLES, tmp_path))
    assert (ran.returncode, ran.stdout.decode().split()) == (0, " ".join(wanted).split())


def test_the_code_for_events_compiles_and_sees_every_spike(tmp_path: Path) -> None:
    write_artifact(C, lif_program(), tmp_path / "c")
    ran = called(embedded(tmp_path / "c", EVENTS, tmp_path))
    given = [(0, 1, 120), (0, 2, 120), (3, 0, 90), (7, 3, 5)]
    wanted = []
    for step, sent in enumerate(run_events(Emulator(lif_program()), {"dvs": given}, 12)):
        for k, name in enumerate(("eyes", "cells")):
            spikes = sent[name].spikes[:, 0]
            wanted += [f"s {step} {k} {n} {spikes[n]}" for n in np.flatnonzero(spikes)]
    assert ran.returncode == 0
    assert sorted(ran.stdout.decode().splitlines()) == sorted(wanted)
    assert len(wanted) > 4


def test_the_command_for_hashes_finds_every_changed_file(tmp_path: Path) -> None:
    write_artifact(C, two_inputs(), tmp_path / "c")
    command = next(line for line in readme(tmp_path / "c").splitlines() if "sha256sum" in line)

    def told() -> tuple[int, list[str]]:
        ran = subprocess.run(["sh", "-c", command], cwd=tmp_path / "c", capture_output=True, text=True, check=False)
        return ran.returncode, ran.stdout.splitlines()

    files = sorted(path.name for path in (tmp_path / "c").iterdir() if path.name != "manifest.json")
    assert told() == (0, [f"{name}: OK" for name in files])
    with open(tmp_path / "c" / "weights.txt", "a") as file:
        file.write(" ")
    status, lines = told()
    assert (status, [line for line in lines if not line.endswith(": OK")]) == (1, ["weights.txt: FAILED"])


def test_intervals_are_told_in_english(tmp_path: Path) -> None:
    program = two_inputs()
    for interval, every, turn in (
        (1, "one every step,", "in step first + k,"),
        (3, "every 3 steps,", "first + k * 3,"),
    ):
        write_artifact(C, replace(program, interval=interval), tmp_path / "c")
        text = readme(tmp_path / "c")
        assert every in text
        assert turn in text
        assert not re.search(r"\b1 \w+s\b|@", text.split("## Run")[1].split("## Inputs")[0])
    assert "is printed before the next sample" in text
    write_artifact(C, lif_program(), tmp_path / "c")
    assert "The network runs freely" in readme(tmp_path / "c")


def test_tensors_beside_events_are_explained(tmp_path: Path) -> None:
    program = two_inputs()
    mixed = replace(program, interval=2, inputs=(program.inputs[0], EventInput("e", "b", "x")))
    assert check_program(mixed) == []
    write_artifact(C, mixed, tmp_path / "c")
    assert "Sample k of a tensor\ninput arrives in step first + k * 2," in readme(tmp_path / "c")
    embedded(tmp_path / "c", EVENTS, tmp_path)
