"""What a tuning tells beside its result."""

from __future__ import annotations

import pytest

from snncc.runtime.diagnosis.scoring import POINTS, Loss
from snncc.runtime.tuning.notes import not_kept
from snncc.runtime.tuning.trials import Goal


@pytest.mark.parametrize(("low", "told"), [(0.51, True), (0.5, False), (-0.2, False)])
def test_a_loss_that_the_test_shows_to_be_too_large_is_told(low: float, told: bool) -> None:
    found = not_kept(Loss(POINTS, 1.2, low, 1.9, 20.0, 0.1), Goal("synops", 0.5))
    assert [(note.code, note.severity) for note in found] == [("SNN529", "warning")] * told
    assert all("1.20 (95% interval 0.51 to 1.90), more than the 0.5 allowed" in note.message for note in found)


def test_without_test_data_nothing_is_told_of_them() -> None:
    assert not_kept(None, Goal("synops", 0.5)) == []
