"""``snncc check``: the verdict of the independent checker, in words and in JSON."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from snncc.compiler.container import load_program
from snncc.show_check import WORDS
from tests.snncc.conftest import Command

NEURONS = 'neurons = { value = 70, source = "me" }\n[sources]\nme = "made up"\n'


def rewritten(member: str, old: str, new: str) -> None:
    """Write broken.snnp: tiny.snnp with a text in a member replaced, its certificate as it was."""
    with zipfile.ZipFile("tiny.snnp") as archive, zipfile.ZipFile("broken.snnp", "w") as copy:
        for name in archive.namelist():
            data = archive.read(name)
            assert name != member or old.encode() in data
            copy.writestr(name, data.replace(old.encode(), new.encode()) if name == member else data)


def test_a_compiled_program_is_accepted(snncc: Command) -> None:
    result = snncc("check", "tiny.snnp")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("ACCEPTED: tiny.snnp reproduces its integer network on every input\n")
    assert "2^-60" in result.out


def test_the_same_as_json(snncc: Command) -> None:
    result = snncc("check", "tiny.snnp", "--json", "--quiet")
    assert result.code == 0
    told = result.json
    placement = told.pop("placement")
    assert told == {"file": "tiny.snnp", "accepted": True, "escape_log2": -60, "problems": []}
    assert (placement["target"], placement["accepted"], placement["cores"]) == ("loihi2", True, 1)
    assert placement["limits"]["neurons"] == {"limit": 4095, "most": 71}
    assert {*placement["limits"], *placement["not_stated"]} == set(WORDS)


def test_what_was_checked_of_the_placement_is_told(snncc: Command) -> None:
    lines = snncc("check", "tiny.snnp").out.splitlines()
    assert "every neuron has its place, on 1 core of loihi2, and no limit is exceeded; the most of each:" in lines
    assert "  neurons of a core: 71 of 4095" in lines
    assert any(line.startswith("  not stated by loihi2: ") for line in lines)


def test_a_program_without_placement_has_none_to_check(snncc: Command) -> None:
    replace(load_program("tiny.snnp"), board="", slices=()).save("loose.snnp")
    assert "placement" not in snncc("check", "loose.snnp", "--json").json
    assert "loihi2" not in snncc("check", "loose.snnp").out
    result = snncc("check", "loose.snnp", "--target", "loihi2")
    assert (result.code, result.err) == (1, "")
    assert "\nthe program is placed on no board, not on loihi2\n" in result.out


def test_a_violated_limit_is_told_with_core_need_and_limit(snncc: Command) -> None:
    Path("tight.toml").write_text('schema = 2\ndescription = "tight"\nchip = "loihi2"\n[core]\n' + NEURONS)
    program = load_program("tiny.snnp")
    replace(program, board="tight").save("tight.snnp")
    result = snncc("check", "tight.snnp", "--target", "tight.toml")
    assert (result.code, result.err) == (1, "")
    assert result.out == "REJECTED: tight.snnp, 1 problem\ncore 0 has 71 neurons, the limit is 70\n"
    told = snncc("check", "tight.snnp", "--target", "tight.toml", "--json").json
    assert told["problems"] == [{"where": "core 0", "what": "has 71 neurons, the limit is 70"}]
    assert told["placement"]["accepted"] is False


def test_a_board_that_is_not_bundled_needs_its_file(snncc: Command) -> None:
    replace(load_program("tiny.snnp"), board="mine").save("mine.snnp")
    result = snncc("check", "mine.snnp")
    assert result.code == 1
    assert "\nthe target is not there: " in result.out
    assert "--target" in result.out
    assert snncc("check", "mine.snnp", "--target", "mine").code == 2


def test_a_changed_program_is_rejected_with_its_place(snncc: Command, golden: Callable[[str, str], None]) -> None:
    rewritten("program.json", "u = select first 0 u", "u = copy u")
    result = snncc("check", "broken.snnp")
    assert (result.code, result.err) == (1, "")
    golden(result.out, "cli/check_rejected.txt")
    told = snncc("check", "--json", "broken.snnp").json
    assert told["accepted"] is False
    assert {problem["where"] for problem in told["problems"]} == {"the file"}


@pytest.mark.parametrize("content", [None, b"", b"PK", b"no zip"])
def test_what_cannot_be_read_is_rejected(snncc: Command, content: bytes | None) -> None:
    if content is not None:
        Path("broken.snnp").write_bytes(content)
    result = snncc("check", "broken.snnp")
    assert (result.code, result.err) == (1, "")
    assert "REJECTED: broken.snnp, 1 problem\nthe file cannot be read" in result.out
    assert json.loads(snncc("check", "broken.snnp", "--json").out)["accepted"] is False
