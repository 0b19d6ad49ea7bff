"""Points of cost and accuracy: dominance, our programs in other codings, synaptic events by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import snncc
from bench.points import DEPTH, Point, dominates, matches, our_points, recoded, synaptic_events
from bench.subjects import subfolder
from snncc.compiler.coding import CODINGS
from snncc.compiler.program_text import print_program
from tests.bench.nets import write_tiny
from tests.nets import tiny_cnn

RIGHT = np.array([True] * 90 + [False] * 10)
POINT = Point("net", "snncc", "graded", 5, 1, 100.0, 10.0, False, RIGHT)


def test_a_point_dominates_what_is_worse_in_one_account_and_better_in_none() -> None:
    worse = [replace(POINT, steps=6), replace(POINT, interval=2), replace(POINT, events=101.0)]
    worse.append(replace(POINT, right=np.roll(RIGHT, 1) & RIGHT))
    assert all(dominates(POINT, other) and not dominates(other, POINT) for other in worse)


def test_a_point_dominates_neither_its_like_nor_what_is_better_somewhere() -> None:
    assert not dominates(POINT, replace(POINT, how="bitplane"))
    assert not dominates(POINT, replace(POINT, steps=4, events=1000.0))


def test_a_point_matches_what_is_better_by_chance_alone() -> None:
    luckier, better = RIGHT.copy(), np.ones(100, dtype=bool)
    luckier[90] = True
    cheap = replace(POINT, steps=4)
    assert not dominates(cheap, replace(POINT, right=luckier))
    assert matches(cheap, replace(POINT, right=luckier))
    assert not matches(cheap, replace(POINT, right=better))
    assert not matches(replace(POINT, steps=6), replace(POINT, right=luckier))


@pytest.mark.parametrize("coding", CODINGS)
def test_a_recoded_program_is_the_one_compiled_in_that_coding(coding: str) -> None:
    x = np.random.default_rng(0).random((32, 1, 8, 8), dtype=np.float32)
    graded, wanted = (snncc.compile(tiny_cnn(), x, coding=c, bits=2) for c in ("graded", coding))
    assert print_program(recoded(graded, coding)) == print_program(replace(wanted, origin=None, board="", slices=()))


def test_samples_of_a_stream_have_the_synaptic_events_that_each_has_alone() -> None:
    rng = np.random.default_rng(0)
    program = snncc.compile(tiny_cnn(), rng.random((32, 1, 8, 8), dtype=np.float32), bits=2)
    x = rng.random((2 * DEPTH, 1, 8, 8), dtype=np.float32)
    found = synaptic_events(program, x)
    each = [synaptic_events(program, np.repeat(x[i : i + 1], DEPTH, axis=0)) for i in range(len(x))]
    assert found == pytest.approx(np.mean(each, axis=0))
    assert 0 < found[1] < found[0]


def test_every_coding_of_one_quantization_is_equally_accurate(tmp_path: Path) -> None:
    write_tiny(tmp_path / "tiny")
    found = list(our_points(subfolder(tmp_path / "tiny"), DEPTH, {"graded": (3,), "rate": (2, 3)}))
    assert [point.how for point in found] == ["rate, 2 bits", "graded, 3 bits", "rate, 3 bits"]
    assert found[1].accuracy == found[2].accuracy
    assert found[1].steps < found[2].steps
    assert [point.one_bit for point in found] == [True, False, True]
