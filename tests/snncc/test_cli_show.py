"""What is printed: whole tables, no colour where none is wanted, progress only where somebody watches."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest
from rich.console import Console

from snncc import show, terminal
from snncc.compiler.diagnostics import Loc
from snncc.runtime.divergence import Divergence
from snncc.runtime.report import LayerReport, Report
from tests.snncc.conftest import Command, compile_words

ROOT = Path(__file__).parents[2]
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9][0-9;]*m")
LONG = "features.0.block.1.conv_with_a_name_that_goes_on_and_on_and_is_cut_nowhere"


def on_terminal(*words: str, columns: int = 80, **environment: str) -> tuple[int, str, str]:
    """Run the command with stdout and stderr on terminals of their own; return exit code and what they show."""
    pty = pytest.importorskip("pty")
    pairs = [pty.openpty() for _ in range(2)]
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    kept |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "snncc", *words], env=kept, stdout=pairs[0][1], stderr=pairs[1][1]
    )
    texts = [b"", b""]
    for _, inner in pairs:
        os.close(inner)
    for number, (outer, _) in reversed(list(enumerate(pairs))):
        try:
            while piece := os.read(outer, 1 << 16):
                texts[number] += piece
        except OSError:  # how Linux tells that the other end is closed
            pass
        os.close(outer)
    out, err = (text.decode().replace("\r\n", "\n") for text in texts)
    return process.wait(60), out, err


def long_table() -> object:
    return terminal.table(("node", "in the model", "size"), [(LONG, f"/{LONG}/Conv [x] :+1:", 1)], ("size",))


def test_a_table_in_a_pipe_is_as_wide_as_its_content(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.write_table(long_table())  # type: ignore[arg-type]
    head, _, row = capsys.readouterr().out.splitlines()
    assert row == f"{LONG}  /{LONG}/Conv [x] :+1:     1"
    assert head.split() == ["node", "in", "the", "model", "size"]


def test_a_table_on_a_terminal_folds_and_loses_nothing() -> None:
    console = Console(width=80, force_terminal=True, no_color=True, markup=False, emoji=False, highlight=False)
    with console.capture() as captured:
        console.print(long_table())
    lines = ESCAPE.sub("", captured.get()).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" not in captured.get()
    letters = "".join(line.split()[0] for line in lines[2:] if not line.startswith(" "))
    assert letters == LONG


def test_a_terminal_gets_colour_and_progress(made: Path) -> None:
    words = ("verify", f"{made}/tiny.snnp", "--data", f"{made}/test.npz", "--limit", "8")
    code, out, err = on_terminal(*words)
    assert code == 0
    assert "\x1b[1;32mEXACT" in out
    assert "stepping samples 8/8" in err


def test_progress_shows_while_compiling(made: Path, tmp_path: Path) -> None:
    words = ("compile", f"{made}/tiny.onnx", "--calibration", f"{made}/cal.npz", "-o", f"{tmp_path}/x.snnp")
    code, out, err = on_terminal(*words, NO_COLOR="1")
    assert code == 0
    assert "quantizing " in err
    assert not COLOUR.search(out + err)
    assert "quantizing" not in on_terminal(*words, "--quiet")[2]


def test_every_stage_tells_how_far_it_is(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantizing names layers; the float network, the emulator and the demo count."""
    from contextlib import contextmanager

    seen: list[tuple[str, int, int]] = []

    @contextmanager
    def watch(quiet: bool):  # type: ignore[no-untyped-def]
        yield lambda what, done, total: seen.append((what, done, total))

    monkeypatch.setattr("snncc.compilation.progress", watch)
    monkeypatch.setattr(terminal, "progress", watch)
    from snncc.cli import main

    data = ("--data", f"{made}/test.npz")
    for words in (
        ("compile", f"{made}/tiny.onnx", "--calibration", f"{made}/cal.npz", "-o", f"{tmp_path}/x.snnp"),
        ("verify", f"{made}/tiny.snnp", *data),
        ("run", f"{made}/tiny.snnp", *data, "-o", f"{tmp_path}/y.npz", "--engine", "emulator"),
    ):
        with pytest.raises(SystemExit):
            main(words)
    assert {"reading", "quantizing relu", "float network", "stepping samples"} <= {what for what, _, _ in seen}
    assert ("stepping samples", 24, 24) in seen


