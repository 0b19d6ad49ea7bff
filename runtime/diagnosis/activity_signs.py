"""Layers that give the same whatever the input is, and channels that never fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from snncc.compiler.ir.graph import Array
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.float_model import FloatModel
from snncc.runtime.diagnosis.moments import channel_moments
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.signs import Sign, listed

SAMPLES = 128
STILL = 1e-6  # spread over size of a value that does not change
MANY = 0.5  # share of channels that never fire from which it is worth a word


def activity_signs(model: FloatModel, layers: Sequence[Layer], inputs: Mapping[str, Array]) -> list[Sign]:
    """Return the signs in the activations of the canonical float network; of dead layers in a row the first only.

    Args:
        model: the float model.
        layers: of the integer network.
        inputs: float inputs [samples, *shape] by name.
    """
    some = {name: array[:SAMPLES] for name, array in inputs.items()}
    fires = [layer for layer in layers if layer.kind in ("fire", "ladder")]
    moments = channel_moments(model, {layer.value: layer.shape for layer in fires}, some)
    signs: list[Sign] = []
    for layer in fires:
        found = moments[layer.value]
        still = found.most - found.least <= STILL * np.maximum(np.abs(found.most), 1e-12)
        if still.all():
            signs.append(_dead_layer(layer))
            break
        silent = np.flatnonzero(still)
        if len(silent) > MANY * len(still):
            signs.append(_dead_channels(layer, silent, len(still)))
    return signs


def _dead_layer(layer: Layer) -> Sign:
    place = layer.place.module or layer.place.name
    text = f"no channel of '{layer.name}' changes with the input: nothing after it can tell one sample from another"
    knob = f"look at the weights and biases of {place}, and train it again"
    return Sign(causes.DEAD_LAYER, layer.name, layer.place, text, knob, 10.0)


def _dead_channels(layer: Layer, silent: np.ndarray, channels: int) -> Sign:
    place = layer.place.module or layer.place.name
    text = f"{len(silent)} of {channels} channels of '{layer.name}' ({listed(silent)}) never change with the input"
    knob = f"look at the biases of {place}: such channels can be pruned, or were lost in training"
    share = len(silent) / channels
    return Sign(causes.DEAD_CHANNELS, layer.name, layer.place, text, knob, share / MANY, decisive=share > 0.75)
