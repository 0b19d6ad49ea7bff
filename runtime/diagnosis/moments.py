"""Mean, spread and largest value of each channel of values of a float network, without holding the values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array
from snncc.runtime.diagnosis.float_model import FloatModel
from snncc.runtime.floats import FloatNetwork

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Moments:
    """Statistics of a value by channel, float64 [channels] each, over samples and positions."""

    mean: Floats
    square: Floats
    least: Floats
    most: Floats

    @property
    def spread(self) -> Floats:
        """Return the standard deviation."""
        found: Floats = np.sqrt(np.maximum(self.square - self.mean**2, 0.0))
        return found


def channel_moments(
    model: FloatModel, shapes: Mapping[str, tuple[int, ...]], inputs: Mapping[str, Array]
) -> dict[str, Moments]:
    """Return the moments of values by name.

    Args:
        model: a float network.
        shapes: shape of each value wanted, channels first, without batch.
        inputs: [samples, *shape] by input name.
    """
    editor = model.editor()
    read: dict[str, list[str]] = {}
    for name, shape in shapes.items():
        axes = [0, *range(2, len(shape) + 1)]
        square = editor.node("Mul", [name, name])
        sums = [editor.reduce("ReduceSum", value, axes) for value in (name, square)]
        read[name] = [*sums, *(editor.reduce(kind, name, axes) for kind in ("ReduceMin", "ReduceMax"))]
    network = FloatNetwork(editor.finish([name for names in read.values() for name in names]))
    batches = list(network.batches(inputs))
    samples = len(next(iter(inputs.values())))
    return {name: _moments(batches, names, samples, shapes[name]) for name, names in read.items()}


def _moments(
    batches: Sequence[Mapping[str, Array]], names: Sequence[str], samples: int, shape: tuple[int, ...]
) -> Moments:
    each = samples * int(np.prod(shape[1:], dtype=np.int64))
    first, second, least, most = (np.stack([batch[name] for batch in batches]).astype(np.float64) for name in names)
    return Moments(first.sum(axis=0) / each, second.sum(axis=0) / each, least.min(axis=0), most.max(axis=0))
