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


def _join(net: Net, x: str, draw: st.DrawFn) -> str:
    shape = net.types[x].shape
    if draw(st.booleans()):
        values = [*(i.name for i in net.inputs), *net.nodes]
        twins = [name for name in values if net.types[name].shape == shape]
        return net.plus(x, *[draw(st.sampled_from(twins)) for _ in range(draw(st.integers(1, 2)))])
    shapes = {name: net.types[name].shape for name in net.nodes}
    fits = [name for name, other in shapes.items() if other[1:] == shape[1:] and len(other) > 1]
    return net.concat(x, draw(st.sampled_from(fits))) if fits and len(shape) > 1 else net.relu(x)


STEPS = [_conv, _conv, _conv, _relu, _relu, _batch_norm, _affine, _pool, _pool, _pad, _view, _join, _join]
SHAPES: list[tuple[int, ...]] = [(2, 5, 5), (3, 4, 6), (1, 6, 4), (4,), (2, 7)]


@st.composite
def networks(draw: st.DrawFn, most: int = 9) -> Graph:
    """Return a random network; not every one has a canonical form."""
    net = Net(draw(st.integers(0, 1 << 16)))
    values = [net.input(*draw(st.sampled_from(SHAPES)))]
    for _ in range(draw(st.integers(1, most))):
        x = values[-1 - min(draw(st.sampled_from([0, 0, 0, 1, 2])), len(values) - 1)]
        step = draw(st.sampled_from(STEPS))
        values.append(step(net, x, draw))
        if draw(st.sampled_from([0, 0, 1])) and net.types[values[-1]].shape:
            values.append(net.relu(values[-1]))
    outputs = [values[-1], *([values[len(values) // 2]] if draw(st.booleans()) else [])]
    return net.graph(*dict.fromkeys(outputs))
