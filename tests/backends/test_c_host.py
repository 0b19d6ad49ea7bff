"""The emitted host program: samples and events as text and binary, malformed ones included."""

from __future__ import annotations

import select
import subprocess
from pathlib import Path

import numpy as np
import pytest

from snncc.backends.artifact import write_artifact
from snncc.runtime.emulator import Emulator, run_events
from tests.backends.c_support import C, called, sanitized, two_inputs
from tests.runtime.test_emulator import lif_program, random_events


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_artifact(C, two_inputs(), folder / "c")
    return sanitized(folder / "c", folder)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    write_artifact(C, lif_program(), folder / "c")
    return sanitized(folder / "c", folder)


def test_a_line_of_outputs_a_sample(samples: Path) -> None:
    """Inputs in order, lines of any shape; the last samples are waited for."""
    ran = called(samples, given="1 -2 3 4\n5 6\n\t0 5\r\n-9 9 0 0")
    assert ran.stdout.decode() == "-1 -8 -1 -8\n10 7 10 7\n-18 18 -18 18\n"
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert called(samples, given=" \n ").stdout == b""


def test_binary_samples_are_the_same(samples: Path) -> None:
    levels = np.array([1, -2, 3, 4, 5, 6, 0, 5], dtype="<i8")
    ran = called(samples, "--binary", given=levels.tobytes())
    assert np.frombuffer(ran.stdout, "<i8").tolist() == [-1, -8, -1, -8, 10, 7, 10, 7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2 3 4 5", "sample 1 ends after 1 of 4 levels"),
        ("1 2 x 4", "sample 0: 'x' is no integer"),
        ("1 2 3.0 4", "sample 0: '3.0' is no integer"),
        ("1 2 3 4 1 2 3 6", "sample 1: level 6 of input 1 is not in 0..5"),
        ("-10 2 3 4", "sample 0: level -10 of input 0 is not in -9..9"),
        ("1 2 3 99999999999999999999", "is no integer"),
        ("- 2 3 4", "sample 0: '-' is no integer"),
        ("+1 2 3 4", "sample 0: '+1' is no integer"),
        ("7" * 9000, "is no integer"),
        ("1 2 \0 4", "sample 0: '?' is no integer"),
        ("5\0zzz 2 3 4", "sample 0: '5?zzz' is no integer"),
        ("1 2\0", "sample 0: '2?' is no integer"),
        ("1 \x1b[2J 3 4", "sample 0: '?[2J' is no integer"),
        ("ä", "is no integer"),
    ],
)
def test_malformed_samples_are_refused(text: str, message: str, samples: Path) -> None:
    ran = called(samples, given=text)
    assert ran.returncode == 1
    assert message in ran.stderr.decode()


def test_half_a_binary_number_is_refused(samples: Path) -> None:
    ran = called(samples, "--binary", given=b"\1" * 9)
    assert ran.returncode == 1
    assert b"not in -9..9" in ran.stderr
    ran = called(samples, "--binary", given=bytes(12))
    assert ran.returncode == 1
    assert b"ends within a number" in ran.stderr


def test_events_give_spikes(events: Path) -> None:
    given = random_events(7, 80)
    lines = "".join(f"{s} 0 {n} {v}\n" for s, n, v in sorted(given))
    ran = called(events, "--events", "90", given=lines)
    assert ran.returncode == 0
    expected = []
    for step, sent in enumerate(run_events(Emulator(lif_program()), {"dvs": given}, 90)):
        for k, name in enumerate(("eyes", "cells")):
            spikes = sent[name].spikes[:, 0]
            expected += [f"s {step} {k} {n} {spikes[n]}" for n in np.flatnonzero(spikes)]
    assert sorted(ran.stdout.decode().splitlines()) == sorted(expected)
    assert len(expected) > 40


def test_events_reach_tensor_inputs_and_outputs_are_printed(samples: Path) -> None:
    ran = called(samples, "--events", "3", given="0 0 1 4 0 1 1 3")
    assert ran.stdout.decode().splitlines() == [
        "s 0 0 1 4",
        "s 0 1 1 3",
        "s 1 2 1 5",
        "o 1 0 0 5",
        "o 1 1 0 5",
        "o 2 0 0 0",
        "o 2 1 0 0",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3 0 1 1 2 0 1 1", "an event of step 2 comes after those of step"),
        ("0 1 0 1", "input 1 does not take value 1 for neuron 0"),
        ("0 -1 0 1", "input -1 does not take"),
        ("0 0 4 1", "for neuron 4"),
        ("0 0 -1 1", "for neuron -1"),
        ("0 0 99999999999 1", "for neuron 99999999999"),
        ("0 0 1 2147483648", "does not take value 2147483648"),
        ("0 0 1", "less than four numbers"),
        ("0 0 1 y", "'y' is no integer"),
        ("0 0 1 5\0zzz", "'5?zzz' is no integer"),
        ("9 0 1 1", "an event of step 9, which is not run: STEPS is 9"),
        ("0 0 1 1 9 77 88 1 junk", "an event of step 9, which is not run"),
        ("-1 0 1 1", "an event of step -1, which is not run"),
        ("8 0 1 1 junk", "'junk' is no integer"),
    ],
)
def test_malformed_events_are_refused(text: str, message: str, events: Path) -> None:
    ran = called(events, "--events", "9", given=text)
    assert ran.returncode == 1
    assert message in ran.stderr.decode()


def test_no_event_is_left_over_where_no_step_is_run(events: Path) -> None:
    assert called(events, "--events", "0", given=" \n").returncode == 0
    assert called(events, "--events", "0", given="0 0 1 1").returncode == 1


def test_results_can_be_read_as_samples_are_written(samples: Path) -> None:
    """The network takes the next sample before it gives the result of the last."""
    with subprocess.Popen([samples], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"7 0 0 0\n")
        for last, number in ((7, 5), (5, -9), (-9, 0)):
            process.stdin.write(b"%d 0 0 0\n" % number)
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 20)[0]
            assert process.stdout.readline() == b"%d 0 %d 0\n" % (2 * last, 2 * last)


def test_sums_of_events_beyond_32_bits_are_refused(events: Path) -> None:
    ran = called(events, "--events", "9", given="0 0 1 2147483647 0 0 1 1")
    assert ran.returncode == 1
    assert b"does not take value 1 for neuron 1" in ran.stderr


@pytest.mark.parametrize("args", [["--what"], ["--events"], ["--size", "1"], ["1", "2", "3", "4", "5"]])
def test_a_wrong_command_line_shows_the_right_one(args: list[str], samples: Path) -> None:
    ran = called(samples, *args)
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"usage: ")


def test_a_mode_that_does_not_fit_says_so(events: Path) -> None:
    assert b"use --events STEPS" in called(events, given="1").stderr
    assert b"is no number of steps" in called(events, "--events", "-1").stderr


def test_a_damaged_trace_request_is_refused(events: Path) -> None:
    assert called(events, "--trace", given=b"\1" + bytes(7)).returncode == 1
    refused = called(events, "--trace", given=np.array([1, 0, 9, 1], "<i8").tobytes())
    assert refused.returncode == 1
    assert refused.stdout[-8:] == b"\xff" * 8
    negative = called(events, "--trace", given=np.array([-1], "<i8").tobytes())
    assert negative.returncode == 1
    assert b"the count of arrivals of step 0 is damaged" in negative.stderr
