"""The comparison with SpikingJelly: verdicts and note from points, and the line where it is not installed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from bench import peers
from bench.peers import COMPARISONS, PEER, as_data, note, verdicts_on
from bench.points import Point

RIGHT = np.array([True] * 90 + [False] * 10)
OURS = Point("net", "snncc", "graded", 5, 1, 100.0, 10.0, False, RIGHT)
PLAIN = replace(OURS, how="rate", steps=20, interval=7, one_bit=True)
ALL, ALL_ONCE, PLAIN_ALONE, _ = COMPARISONS
THEIRS = Point("net", PEER, "T = 8", 12, 8, 500.0, 80.0, True, RIGHT)


def test_a_peer_point_is_judged_by_ours_on_its_own_network() -> None:
    (verdict,) = verdicts_on([OURS, replace(OURS, network="other", how="no"), THEIRS], ALL)
    assert verdict.dominated_by == verdict.matched_by == ("graded",)
    assert verdict.dominates == ()


def test_one_bit_spikes_can_be_compared_alone() -> None:
    (verdict,) = verdicts_on([OURS, PLAIN, THEIRS], PLAIN_ALONE)
    assert verdict.dominated_by == ()


def test_the_peers_input_can_be_counted_once() -> None:
    shown = replace(THEIRS, events=850.0, input_events=800.0)
    dear = replace(OURS, events=160.0)
    (often,), (once,) = (verdicts_on([dear, shown], how) for how in (ALL, ALL_ONCE))
    assert often.dominated_by == ("graded",)
    assert once.dominated_by == ()


def test_the_note_names_what_dominates_ours() -> None:
    dear = replace(PLAIN, interval=9, events=600.0)
    told = note([OURS, dear, THEIRS], ALL)
    assert "dominates ours: net, T = 8: rate" in told
    assert "No peer point dominates ours" not in told


def test_the_note_says_when_nothing_dominates_ours() -> None:
    told = note([OURS, PLAIN, THEIRS], ALL)
    assert told.splitlines() == [
        "all codings: of 1 points of SpikingJelly ours dominate 1, dominate or match 1.",
        "  No peer point dominates ours.",
    ]


def test_a_peer_point_that_is_better_by_chance_is_said_to_be_matched() -> None:
    luckier = RIGHT.copy()
    luckier[95] = True
    told = note([OURS, replace(THEIRS, right=luckier)], ALL)
    assert "not dominated, matched by graded: net, T = 8" in told


def test_json_holds_every_point_and_no_single_samples() -> None:
    data = as_data([OURS, PLAIN, THEIRS], 100, 5)
    assert [point["accuracy"] for point in data["points"]] == [0.9, 0.9, 0.9]
    assert all("right" not in point for point in data["points"])
    assert list(data["verdicts"]) == [how.name for how in COMPARISONS]


def test_without_spikingjelly_a_line_says_that_it_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "NEEDED", ("no_such_package",))
    app = typer.Typer()
    app.command()(peers.main)
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0
    assert result.stdout == "SpikingJelly: skipped, not installed: no_such_package\n"
