"""Help says all that is written in the code: typer reads square brackets as markup and shows nothing of them."""

from __future__ import annotations

import re

import pytest

from snncc.cli import COMMANDS
from tests.snncc.conftest import Command


@pytest.mark.parametrize("word", COMMANDS)
def test_no_help_loses_its_brackets(snncc: Command, word: str) -> None:
    shown = " ".join(re.sub("[│╭╮╰╯─]", " ", snncc(word, "--help").out).split())
    assert re.search(r"\w\s+[.;,](\s|$)", shown) is None


def test_defaults_that_hang_on_the_chip_are_named(snncc: Command) -> None:
    shown = " ".join(snncc("compile", "--help").out.replace("│", " ").split())
    assert "(default: 4)" in shown
    assert shown.count("(default: the chip's)") == 2
