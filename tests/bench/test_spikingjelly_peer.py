"""SpikingJelly's side, where it is installed: the shipped weights, more steps, more events."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("spikingjelly")

import torch

from bench.spikingjelly_peer import RECIPES, peers, torch_network
from tests.examples.support import EXAMPLES, float_outputs, load

NAME = "fashion_mlp"
MODEL = EXAMPLES / NAME / f"{NAME}.onnx"


def test_the_torch_module_has_the_shipped_weights() -> None:
    x, _ = load(NAME, "test")
    with torch.no_grad():
        found = torch_network(NAME, MODEL)(torch.from_numpy(x[:20])).numpy()
    assert np.abs(found - float_outputs(NAME, x[:20])).max() < 1e-4


def test_every_recipe_gives_a_point_for_every_number_of_steps() -> None:
    (x, y), (calibration, _) = load(NAME, "test"), load(NAME, "calibration")
    found = peers(NAME, MODEL, calibration, x[:100], 5, (2, 16))
    assert [(p.recipe, p.shows) for p in found] == [(recipe, steps) for recipe in RECIPES for steps in (2, 16)]
    assert all(p.layers == 2 and p.one_bit for p in found)
    for short, long in zip(found[::2], found[1::2], strict=True):
        assert 6 * short.events < long.events
    assert max(np.mean(p.classes == y[:100]) for p in found) > 0.85
