"""``snncc check``: the verdict of the independent checker, in words and in JSON."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.snncc.conftest import Command


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
    assert result.json == {"file": "tiny.snnp", "accepted": True, "escape_log2": -60, "problems": []}


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
