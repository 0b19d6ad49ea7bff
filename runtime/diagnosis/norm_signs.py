"""Signs in batch norms: stored statistics that are not those of the data, or an input in another unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.moves import moves
from snncc.compiler.ir.ops import Conv, Dense
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.batch_norms import Statistics, statistics
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.signs import Places, Sign

Floats = npt.NDArray[np.float64]
# In the nine networks of examples/, on 256 calibration samples: means at most 0.1 standard deviations apart (root
# mean square over channels), in any channel 0.25; spreads a factor 2^0.5 and 2^0.56. On 32 samples up to 1.2 and 2^0.8.
SHIFT, RATIO = 0.5, 0.8  # root mean square over channels: standard deviations, log2 of a factor
MOST_SHIFT, MOST_RATIO = 2.0, 3.0  # what one channel counts in it at most
ONE_SHIFT, ONE_RATIO = 2.0, 2.0  # of single channels
DOUBTFUL = 0.65  # of these, where the network does not do its task; the nine stay below 0.63
FEW = 64  # samples of which one expects less
UNIFORM = 0.25  # log2 of a factor by which the spreads of channels may differ where one scale explains them
EXPLAINED = 0.3  # standard deviations that scale and offset of the input may leave unexplained


def norm_signs(
    imported: Graph, inputs: Mapping[str, Array], layers: Sequence[Layer], doubtful: bool = False
) -> dict[str, Sign]:
    """Return a sign for each batch norm whose statistics do not fit, by its node.

    Args:
        imported: the user's network, IMPORTED.
        inputs: calibration inputs [samples, *shape] by name.
        layers: of the integer network, to be named.
        doubtful: whether the network is known not to do its task, so that less is needed to suspect a batch norm.
    """
    found = statistics(imported, inputs)
    samples = len(next(iter(inputs.values())))
    slack = 1.0 if samples >= FEW else (FEW / samples) ** 0.5
    places = Places(imported, layers)
    signs: dict[str, Sign] = {}
    for one in found:
        strength = _strength(one) / slack
        if one.untrained and strength > 0.5:
            signs[one.node.name] = _untrained(one, places.of(one.node), max(strength, 1.0))
        elif strength > (DOUBTFUL if doubtful else 1):
            wrong = _input_scale(one, imported) or _wrong(one, places.of(one.node), strength)
            signs[one.node.name] = wrong
    return signs


def _strength(one: Statistics) -> float:
    """Return how far the statistics are apart, 1 where it begins to be unusual."""
    alive = one.alive
    if not alive.any():
        return 0.0
    shift, ratio = one.shift[alive], np.abs(np.log2(one.ratio[alive]))
    whole = max(_size(shift, MOST_SHIFT) / SHIFT, _size(ratio, MOST_RATIO) / RATIO)
    single = max(float(shift.max()) / ONE_SHIFT, float(ratio.max()) / ONE_RATIO)
    return max(whole, single)


def _size(values: Floats, most: float) -> float:
    """Return the root mean square of values, single large ones cut off."""
    return float(np.sqrt((np.minimum(values, most) ** 2).mean()))


def _untrained(one: Statistics, layer: str, strength: float) -> Sign:
    node = one.node
    text = f"'{node.name}' has stored mean 0 and variance 1 in all {len(one.mean)} channels: it was never updated"
    knob = "run the network in training mode over training data (no optimizer step is needed), then export again"
    return Sign(causes.BATCH_NORM, layer, node.loc, text, knob, strength)


def _wrong(one: Statistics, layer: str, strength: float) -> Sign:
    node = one.node
    shift, ratio = one.shift, one.ratio
    off = one.alive & ((shift > SHIFT) | (np.abs(np.log2(ratio)) > RATIO))
    worst = int(np.argmax(np.where(off, np.maximum(shift / ONE_SHIFT, np.abs(np.log2(ratio)) / ONE_RATIO), 0)))
    text = (
        f"what '{node.name}' has stored is not what the data give in {int(off.sum())} of {len(off)} channels: in "
        f"channel {worst} the means lie {shift[worst]:.1f} standard deviations apart and the stored spread is "
        f"{ratio[worst]:.2g} times the real one"
    )
    knob = (
        f"estimate the statistics of {node.loc.module or node.loc.name} again (forward passes in training mode), or "
        "restore the weights before it if they were changed"
    )
    return Sign(causes.BATCH_NORM, layer, node.loc, text, knob, strength)


def _input_scale(one: Statistics, graph: Graph) -> Sign | None:
    """Return the sign of an input in another unit, where one scale and one offset a channel explain everything.

    A first convolution makes of s x + o what it made of x: s times the spread, and s times the mean plus o times the
    sum of its weights (its padding left out of account). Channels that do not change tell nothing of it.
    """
    node = graph.node.get(one.node.inputs[0])
    source = None if node is None or not isinstance(node.op, Conv | Dense) else _input_behind(graph, node.inputs[0])
    if node is None or source is None or not one.alive.any():
        return None
    logs = -np.log2(one.ratio[one.alive])
    scale = float(2 ** np.median(logs))
    if float(np.quantile(np.abs(logs - np.median(logs)), 0.8)) > UNIFORM:
        return None
    if _means_agree(one) and not _usual_scale(scale):
        return None
    offsets, left = _offsets(one, node, graph, scale)
    if left > EXPLAINED or (abs(np.log2(scale)) < RATIO and not offsets.any()):
        return None
    strength = max(abs(float(np.log2(scale))) / RATIO, 1.0)
    told = f"{scale:.3g} times as large as in training" if abs(np.log2(scale)) > UNIFORM else "as large as in training"
    if np.abs(offsets).max() > 1e-6:
        told += f", and shifted by {', '.join(f'{o:.3g}' for o in offsets[:4])} (modelled)"
    text = f"by the statistics of '{one.node.name}', input '{source}' is {told}"
    knob = "prepare calibration and test data as the training data were: the same scaling and normalization"
    loc = next(i.loc for i in graph.inputs if i.name == source)
    return Sign(causes.INPUT_SCALE, source, loc, text, knob, strength + 1)


def _input_behind(graph: Graph, name: str) -> str | None:
    """Return the graph's input that a value shows, None where it shows anything else."""
    while name in graph.node and moves(graph.node[name].op):
        name = graph.node[name].inputs[0]
    return name if name in {i.name for i in graph.inputs} else None


