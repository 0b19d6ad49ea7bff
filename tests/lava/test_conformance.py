"""Lava does every case of the conformance kit exactly, or refuses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from snncc.backends.conformance import cases
from snncc.backends.registry import get_backend
from tests.backends.conformance import assert_conforms

CASES = {case.name: case for case in cases()}


def test_lava_runs_here() -> None:
    assert get_backend("lava").missing() == ""


@pytest.mark.parametrize("name", CASES)
def test_a_case_is_done_exactly_or_refused(name: str, tmp_path: Path) -> None:
    assert_conforms(get_backend("lava"), CASES[name], tmp_path)
