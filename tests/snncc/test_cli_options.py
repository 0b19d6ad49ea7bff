"""Bad options and names: exit code 2, the nearest fix, before any file is read or written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from snncc.compiler.options import make_options
from snncc.compiler.pipeline import pass_names
from tests.snncc.conftest import Command, compile_words

WRONG = {
    "SNN501": (["--target", "loihi3"], ["--target", ""], ["--target", "../loihi2"]),
    "SNN502": (["--coding", "grade"], ["--coding", ""]),
    "SNN503": (
        ["--bits", "0"],
        ["--bits", "-1"],
        ["--bits", "99"],
        ["--levels", "0"],
        ["--levels", "65536"],
        ["--bits", "4", "--levels", "15"],
        ["--bits", "many"],
        ["--bits", "4,relu=17"],
    ),
    "SNN504": (["--weight-bits", "1"], ["--weight-bits", "9"]),
    "SNN505": (["--schedule", "pipeline"],),
    "SNN509": (["--print-after", "quantise"], ["--print-after", ""]),
    "SNN514": (["--scales", "best"], ["--scales", "percentile:101"], ["--scales", "mse,relu=kl:2"]),
    "SNN515": (["--rounding", "up"], ["--rounding", "adaptive:1"]),
    "SNN516": (["--bits", "4,relu=2,relu=3"], ["--coding", "rate,relu=ttfs,relu=rate"]),
    "SNN500": (["--nope"], ["--target"], ["more", "words"]),
}


@pytest.mark.parametrize(("code", "words"), [(code, words) for code, several in WRONG.items() for words in several])
def test_a_wrong_option_is_named_before_anything_is_read(refused: Command, code: str, words: list[str]) -> None:
    result = refused(*compile_words("missing.onnx", "missing.npz", "missing/x.snnp"), *words, code=2)
    assert result.codes == [code]


def test_wrong_options_come_at_once(refused: Command) -> None:
    words = ("--bits", 0, "--coding", "x", "--target", "y", "--schedule", "z", "--weight-bits", 77)
    result = refused(*compile_words(), *words, code=2)
    assert sorted(result.codes) == ["SNN501", "SNN502", "SNN503", "SNN504", "SNN505"]


def test_the_words_for_wrong_options(snncc: Command, golden: Callable[..., None]) -> None:
    golden(snncc(*compile_words(), "--bits", 0, "--coding", "bitplan", "--weight-bits", 9).err, "cli/options.txt")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("SNN507", ["run", "no.snnp", "--data", "no.npz", "-o", "y.npz", "--engine", "emulater"]),
        ("SNN508", ["explain", "SNN9999"]),
        ("SNN500", ["verify", "tiny.snnp", "--data", "test.npz", "--limit", "-1"]),
        ("SNN500", ["verify", "tiny.snnp"]),
        ("SNN500", ["compile"]),
        ("SNN500", ["demo", "--limit", "x"]),
        ("SNN500", ["decompile"]),
    ],
)
def test_wrong_names_and_usage_of_the_other_commands(refused: Command, code: str, words: list[str]) -> None:
    assert refused(*words, code=2).codes == [code]


def test_an_unknown_pass_lists_the_passes_of_the_pipeline(refused: Command) -> None:
    hint = refused(*compile_words(), "--print-after", "quantise", code=2).json["diagnostics"][0]["hint"]
    assert "did you mean 'quantize'?" in hint
    assert ", ".join(pass_names(make_options())) in hint


@pytest.mark.parametrize("coding", ["graded", "rate"])
def test_the_listed_passes_are_those_that_run(snncc: Command, coding: str) -> None:
    seen = snncc(*compile_words(), "--coding", coding, "--time-passes", "--json").json["passes"]
    assert all(entry["seconds"] >= 0 for entry in seen)
    assert tuple(dict.fromkeys(entry["name"] for entry in seen)) == pass_names(make_options(coding=coding))


def test_time_passes_prints_to_stderr(snncc: Command) -> None:
    result = snncc(*compile_words(), "--time-passes")
    assert " ms  quantize\n" in result.err
    assert "quantize" not in result.out


def test_print_after_prints_the_graph(snncc: Command) -> None:
    text = snncc(*compile_words(), "--print-after", "quantize").out
    assert text.startswith("# after quantize\ngraph @tiny stage=quantized {")
    assert text.count("# after") == 1
    printed = snncc(*compile_words(), "--print-after", "quantize", "--json").json["printed"]
    assert [entry["after"] for entry in printed] == ["quantize"]
    assert printed[0]["graph"].startswith("graph @tiny stage=quantized {")


def test_print_after_all_prints_every_graph(snncc: Command) -> None:
    text = snncc(*compile_words(), "--print-after", "all").out
    assert all(f"# after {name}\n" in text for name in pass_names(make_options()))


def test_save_stages_saves_text_and_constants_of_every_graph(snncc: Command, work: Path) -> None:
    assert snncc(*compile_words(), "--save-stages", "new/stages").code == 0
    files = sorted(path.name for path in (work / "new/stages").iterdir())
    texts = [name for name in files if name.endswith(".txt")]
    assert [name.replace(".txt", ".safetensors") for name in texts] == [n for n in files if n.endswith(".safetensors")]
    assert {name[3:-4] for name in texts} == set(pass_names(make_options()))
    assert (work / "new/stages" / texts[-1]).read_text().startswith("graph @tiny")


def test_every_choice_of_coding_and_levels_can_be_asked_for(snncc: Command) -> None:
    words = ("--coding", "ttfs", "--levels", 6, "--weight-bits", 5, "--schedule", "sequential")
    summary = snncc(*compile_words(), *words, "--json").json
    wanted = {"coding": "ttfs", "levels": 6, "bits": None, "weight_bits": 5, "schedule": "sequential"}
    assert {key: summary[key] for key in wanted} == wanted
