"""What each effect does to its own layer, all of them measured in one run of the float network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array
from snncc.runtime.diagnosis.effects import Effect, Key
from snncc.runtime.diagnosis.float_model import Editor, FloatModel
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.switching import show
from snncc.runtime.floats import FloatNetwork

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class LocalError:
    """The error of an effect in the charge (weights, biases) or the levels (clipping, rounding) of its layer.

    Attributes:
        mean: of each channel, in real units, [channels].
        noise: mean square of each channel, mean taken out, [channels].
        signal: mean square of the value of each channel, [channels].
    """

    mean: Floats
    noise: Floats
    signal: Floats

    @property
    def sqnr_db(self) -> float | None:
        """Return the signal-to-quantization-noise ratio of the layer in dB; None where it is not finite."""
        return decibels(float(self.signal.mean()), float(self.noise.mean()))


def decibels(signal: float, noise: float) -> float | None:
    """Return 10 log10(signal / noise), None where it is not finite."""
    if not (signal > 0 and noise > 0 and np.isfinite(signal) and np.isfinite(noise)):
        return None
    return 10 * float(np.log10(signal / noise))


def local_errors(
    model: FloatModel, effects: Sequence[Effect], inputs: Mapping[str, Array], progress: Callable[[int, int], None]
) -> dict[Key, LocalError]:
    """Return the error of each effect by its key.

    Args:
        model: the float model.
        effects: all to be measured.
        inputs: float inputs [samples, *shape] by name.
        progress: called with samples done and samples in all.
    """
    editor = model.editor()
    read: dict[Key, list[str]] = {}
    for effect in effects:
        value = _charge(model, effect.layer) if effect.weights or effect.bias is not None else ""
        errors = _error(editor, effect)
        sums = [] if errors is None else [*_moments(editor, errors, effect.layer)]
        read[effect.key] = [*sums, _moments(editor, value or effect.layer.value, effect.layer)[1]]
    names = list(dict.fromkeys(name for several in read.values() for name in several))
    network = FloatNetwork(editor.finish(names))
    samples = len(next(iter(inputs.values())))
    totals: dict[str, Floats] = {}
    done = 0
    for batch in network.batches(inputs):
        for name in names:
            totals[name] = totals.get(name, 0.0) + batch[name].astype(np.float64)
        done = min(done + 64, samples)
        progress(done, samples)
    return {effect.key: _local(effect, read[effect.key], totals, samples) for effect in effects}


def _local(effect: Effect, names: list[str], totals: Mapping[str, Floats], samples: int) -> LocalError:
    each = samples * int(np.prod(effect.layer.shape[1:], dtype=np.int64))
    signal = totals[names[-1]] / each
    if effect.bias is not None:
        flat = effect.bias.reshape(len(effect.bias), -1)
        return LocalError(np.zeros(len(flat)), (flat**2).mean(axis=1), signal)
    mean = totals[names[0]] / each
    return LocalError(mean, np.maximum(totals[names[1]] / each - mean**2, 0.0), signal)


def _error(editor: Editor, effect: Effect) -> str | None:
    """Add the error of an effect, element by element; None for a bias, whose error is the same on all inputs."""
    if effect.bias is not None:
        return None
    layer = effect.layer
    if effect.weights:
        parts = [editor.twin(name, change) for name, change in effect.weights.items()]
        return parts[0] if len(parts) == 1 else editor.node("Sum", parts)
    value = layer.value
    if effect.rounds and not effect.clips:  # of what clipping leaves
        value = show(editor, value, layer, clips=True, rounds=False)
    return editor.node("Sub", [show(editor, value, layer, effect.clips, effect.rounds), value])


def _moments(editor: Editor, value: str, layer: Layer) -> tuple[str, str]:
    """Add the sums over samples and positions of a value and of its square."""
    axes = [0, *range(2, len(layer.shape) + 1)]
    square = editor.node("Mul", [value, value])
    return editor.reduce("ReduceSum", value, axes), editor.reduce("ReduceSum", square, axes)


def _charge(model: FloatModel, layer: Layer) -> str:
    """Return the name of a layer's float charge: its one weighted sum, or the addition of several."""
    names = [one.name for one in layer.sums]
    return names[0] if len(names) == 1 else model.sum_of(names)
