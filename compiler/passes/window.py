"""Weighted sums over windows: convolutions, and average pools seen as such; two in a row as one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import gcd, prod

import numpy as np

from snncc.compiler.ir.ops import AveragePool, Conv
from snncc.compiler.passes.rewrite import Float

Tap = tuple[int, ...]
"""A position in a kernel."""


@dataclass(frozen=True)
class Window:
    """The equation of Conv with its arrays.

    Attributes:
        op: strides, pads, dilations and groups.
        weight: [O, C/groups, *K].
        bias: [O, 1, ...] or [O, *spatial].
    """

    op: Conv
    weight: Float
    bias: Float

    @property
    def kernel(self) -> tuple[int, ...]:
        """Sizes of the kernel."""
        return self.weight.shape[2:]

    @property
    def is_depthwise(self) -> bool:
        """Whether each channel is read by one result alone."""
        return len(self.weight) == self.op.groups and self.weight.shape[1] == 1

    @property
    def blocks(self) -> Float:
        """The weight as [groups, O/groups, C/groups, *K]."""
        return self.weight.reshape(self.op.groups, -1, *self.weight.shape[1:])

    def sizes(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Return the spatial sizes of the result."""
        rank, spans = len(spatial), self.spans
        pads = self.op.pads
        room = [n + pads[i] + pads[rank + i] - spans[i] for i, n in enumerate(spatial)]
        return tuple(r // s + 1 for r, s in zip(room, self.op.strides, strict=True))

    @property
    def spans(self) -> tuple[int, ...]:
        """How far a window reaches per axis, d (k - 1) + 1."""
        return tuple(d * (k - 1) + 1 for d, k in zip(self.op.dilations, self.kernel, strict=True))

    def __call__(self, x: Float) -> Float:
        """Return the result for x [C, *S] in float64."""
        sizes, rank, groups = self.sizes(x.shape[1:]), x.ndim - 1, self.op.groups
        padded = np.pad(x, [(0, 0), *zip(self.op.pads[:rank], self.op.pads[rank:], strict=True)])
        y = np.zeros((groups, self.weight.shape[0] // groups, prod(sizes)))
        blocks = by_tap(self.blocks, 3)
        for tap in np.ndindex(*self.kernel):
            seen = padded[self._taps(tap, sizes)]
            y += blocks[tap] @ seen.reshape(groups, -1, prod(sizes))
        return y.reshape(-1, *sizes) + self.bias

    def _taps(self, tap: Tap, sizes: tuple[int, ...]) -> tuple[slice, ...]:
        axes = zip(tap, self.op.dilations, self.op.strides, sizes, strict=True)
        return (slice(None), *[slice(d * k, d * k + s * (n - 1) + 1, s) for k, d, s, n in axes])


def average_window(op: AveragePool, shape: tuple[int, ...]) -> Window:
    """Return an average pool of x [C, *S] that counts its padding, as a depthwise window."""
    rank = len(op.kernel)
    weight = np.full((shape[0], 1, *op.kernel), 1.0 / prod(op.kernel))
    conv = Conv(op.strides, op.pads, (1,) * rank, shape[0])
    return Window(conv, weight, np.zeros((shape[0], *[1] * rank)))


def point_op(rank: int, groups: int = 1) -> Conv:
    """Return a convolution of kernel size 1 over so many spatial axes."""
    return Conv((1,) * rank, (0,) * 2 * rank, (1,) * rank, groups)


def point_window(scale: Float, shift: Float) -> Window:
    """Return y[c, p] = scale[c] x[c, p] + shift[c, p] as a depthwise window of size 1."""
    rank, channels = shift.ndim - 1, len(scale)
    return Window(point_op(rank, channels), scale.reshape(channels, *[1] * (rank + 1)), shift)


def compose(first: Window, second: Window, spatial: tuple[int, ...]) -> Window | None:
    """Return second(first(x)) for x with these spatial sizes as one window, None if it is not one.

    Substituting the first equation into the second gives kernel offsets s1 d2 k2 + d1 k1, stride s1 s2 and
    padding p1 + s1 p2. The second's padding holds zeros, so the windows the first would have there must see
    padding only. The first's bias runs through the second as an image, zeros around it, and becomes a bias
    per position.
    """
    middle = first.sizes(spatial)
    for axis in range(len(spatial)):
        if not _padding_is_blank(first, second, axis, spatial[axis], middle[axis]):
            return None
    bias = second.bias
    if np.any(first.bias):
        bias = second(np.broadcast_to(first.bias, (len(first.weight), *middle)))
    return _cropped(Window(_joint_op(first, second), _joint_weight(first, second), bias), spatial)


def _padding_is_blank(first: Window, second: Window, axis: int, size: int, middle: int) -> bool:
    a, b, rank = first.op, second.op, len(first.kernel)
    begin = b.pads[axis]
    outputs = (middle + begin + b.pads[rank + axis] - second.spans[axis]) // b.strides[axis] + 1
    taps = np.arange(second.kernel[axis]) * b.dilations[axis]
    read = np.unique(np.add.outer(np.arange(outputs) * b.strides[axis] - begin, taps))
    outside = read[(read < 0) | (read >= middle)]
    offsets = np.arange(first.kernel[axis]) * a.dilations[axis] - a.pads[axis]
    seen = np.add.outer(outside * a.strides[axis], offsets)
    return not bool(np.any((seen >= 0) & (seen < size)))


def _joint_op(first: Window, second: Window) -> Conv:
    a, b, rank = first.op, second.op, len(first.kernel)
    strides = tuple(s1 * s2 for s1, s2 in zip(a.strides, b.strides, strict=True))
    pads = tuple(p1 + a.strides[i % rank] * p2 for i, (p1, p2) in enumerate(zip(a.pads, b.pads, strict=True)))
    return Conv(strides, pads, _joint_steps(first, second), gcd(a.groups, b.groups))


def _joint_steps(first: Window, second: Window) -> tuple[int, ...]:
    """Return per axis the largest dilation that all kernel offsets are multiples of."""
    steps = []
    for axis, (k1, k2) in enumerate(zip(first.kernel, second.kernel, strict=True)):
        outer = first.op.strides[axis] * second.op.dilations[axis] * (k2 > 1)
        steps.append(gcd(outer, first.op.dilations[axis] * (k1 > 1)) or 1)
    return tuple(steps)


def _whole_kernel(first: Window, second: Window) -> Tap:
    """Return the sizes of the joint kernel before what sees nothing but padding is cut off."""
    outer = [s * d for s, d in zip(first.op.strides, second.op.dilations, strict=True)]
    spans = [o * (k - 1) + n for o, k, n in zip(outer, second.kernel, first.spans, strict=True)]
    return tuple((span - 1) // step + 1 for span, step in zip(spans, _joint_steps(first, second), strict=True))


def joint_kernel(first: Window, second: Window, spatial: tuple[int, ...]) -> tuple[Tap, int]:
    """Return the kernel sizes and groups that ``compose`` would give; the numbers in the weights do not count."""
    op, kernel = _joint_op(first, second), _whole_kernel(first, second)
    return _cropped(Window(op, np.zeros((1, 1, *kernel)), first.bias), spatial).kernel, op.groups


def _joint_weight(first: Window, second: Window) -> Float:
    groups, steps = gcd(first.op.groups, second.op.groups), _joint_steps(first, second)
    product = _tap_product(first, second, groups)
    outer = [s * d for s, d in zip(first.op.strides, second.op.dilations, strict=True)]
    shape = (len(second.weight), first.weight.shape[1] * first.op.groups // groups)
    joint = np.zeros((*_whole_kernel(first, second), *shape))
    for t1 in np.ndindex(*first.kernel):
        for t2 in np.ndindex(*second.kernel):
            axes = zip(outer, t2, first.op.dilations, t1, steps, strict=True)
            at = tuple((o * k2 + d * k1) // step for o, k2, d, k1, step in axes)
            joint[at] += product(t1, t2).reshape(shape)
    return np.moveaxis(joint, (-2, -1), (0, 1))


def _tap_product(first: Window, second: Window, groups: int) -> Callable[[Tap, Tap], Float]:
    """Return how one tap of each kernel multiply to [groups, O/groups, C/groups]; depthwise ones cheaply."""
    if first.is_depthwise:
        columns = by_tap(first.blocks.reshape(groups, 1, -1, *first.kernel), 3)
        rows = by_tap(second.blocks, 3)
        return lambda t1, t2: rows[t2] * columns[t1]
    if second.is_depthwise:
        factors = by_tap(second.blocks.reshape(groups, -1, 1, *second.kernel), 3)
        inner = by_tap(first.blocks, 3)
        return lambda t1, t2: factors[t2] * inner[t1]
    dense1, dense2 = by_tap(_regrouped(first, groups), 3), by_tap(_regrouped(second, groups), 3)
    return lambda t1, t2: dense2[t2] @ dense1[t1]


def by_tap(weight: Float, lead: int) -> Float:
    """Return a weight with the axes of its kernel, which follow ``lead`` others, first."""
    kernel = range(lead, weight.ndim)
    return np.transpose(weight, (*kernel, *range(lead)))


def _regrouped(window: Window, groups: int) -> Float:
    """Return the weight in fewer groups, [groups, O/groups, C/groups, *K], zeros between the old ones."""
    old, outs, ins = window.blocks.shape[:3]
    each = old // groups
    dense: Float = np.zeros((groups, each, outs, each, ins, *window.kernel))
    blocks = window.blocks.reshape(groups, each, *window.blocks.shape[1:])
    for i in range(each):
        dense[:, i, :, i] = blocks[:, i]
    return dense.reshape(groups, each * outs, each * ins, *window.kernel)


def dense_weight(window: Window) -> Float:
    """Return the weight as if in one group, [O, C, *K], zeros between the groups."""
    return _regrouped(window, 1).reshape(len(window.weight), -1, *window.kernel)


def _cropped(window: Window, spatial: tuple[int, ...]) -> Window:
    """Return the window without the rows of its kernel that see nothing but padding at every position."""
    sizes, rank = window.sizes(spatial), len(spatial)
    pads, weight = list(window.op.pads), window.weight
    for axis, (n, d) in enumerate(zip(spatial, window.op.dilations, strict=True)):
        furthest = (sizes[axis] - 1) * window.op.strides[axis] - pads[axis]
        taps = np.arange(window.kernel[axis]) * d
        low = min(int(np.sum(furthest + taps < 0)), pads[axis] // d, len(taps) - 1)
        high = min(int(np.sum(taps - pads[axis] >= n)), pads[rank + axis] // d, len(taps) - 1 - low)
        pads[axis] -= low * d
        pads[rank + axis] -= high * d
        weight = weight.take(range(low, weight.shape[2 + axis] - high), axis=2 + axis)
    return Window(replace(window.op, pads=tuple(pads)), weight, window.bias)
