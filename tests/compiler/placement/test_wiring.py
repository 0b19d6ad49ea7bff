"""Closed forms of what boxes hear against counting synapse by synapse."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snncc.compiler.placement.cuts import Ints, boxes, even, outer, part_counts
from snncc.compiler.placement.loads import fan_in
from snncc.compiler.placement.wiring import ConvWiring, DenseWiring, wiring
from snncc.compiler.program import Population, Program
from tests.compiler.placement.cutting import cuts_of, members, programs, stored


def spread(reach: Sequence[Ints], source: Population) -> Ints:
    return (outer(reach) if len(reach) == len(source.shape) else reach[0]).ravel()


@given(programs(), st.data())
def test_what_boxes_hear_is_what_their_synapses_say(program: Program, data: st.DataObject) -> None:
    populations = program.population
    for connection in program.connections:
        source, target = populations[connection.source], populations[connection.target]
        joined, wires = stored(connection, source, target), wiring(connection, source, target)
        cuts, cut_source = data.draw(cuts_of(target)), data.draw(cuts_of(source))
        rows = [joined[members(target, box)].sum(axis=0) for box in boxes(cuts)]
        heard = np.array([int((row > 0).sum()) for row in rows])
        np.testing.assert_array_equal(wires.heard(cuts).ravel(), heard)
        np.testing.assert_array_equal(spread(wires.reach(cuts), source), sum((row > 0).astype(int) for row in rows))
        for box, row in zip(boxes(cuts), rows, strict=True):
            assert sorted(wires.lists(box)) == sorted(row[row > 0])
        held = [[int((row[members(source, box)] > 0).sum()) for box in boxes(cut_source)] for row in rows]
        np.testing.assert_array_equal(wires.shared(cuts, cut_source), held)
        assert fan_in(connection, target) >= joined.sum(axis=1).max()


@given(programs())
def test_fan_in_is_exact_where_nothing_is_gathered(program: Program) -> None:
    populations = program.population
    for connection in program.connections:
        source, target = populations[connection.source], populations[connection.target]
        if isinstance(wiring(connection, source, target), ConvWiring | DenseWiring):
            assert fan_in(connection, target) == stored(connection, source, target).sum(axis=1).max()


@pytest.mark.parametrize("size", [1, 2, 7, 30, 97])
def test_part_counts_lead_to_every_greatest_part(size: int) -> None:
    greatest = {-(-size // parts) for parts in range(1, size + 1)}
    assert {max(np.diff(even(size, parts))) for parts in part_counts(size)} == greatest
