"""Weights in the forms Lava's connections take: digit planes of 8 bits, single synapses, convolutions of two axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.bounds import Bounds
from snncc.compiler.program import SILENCE, ConvSynapses, DenseSynapses, SparseSynapses

Ints = npt.NDArray[np.int64]
DIGIT_BITS = 7  # of a weight's magnitude in one plane: with the sign, the 8 bits of a Loihi synapse
AXIS_MOST = 127  # Conv keeps kernel, stride, padding, dilation and groups in int8


@dataclass(frozen=True, eq=False)
class Plane:
    """Digit ``number`` of a connection's weights, each -127..127, worth digit * 2^(7 * number)."""

    number: int
    weight: Ints


def planes(weight: Ints) -> list[Plane]:
    """Split weights into digits to the base 128, with the sign of the weight; planes of zeros are left out."""
    magnitude, sign, found = np.abs(weight), np.sign(weight), []
    number = 0
    while magnitude.any():
        digit = magnitude & ((1 << DIGIT_BITS) - 1)
        if digit.any():
            found.append(Plane(number, sign * digit))
        magnitude, number = magnitude >> DIGIT_BITS, number + 1
    return found


def planar(conv: ConvSynapses) -> ConvSynapses | None:
    """Return the same convolution over two axes, (height, width); None if it has more."""
    rank = len(conv.in_shape) - 1
    if rank > 2:
        return None
    ones, zeros = (1,) * (2 - rank), (0,) * (2 - rank)
    # Lava's kernels of one axis are (k, 1) in its order (width, height): the axis becomes the width.
    weight = conv.weight.reshape(*conv.weight.shape[:2], *ones, *conv.weight.shape[2:])
    pads = (*zeros, *conv.pads[:rank], *zeros, *conv.pads[rank:])
    shape = (conv.in_shape[0], *ones, *conv.in_shape[1:])
    return ConvSynapses(weight, shape, (*ones, *conv.strides), pads, (*ones, *conv.dilations), conv.groups)


def fits_conv(conv: ConvSynapses) -> bool:
    """Return whether Lava's Conv computes a planar convolution: it pads alike on both sides, and counts in int8."""
    before = conv.pads[:2]
    alike = ConvSynapses(conv.weight, conv.in_shape, conv.strides, (*before, *before), conv.dilations, conv.groups)
    numbers = (*conv.weight.shape[2:], *conv.strides, *before, *conv.dilations, conv.groups)
    try:
        return max(numbers) <= AXIS_MOST and alike.out_shape == conv.out_shape
    except ValueError:  # without the pads behind, the kernel is larger than the input
        return False


def channel_pairs(conv: ConvSynapses) -> int:
    """Return how many single-channel convolutions one step takes."""
    return int(conv.weight.shape[0] * conv.weight.shape[1])


def lava_kernel(weight: Ints) -> Ints:
    """Return a planar kernel as Lava's Conv takes it: [out, width, height, in], mirrored, for Conv truly convolves."""
    return np.ascontiguousarray(weight[:, :, ::-1, ::-1].transpose(0, 3, 2, 1))


def view_of(shape: tuple[int, ...], gather: Ints | None) -> tuple[int, ...] | None:
    """Return the permutation of a shape's axes that a gather stands for; None if it is none."""
    if gather is None:
        return tuple(range(len(shape)))
    if gather.size != prod(shape):
        return None
    index = np.arange(gather.size).reshape(shape)
    for axes in permutations(range(len(shape))):
        if np.array_equal(index.transpose(axes).ravel(), gather):
            return axes
    return None


def folded(dense: DenseSynapses, gather: Ints | None, sources: int) -> Ints:
    """Return the weights of a dense connection from the source population itself."""
    if gather is None:
        return dense.weight
    weight, heard = np.zeros((len(dense.weight), sources), dtype=np.int64), gather != SILENCE
    np.add.at(weight.T, gather[heard], dense.weight[:, heard].T)
    return weight


def merged(sparse: SparseSynapses, gather: Ints | None) -> SparseSynapses:
    """Return single synapses from the source population itself, by target, one a pair, none of weight 0."""
    source = sparse.source if gather is None else gather[sparse.source]
    heard = source != SILENCE
    span = int(source.max(initial=0)) + 1
    pair, number = np.unique(sparse.target[heard] * span + source[heard], return_inverse=True)
    weight = np.zeros(len(pair), dtype=np.int64)
    np.add.at(weight, number.reshape(-1), sparse.weight[heard])
    kept = weight != 0
    return SparseSynapses(pair[kept] % span, pair[kept] // span, weight[kept])


def unrolled(conv: ConvSynapses) -> SparseSynapses:
    """Return every synapse of a convolution whose source lies inside the input."""
    parts = [np.concatenate(column) for column in zip(*_taps(conv), strict=True)]
    return SparseSynapses(parts[0], parts[1], parts[2])


def synapse_count(conv: ConvSynapses) -> int:
    """Return at most how many synapses a convolution has when unrolled."""
    return int(conv.weight.size) * prod(conv.out_shape[1:])


def _taps(conv: ConvSynapses) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Yield (source, target, weight) for each tap of the kernel and each group."""
    outs, area = conv.weight.shape[0] // conv.groups, prod(conv.out_shape[1:])
    source = _padded_index(conv)
    pixel = np.arange(area)
    for tap in np.ndindex(*conv.weight.shape[2:]):
        cut = (slice(None), *(_window(conv, axis, at) for axis, at in enumerate(tap)))
        seen = source[cut].reshape(conv.in_shape[0], area)
        for group in range(conv.groups):
            here = (slice(group * outs, (group + 1) * outs), slice(None), *tap)
            kernel = conv.weight[here]
            out, deep = np.nonzero(kernel)
            rows = seen[group * kernel.shape[1] + deep]
            inside = rows >= 0
            target = ((group * outs + out) * area)[:, None] + pixel
            weight = np.broadcast_to(kernel[out, deep][:, None], rows.shape)
            yield rows[inside], target[inside], weight[inside]


def _window(conv: ConvSynapses, axis: int, tap: int) -> slice:
    """Return the padded positions along an axis that a tap of the kernel meets."""
    first, stride = tap * conv.dilations[axis], conv.strides[axis]
    return slice(first, first + stride * conv.out_shape[1 + axis], stride)


def _padded_index(conv: ConvSynapses) -> Ints:
    """Return the number of each input neuron, -1 in the padding, with room for every window."""
    rank = len(conv.in_shape) - 1
    index = np.arange(prod(conv.in_shape)).reshape(conv.in_shape)
    margins = [(conv.pads[a], conv.pads[rank + a] + conv.strides[a]) for a in range(rank)]
    return np.pad(index, [(0, 0), *margins], constant_values=-1)


def sums(targets: Ints, weight: Ints, count: int, payload: Bounds) -> Bounds:
    """Return the least and greatest sum at any of ``count`` targets, payloads being within bounds."""
    low, high = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    np.add.at(low, targets, np.minimum(weight * payload[0], weight * payload[1]))
    np.add.at(high, targets, np.maximum(weight * payload[0], weight * payload[1]))
    return int(low.min(initial=0)), int(high.max(initial=0))
