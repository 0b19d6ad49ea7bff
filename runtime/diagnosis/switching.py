"""The float network with effects of quantization switched on: one alone, or all up to some point."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from snncc.runtime.diagnosis.effects import Effect
from snncc.runtime.diagnosis.float_model import Editor, FloatModel
from snncc.runtime.diagnosis.pairing import Layer, Sum
from snncc.runtime.diagnosis.weight_errors import bias_correction

Floats = npt.NDArray[np.floating]


def isolated(model: FloatModel, effect: Effect, mean: Floats) -> bytes:
    """Return the float network with one effect on, less the mean error that it makes in each channel.

    The compiler corrects biases so that no error of a charge has a mean (but that of rounding the bias itself), so an
    effect with its mean would look worse than it is.

    Args:
        model: the float model.
        effect: what to switch on.
        mean: mean error of each channel of the layer's charge or levels, [channels].
    """
    editor = model.editor()
    if effect.clips or effect.rounds:
        real, target = editor.replace_value(effect.layer.value)
        shown = show(editor, real, effect.layer, effect.clips, effect.rounds)
        if effect.channels is not None:
            chosen = editor.constant(_wide(effect.channels.astype(np.float64), effect.layer))
            change = editor.node("Mul", [editor.node("Sub", [shown, real]), chosen])
            shown = editor.node("Add", [real, change])
        editor.node("Sub", [shown, editor.constant(_wide(mean, effect.layer))], target)
        return editor.finish()
    extra = -mean if effect.bias is None else effect.bias
    for one, bias in _biases(effect.layer, extra):
        changed = effect.weights.get(one.name)
        editor.set_sum(one.name, one.weight if changed is None else one.weight + changed, bias)
    return editor.finish()


def switched_on(model: FloatModel, layers: Sequence[Layer], on: Collection[Effect]) -> bytes:
    """Return the float network with several effects on.

    Biases are those that the integers stand for wherever weights, or the levels that they read, are changed: the
    compiler makes up there for the mean of all errors before.
    """
    editor = model.editor()
    changed: set[str] = set()
    for layer in layers:
        mine = [effect for effect in on if effect.layer is layer]
        charged = [effect for effect in mine if not (effect.clips or effect.rounds)]
        behind = not changed.isdisjoint(layer.reads)
        if layer.sums and (charged or behind):
            _charge(editor, layer, charged)
        if mine or (behind and layer.kind == "average"):
            changed.add(layer.name)
        clips, rounds = any(effect.clips for effect in mine), any(effect.rounds for effect in mine)
        if clips or rounds:
            real, target = editor.replace_value(layer.value)
            editor.node("Identity", [show(editor, real, layer, clips, rounds, _tie(layer))], target)
    return editor.finish()


def show(editor: Editor, real: str, layer: Layer, clips: bool, rounds: bool, tie: float = 0.0) -> str:
    """Add what clipping and rounding make of a value; return its name.

    Args:
        editor: takes the nodes.
        real: name of the value.
        layer: gives levels and scale.
        clips: whether to cut off what lies beyond the levels.
        rounds: whether to round to levels.
        tie: part of a level by which a value may fall short of half a level and still is rounded up.
    """
    assert layer.levels is not None
    scale = editor.constant(layer.scale)
    value = editor.node("Div", [real, scale])
    if clips:
        ends = (editor.constant(layer.levels.lo), editor.constant(layer.levels.hi))
        value = editor.node("Clip", [value, *ends])
    if rounds:
        value = editor.node("Floor", [editor.node("Add", [value, editor.constant(0.5 + tie)])])
    return editor.node("Mul", [value, scale])


def _tie(layer: Layer) -> float:
    """Return what float32 may lack of half a level where the integer charge is exactly that.

    Charges are whole numbers and a level is theta of them: the next one below half a level lies 1 / theta lower. Those
    of a ladder meet half a level exactly where its curve is straight.
    """
    if layer.kind == "input":
        return 0.0
    return 1e-4 if layer.kind == "ladder" else min(0.01, 0.25 / layer.theta)


def _charge(editor: Editor, layer: Layer, effects: Sequence[Effect]) -> None:
    for one, bias in _biases(layer, bias_correction(layer)):
        changes = [effect.weights[one.name] for effect in effects if one.name in effect.weights]
        editor.set_sum(one.name, sum(changes, one.weight), bias)


def _biases(layer: Layer, extra: Floats) -> list[tuple[Sum, Floats | None]]:
    """Return each weighted sum of a layer with its bias; the first takes in what is added to the layer's."""
    first, *others = layer.sums
    return [(first, _added(first.bias, extra)), *((one, one.bias) for one in others)]


def _added(bias: Floats | None, extra: Floats) -> Floats:
    if bias is None:
        return extra
    rank = max(bias.ndim, extra.ndim)
    both = (array.reshape(array.shape + (1,) * (rank - array.ndim)) for array in (bias, extra))
    total: Floats = sum(both, np.zeros(()))
    return total


def _wide(mean: Floats, layer: Layer) -> Floats:
    """Return a constant of each channel so that it broadcasts to [samples, *shape]."""
    return mean.reshape(1, -1, *(1,) * (len(layer.shape) - 1))