def test_a_pipe_gets_neither_colour_nor_progress(snncc: Command) -> None:
    for words in (compile_words(), ("verify", "tiny.snnp", "--data", "test.npz"), ("inspect", "tiny.snnp")):
        result = snncc(*words)
        assert result.err == ""
        assert not ESCAPE.search(result.out)


def test_control_characters_show_as_such() -> None:
    assert terminal.plain("a\x1b[2Jb\x07\n\tc") == "a\\x1b[2Jb\\x07\n\tc"


def test_json_holds_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.write_json({"a": nan, "b": [inf, 1.5], 3: (True, None), "path": Path("x")})
    assert capsys.readouterr().out == (
        '{\n  "a": null,\n  "b": [\n    null,\n    1.5\n  ],\n  "3": [\n    true,\n    null\n  ],\n  "path": "x"\n}\n'
    )


@pytest.mark.parametrize("word", ["explain", "--version", "--help"])
def test_a_stream_of_another_encoding_gets_escapes(word: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snncc", word],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"},
    )
    assert done.returncode == 0
    assert done.stderr == b""


INPUTS = tuple(("image.levels", number, 9, -3) for number in range(12))
FIRST = Divergence(4, 0, "relu", 7, "spike", 5, 6, INPUTS, Loc("net.onnx", "relu"))
REPORT = Report(
    exact=True,
    mismatches=0,
    samples_stepped=4,
    witnesses=45,
    witness_ties=3,
    executor_mismatches=0,
    samples=1000,
    float_accuracy=0.992,
    integer_accuracy=0.991,
    agreement=0.998,
    float_mae=None,
    integer_mae=None,
    float_psnr_db=None,
    integer_psnr_db=None,
    output_mae=0.25,
    coding="graded",
    bits=4,
    levels=15,
    window_steps=1,
    latency_steps=5,
    initiation_interval=1,
    spikes_per_inference=91.5,
    synops_per_inference=1234.0,
    payload_bits_per_inference=366.0,
    steps_per_second=1e4,
    clipped_inputs=7,
    layers=(
        LayerReport("relu", "Relu", "features.0", 15, 0.5, 18.21, 0.99241, 3.736),
        LayerReport("dead", "Relu", "features.1", 15, 0.5, None, None, 0.0),
    ),
    spikes={"relu": 91.5},
    first_divergence=None,
    notes=("warning[SNN510]: a note",),
)


def test_the_words_of_a_verification(capsys: pytest.CaptureFixture[str], golden: Callable[..., None]) -> None:
    show.verified(REPORT, False)
    golden(capsys.readouterr().out, "cli/verify.txt")


def test_the_words_of_a_failed_verification(capsys: pytest.CaptureFixture[str], golden: Callable[..., None]) -> None:
    targets = replace(REPORT, float_accuracy=None, agreement=None, float_mae=0.5, integer_mae=0.75, float_psnr_db=30.0)
    broken = replace(targets, exact=False, mismatches=2, executor_mismatches=1, first_divergence=FIRST)
    show.verified(broken, False)
    golden(capsys.readouterr().out, "cli/verify_failed.txt")
    overflow = replace(FIRST, what="v of population relu left -8..7", population="?")
    show.verified(replace(broken, first_divergence=overflow), False)
    assert "first: v of population relu left -8..7 in step 4 (sample 0)\n" in capsys.readouterr().out


def test_the_words_of_the_demonstration(capsys: pytest.CaptureFixture[str], golden: Callable[..., None]) -> None:
    show.demonstrated([REPORT, replace(REPORT, coding="rate", exact=False, latency_steps=75)], False)
    golden(capsys.readouterr().out, "cli/demo.txt")


def test_explain(snncc: Command, golden: Callable[..., None]) -> None:
    golden(snncc("explain", "snn102").out, "cli/explain.txt")
    assert snncc("explain", "102").out == snncc("explain", "SNN102").out
    assert set(snncc("explain", "SNN102", "--json").json) == {"code", "title", "meaning", "fix"}


def test_explain_without_a_code_lists_all(snncc: Command) -> None:
    from snncc.compiler.catalogue import CATALOGUE

    lines = snncc("explain").out.splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(CATALOGUE)
    assert [entry["code"] for entry in snncc("explain", "--json").json["codes"]] == list(CATALOGUE)
