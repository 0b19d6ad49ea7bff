"""Random imported networks for property tests."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from snncc.compiler.ir import Graph
from tests.compiler.passes.helpers import Net


def _conv(net: Net, x: str, draw: st.DrawFn) -> str:
    rank, room = len(net.types[x].shape) - 1, min(net.types[x].shape[1:], default=0)
    if rank < 1:
        return net.dense(x, draw(st.integers(1, 5)))
    channels = net.types[x].shape[0]
    kernel = draw(st.integers(1, min(3, room)))
    groups = draw(st.sampled_from([g for g in (1, 1, 2, channels) if channels % g == 0]))
    dilation = draw(st.integers(1, 2)) if room >= 2 * kernel - 1 else 1
    out = groups * draw(st.integers(1, 2))
    pad = draw(st.integers(0, kernel - 1))
    return net.conv(x, out, kernel, draw(st.integers(1, 2)), pad, groups, dilation, draw(st.booleans()))


def _relu(net: Net, x: str, draw: st.DrawFn) -> str:
    return net.relu(x, draw(st.sampled_from([None, None, 1.5])))


CURVES: list[tuple[str, tuple[float, ...]]] = [
    ("leaky_relu", (0.25,)), ("leaky_relu", (-0.5,)), ("clip", (-1.0, 1.5)), ("clip", (0.25, 1.0)), ("sigmoid", ()),
    ("hard_sigmoid", (0.25, 0.5)), ("tanh", ()), ("elu", (1.0,)), ("softplus", ()), ("hard_swish", ()), ("gelu", ()),
    ("linear", ()),
]  # fmt: skip


def _curve(net: Net, x: str, draw: st.DrawFn) -> str:
    shape = net.types[x].shape
    if shape and draw(st.sampled_from([0, 0, 1])):
        return net.prelu(x, net.some(shape[0]) if draw(st.booleans()) else np.abs(net.some(shape[0])))
    kind, parameters = draw(st.sampled_from(CURVES))
    return net.curve(x, kind, *parameters)


def _batch_norm(net: Net, x: str, draw: st.DrawFn) -> str:
    return net.batch_norm(x, draw(st.sampled_from([None, 0.75, 0.0])))


def _affine(net: Net, x: str, draw: st.DrawFn) -> str:
    shape = net.types[x].shape
    keep = [draw(st.booleans()) if axis else True for axis in range(len(shape))]
    sizes = [n if kept else 1 for n, kept in zip(shape, keep, strict=True)]
    per_channel = (shape[0], *[1] * (len(shape) - 1))
    wide = draw(st.sampled_from(["shift", "scale", "none", "none"]))
    scale = net.some(*(sizes if wide == "scale" else per_channel))
    return net.affine(x, scale, net.some(*(per_channel if wide == "none" else sizes)))


def _pool(net: Net, x: str, draw: st.DrawFn) -> str:
    shape = net.types[x].shape
    if len(shape) < 2:
        return net.relu(x)
    kernel = draw(st.integers(1, min(3, *shape[1:])))
    stride, pad = draw(st.integers(1, 3)), draw(st.integers(0, kernel // 2))
    if draw(st.booleans()):
        return net.max_pool(x, kernel, stride, pad)
    return net.average_pool(x, kernel, stride, pad, draw(st.booleans()))


def _pad(net: Net, x: str, draw: st.DrawFn) -> str:
    rank = len(net.types[x].shape)
    if rank < 2:
        return net.relu(x)
    most = [1 if axis % rank else draw(st.sampled_from([0, 0, 0, 1])) for axis in range(2 * rank)]
    return net.pad(x, *[draw(st.integers(0, width)) for width in most])


def _view(net: Net, x: str, draw: st.DrawFn) -> str:
    shape = net.types[x].shape
    if draw(st.booleans()):
        return net.transpose(x, *draw(st.permutations(range(len(shape)))))
    options = [(-1,), (shape[0], -1), (-1, 1, 1), (*shape[::-1],)]
    shape = np.empty(shape).reshape(draw(st.sampled_from(options))).shape
    return net.reshape(x, *shape)


def _slice(net: Net, x: str, draw: st.DrawFn) -> str:
    cuts = []
    for size in net.types[x].shape:
        start = draw(st.integers(0, min(1, size - 1)))
        cuts.append((start, draw(st.integers(start + 1, size)), draw(st.integers(1, 2))))
    return net.slice(x, *cuts) if cuts else x


def _spread(net: Net, x: str, draw: st.DrawFn) -> str:
    shape = net.types[x].shape
    if len(shape) < 2 or max(shape[1:]) > 8:
        return _slice(net, x, draw)
    factors = [draw(st.integers(1, 2)) for _ in shape[1:]]
    return net.upsample(x, *factors) if draw(st.booleans()) else net.dilate(x, *factors)


def _shuffle(net: Net, x: str, draw: st.DrawFn) -> str:
    """Shuffle channels in groups, or move a block of channels into positions."""
    shape = net.types[x].shape
    if len(shape) < 2 or shape[0] % 2:
        return _view(net, x, draw)
    parts = net.reshape(x, 2, shape[0] // 2, *shape[1:])
    if draw(st.booleans()):
        return net.reshape(net.transpose(parts, 1, 0, *range(2, len(shape) + 1)), *shape)
    order = (1, *range(2, len(shape) + 1), 0)
    return net.reshape(net.transpose(parts, *order), shape[0] // 2, *shape[1:-1], 2 * shape[-1])


def _skip(net: Net, x: str, draw: st.DrawFn) -> str:
    """Add a block of the same shape to a value: depthwise, pointwise or dense, with an activation or none."""
    shape = net.types[x].shape
    if not shape:
        return x
    if len(shape) == 1:
        body = net.dense(x, shape[0])
    elif draw(st.booleans()):
        body = net.conv(x, shape[0], 3, 1, 1, groups=shape[0])
    else:
        body = net.conv(net.conv(x, draw(st.integers(1, 3)), 1), shape[0], 1)
    body = draw(st.sampled_from([_relu, _curve, _batch_norm, lambda net, x, draw: x]))(net, body, draw)
    return net.plus(body, x)


def _join(net: Net, x: str, draw: st.DrawFn) -> str:
    shape = net.types[x].shape
    if draw(st.booleans()):
        values = [*(i.name for i in net.inputs), *net.nodes]
        twins = [name for name in values if net.types[name].shape == shape]
        return net.plus(x, *[draw(st.sampled_from(twins)) for _ in range(draw(st.integers(1, 2)))])
    shapes = {name: net.types[name].shape for name in net.nodes}
    fits = [name for name, other in shapes.items() if other[1:] == shape[1:] and len(other) > 1]
    if not fits or len(shape) < 2:
        return net.relu(x)
    axis = draw(st.sampled_from([0, 0, 1]))
    fits = [name for name in fits if axis == 0 or shapes[name] == shape]
    return net.concat(x, draw(st.sampled_from(fits)), axis=axis) if fits else net.concat(x, x)


STEPS = [
    _conv, _conv, _conv, _relu, _relu, _curve, _batch_norm, _affine, _pool, _pool, _pad, _view, _shuffle, _slice,
    _spread, _skip, _skip, _join, _join,
]  # fmt: skip
SHAPES: list[tuple[int, ...]] = [(2, 5, 5), (3, 4, 6), (1, 6, 4), (4,), (2, 7)]
MOST_ELEMENTS = 600


@st.composite
def networks(draw: st.DrawFn, most: int = 9) -> Graph:
    """Return a random network; the few that have no canonical form hold single numbers."""
    net = Net(draw(st.integers(0, 1 << 16)))
    values = [net.input(*draw(st.sampled_from(SHAPES)))]
    if draw(st.sampled_from([0, 0, 1])):
        values.append(net.input(*net.types[values[0]].shape, name="x2"))
    for _ in range(draw(st.integers(1, most))):
        x = values[-1 - min(draw(st.sampled_from([0, 0, 0, 1, 2])), len(values) - 1)]
        step = draw(st.sampled_from(STEPS)) if net.types[x].size <= MOST_ELEMENTS else _pool
        values.append(step(net, x, draw))
        if draw(st.sampled_from([0, 0, 1])) and net.types[values[-1]].shape:
            values.append(net.relu(values[-1]))
    outputs = [values[-1], *([values[len(values) // 2]] if draw(st.booleans()) else [])]
    return net.graph(*dict.fromkeys(outputs))
