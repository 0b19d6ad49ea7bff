"""Golden vectors for every kind of program, and what stands in the way of running an artifact."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import snncc
from snncc.compiler.neuron import parse_neuron
from snncc.compiler.program import EventInput, Population, Program
from snncc.emission import EVENT_STEPS, SAMPLES, golden_feed, golden_samples, on_device


def counter(bits: int) -> Program:
    """Return a neuron that adds up events, and overflows when they pass its width."""
    neuron = parse_neuron(f"port a\nstate v:{bits}\nv = add v in.a\nemit 0")
    return Program("count", "any", 0, (Population("n", (2,), neuron, {}),), (), (EventInput("e", "n", "a"),))


def test_a_compiled_program_gets_witnesses(made: Path) -> None:
    program = snncc.load(made / "tiny.snnp")
    samples = golden_samples(program, {})["image"]
    assert samples.shape == (SAMPLES, 36)
    assert np.all(samples[0] == program.inputs[0].hi)  # type: ignore[union-attr]
    feed = golden_feed(program, {})
    assert feed.steps == program.latency + (SAMPLES - 1) * program.interval + 1
    assert len({tuple(row) for row in samples.tolist()}) == SAMPLES


def test_samples_of_the_user_come_first(made: Path) -> None:
    program = snncc.load(made / "tiny.snnp")
    given = np.arange(72).reshape(2, 36)
    samples = golden_samples(program, {"image": given})["image"]
    assert np.array_equal(samples[:2], given)
    assert len(samples) == 2 + SAMPLES


def test_a_program_without_a_network_gets_random_levels(made: Path) -> None:
    program = replace(snncc.load(made / "tiny.snnp"), origin=None)
    tensor = program.inputs[0]
    samples = golden_samples(program, {})["image"]
    assert samples.min() >= tensor.lo  # type: ignore[union-attr]
    assert samples.max() <= tensor.hi  # type: ignore[union-attr]
    assert len(np.unique(samples)) > 2


def test_a_program_of_events_gets_events() -> None:
    feed = golden_feed(counter(32), {})
    assert feed.steps == EVENT_STEPS
    assert len(feed.arrivals["e"].step) > 5


def test_golden_vectors_end_where_a_state_overflows() -> None:
    feed = golden_feed(counter(4), {})
    assert 0 < feed.steps < EVENT_STEPS


def test_a_missing_runtime_is_told_before_anything_is_emitted(
    made: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    program = snncc.load(made / "tiny.snnp")
    with pytest.raises(snncc.SnnccError, match="SNN605"), on_device(program, "c"):
        raise AssertionError("never here")


@pytest.mark.parametrize("backend", ["c", "onnx"])
def test_the_api_emits(made: Path, tmp_path: Path, images: np.ndarray, backend: str) -> None:
    program = snncc.load(made / "tiny.snnp")
    manifest = snncc.emit(program, backend, tmp_path / "art", images[:3])
    assert manifest["program"]["name"] == program.name
    assert (tmp_path / "art" / "manifest.json").is_file()
