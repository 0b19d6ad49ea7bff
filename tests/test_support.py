"""The support matrix: what docs/support.md says of operators, codings and targets is what a compile does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from snncc.compiler.catalogue import CATALOGUE
from snncc.compiler.frontend.onnx_ops import CONVERT
from snncc.compiler.mapping.choice import sendable
from snncc.compiler.targets import load_target
from tests.support import EXACT, TARGETS, found_on
from tests.support_cases import CASES, CURVES, REFUSED, Case

DOCS = Path(__file__).parent.parent / "docs"
OPERATORS = (DOCS / "ops.md").read_text(encoding="utf-8")


def test_every_operator_that_is_imported_has_a_case() -> None:
    assert {case.operator for case in CASES} == {name for domain, name in CONVERT if not domain}


def test_cases_have_titles_of_their_own() -> None:
    assert len({case.title for case in CASES}) == len(CASES)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_a_case_is_exact_or_refused_as_the_page_says(case: Case, target: str) -> None:
    found = found_on(case, target).by_coding
    assert found == shown(target)[case.title]
    for outcome in found.values():
        if case in REFUSED or not load_target(target).programmable:
            assert outcome.startswith(EXACT) or set(outcome.split(", ")) <= set(CATALOGUE)
        else:
            assert outcome.startswith(EXACT)


def test_a_refused_case_is_exact_nowhere() -> None:
    assert not any(outcome.startswith(EXACT) for case in REFUSED for outcome in shown("loihi2")[case.title].values())


def test_neurons_without_programs_are_exact_wherever_levels_are_relus() -> None:
    exact = [title for title, outcomes in shown("loihi1").items() if outcomes["rate"] == EXACT]
    assert len(exact) > len(CASES) // 3


def shown(target: str) -> dict[str, dict[str, str]]:
    """Return what the page shows, by title and coding."""
    part = (DOCS / "support.md").read_text(encoding="utf-8").partition(f"## {target}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in re.findall(r"^\|.+\|$", part, re.MULTILINE)]
    return {row[0]: dict(zip((head.strip("`") for head in rows[0][1:]), row[1:], strict=True)) for row in rows[2:]}


def test_the_page_shows_every_case_and_no_other() -> None:
    for target in TARGETS:
        assert [*shown(target)] == [case.title for case in CASES]
        assert {(*row,) for row in shown(target).values()} == {sendable(load_target(target))}


@pytest.mark.parametrize("case", CURVES, ids=lambda case: case.title)
def test_an_activation_becomes_the_neuron_that_the_page_says(case: Case) -> None:
    row = re.search(rf"^\| `{found_on(case, 'loihi2').neuron}` \| (.+) \|$", OPERATORS, re.MULTILINE)
    assert row is not None
    assert f"`{case.operator}` {case.form}".rstrip() in row[1].split(", ")
