"""The catalogue holds every code that the source uses, and no other; docs/errors.md is made from it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from snncc.compiler.catalogue import CATALOGUE

ROOT = Path(__file__).parent.parent
CODE = re.compile(r"SNN\d{3}")


def used() -> Iterator[tuple[str, str]]:
    """Yield code and file of every string that is a code; docstrings that mention one do not count."""
    for folder in ("backends", "compiler", "runtime", "snncc"):
        for path in (ROOT / folder).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            if name.startswith("compiler/catalogue"):
                continue
            for node in ast.walk(ast.parse(path.read_bytes())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                    yield node.value, name


def test_every_code_in_the_source_is_in_the_catalogue() -> None:
    assert sorted({(code, where) for code, where in used() if code not in CATALOGUE}) == []


def test_every_code_in_the_catalogue_is_in_the_source() -> None:
    assert sorted(CATALOGUE.keys() - {code for code, _ in used()}) == []


def test_codes_are_in_order() -> None:
    assert list(CATALOGUE) == sorted(CATALOGUE)


@pytest.mark.parametrize("code", CATALOGUE)
def test_an_entry_says_what_it_means_and_what_to_do(code: str) -> None:
    entry = CATALOGUE[code]
    assert entry.title
    assert not entry.title.endswith(".")
    assert entry.meaning.endswith(".")
    assert entry.fix.endswith(".")