def _means_agree(one: Statistics) -> bool:
    """Return whether the stored means fit the data as they are: then only the variances are wrong."""
    apart = np.abs(one.mean - one.seen_mean) / np.sqrt(one.seen_variance + 1e-12)
    return float(np.quantile(apart[one.alive], 0.8)) <= EXPLAINED


def _usual_scale(scale: float) -> bool:
    """Return whether a scale is one by which images are often mistaken."""
    return any(abs(np.log2(scale / usual)) < 0.1 for usual in (255.0, 1 / 255.0, 127.5, 1 / 127.5))


def _offsets(one: Statistics, node: Node, graph: Graph, scale: float) -> tuple[Floats, float]:
    """Return the offset of each input channel and what is left unexplained, in standard deviations."""
    weight = graph.constants[node.inputs[1]].astype(np.float64)
    bias = graph.constants[node.inputs[2]].astype(np.float64) if len(node.inputs) > 2 else np.zeros(len(weight))
    spread = np.sqrt(one.seen_variance) + 1e-12
    wanted = (((one.seen_mean - bias) - scale * (one.mean - bias)) / spread)[one.alive]
    weight, spread = weight[one.alive], spread[one.alive]
    if float(np.quantile(np.abs(wanted), 0.8)) <= EXPLAINED:
        return np.zeros(1), 0.0
    grouped = isinstance(node.op, Conv) and node.op.groups > 1
    if isinstance(node.op, Dense) or grouped or weight.shape[1] * 2 > len(weight):
        sums = weight.reshape(len(weight), -1).sum(axis=1, keepdims=True)
    else:
        sums = weight.reshape(*weight.shape[:2], -1).sum(axis=2)
    rows = sums / spread[:, None]
    offsets, *_ = np.linalg.lstsq(rows, wanted, rcond=None)
    left = np.abs(wanted - rows @ offsets)
    return offsets, float(np.quantile(left, 0.8))
