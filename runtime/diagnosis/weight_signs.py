"""Signs of damage in weights: channels, single weights and biases out of all proportion, channels without weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.ops import BatchNorm, Conv, Dense
from snncc.compiler.ir.to_onnx import to_onnx
from snncc.runtime.diagnosis import causes
from snncc.runtime.diagnosis.float_model import FloatModel
from snncc.runtime.diagnosis.moments import Moments, channel_moments
from snncc.runtime.diagnosis.pairing import Layer
from snncc.runtime.diagnosis.signs import Places, Sign, listed

Floats = npt.NDArray[np.float64]
SAMPLES = 128
# Trained networks stay far below these: over the nine of examples/ the largest row of a weight has at most 2.1 times
# the norm of the median row, the largest column 3.2 times, the largest weight 2.6 times the size of the thousandth
# part behind it, and a gamma at most 3.6 times the median one.
APART = 8.0  # norm of a row, column or gamma over that of the upper quartile
ALONE = 5.0  # size of a weight over the fifth largest, or the largest of the next thousandth
FAR = 12.0  # bias over the spread of what it is added to
SMALLEST = 4  # channels of which one can stand out


def weight_signs(imported: Graph, inputs: Mapping[str, Array], layers: Sequence[Layer]) -> list[Sign]:
    """Return the signs in the weights of an IMPORTED graph, in data-flow order.

    Args:
        imported: the user's network.
        inputs: float inputs [samples, *shape] by name.
        layers: of the integer network, to be named.
    """
    places = Places(imported, layers)
    some = {name: array[:SAMPLES] for name, array in inputs.items()}
    nodes = [node for node in imported.nodes if isinstance(node.op, Conv | Dense | BatchNorm)]
    types = imported.types
    names = dict.fromkeys([*(node.name for node in nodes), *(node.inputs[0] for node in nodes)])
    shapes = {name: types[name].shape for name in names}
    moments = channel_moments(FloatModel(to_onnx(imported).SerializeToString()), shapes, some)
    signs: list[Sign] = []
    for node in nodes:
        look = _of_norm if isinstance(node.op, BatchNorm) else _of_sum
        found = list(look(imported, node, moments))
        signs += [Sign(cause, places.of(node), node.loc, text, knob, size) for cause, text, knob, size in found]
    return signs


Found = tuple[str, str, str, float]


def _of_sum(graph: Graph, node: Node, moments: Mapping[str, Moments]) -> Iterator[Found]:
    if node.inputs[1] not in graph.constants:
        return
    weight = graph.constants[node.inputs[1]].astype(np.float64)
    out = moments[node.name]
    empty = np.flatnonzero(~weight.reshape(len(weight), -1).any(axis=1))
    if len(empty):
        yield _dead(node, empty, len(weight))
    rows = _rows(weight, out, node)
    if rows is not None:
        yield rows
    columns = _columns(weight, moments[node.inputs[0]], node)
    if columns is not None and rows is None:
        yield columns
    if rows is None and columns is None:
        yield from _single(weight, node)
    if len(node.inputs) > 2 and node.inputs[2] in graph.constants:
        yield from _biases(graph.constants[node.inputs[2]].astype(np.float64), out, node)


def _of_norm(graph: Graph, node: Node, moments: Mapping[str, Moments]) -> Iterator[Found]:
    gamma, beta = (graph.constants[name].astype(np.float64) for name in node.inputs[1:3])
    out = moments[node.name]
    large = _large(np.abs(gamma)) & _large(out.spread)
    if large.any():
        yield _scaled(node, large, np.abs(gamma), "gamma")
    yield from _biases(beta, out, node)


def _rows(weight: Floats, out: Moments, node: Node) -> Found | None:
    norms = np.sqrt((weight.reshape(len(weight), -1) ** 2).mean(axis=1))
    large = _large(norms) & _large(out.spread)
    # One weight that stands out alone is no channel: the others of its row must be large, too.
    typical = np.median(np.abs(weight.reshape(len(weight), -1)), axis=1)
    if weight[0].size >= SMALLEST:
        large &= typical > APART / 2 * np.median(typical)
    return _scaled(node, large, norms, "weights") if large.any() else None


def _columns(weight: Floats, source: Moments, node: Node) -> Found | None:
    if isinstance(node.op, Conv) and node.op.groups > 1:
        return None
    flat = np.moveaxis(weight, 1, 0).reshape(weight.shape[1], -1)
    norms = np.sqrt((flat**2).mean(axis=1))
    size = np.sqrt(source.square)
    large = _large(norms) & _large(norms * size)
    typical = np.median(np.abs(flat), axis=1)
    large &= typical > APART / 2 * np.median(typical)
    if not large.any():
        return None
    cause, text, knob, strength = _scaled(node, large, norms, "weights of input")
    return cause, text, knob, strength


def _large(values: Floats) -> npt.NDArray[np.bool_]:
    """Return which values stand out: few, and far beyond the upper quartile."""
    if len(values) < SMALLEST:
        return np.zeros(len(values), dtype=bool)
    usual = float(np.quantile(values, 0.75))
    found = values > APART * max(usual, 1e-12)
    return found if usual > 0 and 4 * int(found.sum()) <= len(values) else np.zeros(len(values), dtype=bool)


def _scaled(node: Node, large: npt.NDArray[np.bool_], sizes: Floats, what: str) -> Found:
    channels = np.flatnonzero(large)
    ratio = float(sizes[large].max() / np.median(sizes))
    many = "channels" if len(channels) > 1 else "channel"
    text = (
        f"{what} of {many} {listed(channels)} of '{node.name}' are {ratio:.0f} times as large as those of the median "
        "channel, and so is what it sends"
    )
    knob = f"see what scaled {many} {listed(channels)} of {node.loc.module or node.loc.name}, and undo it"
    return causes.CHANNEL_SCALE, text, knob, ratio / APART


def _single(weight: Floats, node: Node) -> Iterator[Found]:
    sizes = np.sort(np.abs(weight).ravel())[::-1]
    if len(sizes) < 8 * SMALLEST:
        return
    usual = sizes[max(SMALLEST, len(sizes) // 1000)]
    if usual <= 0 or sizes[0] < ALONE * usual:
        return
    place = np.unravel_index(int(np.abs(weight).argmax()), weight.shape)
    count = int((sizes > ALONE * usual).sum())
    ratio = float(sizes[0] / np.sqrt((sizes[count:] ** 2).mean()))
    many = f"{count} weights" if count > 1 else "one weight"
    text = (
        f"{many} of '{node.name}' stand out, the largest, {list(map(int, place))}, with {ratio:.0f} times the size of "
        "the others (root mean square)"
    )
    knob = f"clip the weights of {node.loc.module or node.loc.name}, or find out what made that one"
    yield causes.WEIGHT_OUTLIER, text, knob, float(sizes[0] / usual) / ALONE


def _biases(bias: Floats, out: Moments, node: Node) -> Iterator[Found]:
    if bias.ndim != 1 or len(bias) < SMALLEST:
        return
    spread = float(np.median(out.spread))
    size = np.abs(bias)
    usual = max(float(np.quantile(size, 0.75)), 1e-12)
    large = (size > FAR * spread) & (size > APART * usual)
    if spread <= 0 or not large.any():
        return
    channels = np.flatnonzero(large)
    ratio = float(size[large].max() / spread)
    text = (
        f"the bias of channel {listed(channels)} of '{node.name}' is {ratio:.0f} times as large as what the inputs "
        "usually change there"
    )
    knob = f"see what made that bias of {node.loc.module or node.loc.name}"
    yield causes.BIAS_OUTLIER, text, knob, ratio / FAR


def _dead(node: Node, empty: npt.NDArray[np.int64], channels: int) -> Found:
    whole = len(empty) == channels
    cause = causes.DEAD_LAYER if whole else causes.DEAD_CHANNELS
    which = "all channels" if whole else f"channels {listed(empty)}"
    text = f"{which} of '{node.name}' ({len(empty)} of {channels}) have no weights but zeros"
    knob = f"restore the weights of {node.loc.module or node.loc.name}, or prune those channels"
    return cause, text, knob, 1 + 9 * len(empty) / channels
