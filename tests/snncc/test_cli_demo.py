"""The demonstration, the one test here that uses the bundled network."""

from __future__ import annotations

from tests.snncc.conftest import Command


def test_the_demonstration_is_exact_in_every_coding(snncc: Command) -> None:
    result = snncc("demo", "--limit", 4, "--json")
    assert result.code == 0
    found = result.json
    assert found["exact"]
    assert found["verdict"] == "EXACT in every coding"
    assert [report["coding"] for report in found["reports"]] == ["graded", "bitplane", "rate", "ttfs"]
    for report in found["reports"]:
        assert report["samples_stepped"] == 4
        assert report["integer_accuracy"] > 0.98
