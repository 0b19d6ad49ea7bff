"""What is read is run beside the user's own model, unless running it would take too long or too much memory."""

from __future__ import annotations

from typing import Any

import onnx
import pytest

import snncc
from snncc.compiler.frontend import selfcheck


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The inputs that each network is run on."""
    made, run = list[int](), selfcheck.Runner.run

    def counted(self: selfcheck.Runner, feeds: dict[str, Any]) -> list[Any]:
        made.append(1)
        return run(self, feeds)

    monkeypatch.setattr(selfcheck.Runner, "run", counted)
    return made


WORK = 4 * 9 * 64 + 6 * 36 * 16 + 5 * 96  # multiplications of the two convolutions and the dense layer


@pytest.mark.parametrize(("most", "inputs"), [(2 * 2 * WORK, 2), (2 * 2 * WORK - 1, 1), (2 * WORK - 1, 0)])
def test_the_work_of_a_check_is_bounded(
    most: int, inputs: int, runs: list[int], tiny_model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selfcheck, "MOST_WORK", most)
    snncc.import_model(tiny_model)
    assert len(runs) == 2 * inputs  # the user's model, and ours


def test_the_memory_of_a_check_is_bounded(
    runs: list[int], tiny_model: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selfcheck, "MOST_ELEMENTS", 4 * 64 - 1)
    snncc.import_model(tiny_model)
    assert not runs
    monkeypatch.setattr(selfcheck, "MOST_ELEMENTS", 4 * 64)
    snncc.import_model(tiny_model)
    assert len(runs) == 4
