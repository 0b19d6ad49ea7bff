"""Windows follow each other, edges are aligned to their ends, samples follow each other at the longest window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.mapping.schedule import Slot, edge_delay, interval_of, start_after

slots = st.lists(st.builds(Slot, st.integers(0, 50), st.integers(1, 20)), min_size=1, max_size=4)


def test_a_population_without_sources_starts_at_once() -> None:
    assert start_after([]) == 0


def test_a_population_starts_when_its_last_source_has_closed() -> None:
    assert start_after([Slot(0, 4), Slot(2, 7), Slot(8, 1)]) == 9


@given(sources=slots)
def test_the_last_spike_of_every_source_arrives_as_its_target_latches(sources: list[Slot]) -> None:
    start = start_after(sources)
    assert {slot.start + slot.window - 1 + edge_delay(slot, start) for slot in sources} == {start}
    assert min(edge_delay(slot, start) for slot in sources) == 1


def test_first_spikes_arrive_late_rather_than_early() -> None:
    assert edge_delay(Slot(0, 3), 10) == 8


@given(sources=slots)
def test_pipelined_samples_follow_at_the_longest_window(sources: list[Slot]) -> None:
    named = {str(i): slot for i, slot in enumerate(sources)}
    assert interval_of(named, "pipelined") == max(slot.window for slot in sources)


@pytest.mark.parametrize("starts", [(0, 4, 11), (0, 0, 0)])
def test_sequential_samples_follow_when_the_last_window_has_closed(starts: tuple[int, ...]) -> None:
    named = {str(i): Slot(start, 5) for i, start in enumerate(starts)}
    assert interval_of(named, "sequential") == max(starts) + 5
