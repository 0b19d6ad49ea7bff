"""Neurons: what becomes of charges, in int32."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from snncc.backends.onnx.core import Core
from snncc.backends.onnx.digits import Ints
from snncc.backends.onnx.ranges import INT32, offset_of, spread
from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.integer_ops import Fire, Ladder

NEVER = INT32 - 1  # a threshold that no charge reaches; ``ranges`` proves it


def write_fire(core: Core, node: Node) -> None:
    """Write q = floor(max(v - lo theta, 0) / theta), at most hi - lo, plus lo: no operand of Div is negative."""
    op, name = node.op, core.named[node.name]
    assert isinstance(op, Fire)
    charge = _latched(core, node)
    theta = spread(core.graph.constants[node.inputs[-1]], len(node.type.shape))
    if op.lo:
        charge = core.value("Sub", [charge, core.integer(f"{name}.floor", op.lo * theta)], f"{name}.shifted")
    charge = core.value("Max", [charge, core.integer(f"{name}.least", 0)], f"{name}.shifted")
    level = core.value("Div", [charge, core.integer(f"{name}.theta", theta)], f"{name}.level")
    most = core.integer(f"{name}.most", op.hi - op.lo)
    if not op.lo:
        core.emit("Min", [level, most], name)
        return
    level = core.value("Min", [level, most], f"{name}.level")
    core.emit("Add", [level, core.integer(f"{name}.lo", op.lo)], name)


def write_ladder(core: Core, node: Node) -> None:
    """Look for the number of thresholds reached, a bit at a time, and take the level that stands for it.

    A channel has 2^k entries: at c 2^k + n stand its threshold n, which is the (n + 1)-th, and the level of n reached
    ones. ``at`` begins with c 2^k; where the charge reaches the threshold 2^i - 1 entries on, it goes 2^i on.
    """
    name = core.named[node.name]
    charge = _latched(core, node)
    thresholds, levels = _entries(core, node)
    channels, entries = thresholds.shape
    table = core.integer(f"{name}.thresholds", thresholds.ravel())
    at = core.integer(f"{name}.row", spread(np.arange(channels) * entries, len(node.type.shape)))
    step = entries // 2
    while step:
        probe = core.value("Add", [at, core.integer(f"{name}.ahead", step - 1)], f"{name}.probe") if step > 1 else at
        threshold = core.value("Gather", [table, probe], f"{name}.threshold")
        reached = core.value("GreaterOrEqual", [charge, threshold], f"{name}.reached")
        ahead = core.value("Cast", [reached], f"{name}.reached", to=TensorProto.INT32)
        if step > 1:
            ahead = core.value("Mul", [ahead, core.integer(f"{name}.step", step)], f"{name}.reached")
        at = core.value("Add", [at, ahead], f"{name}.at")
        step //= 2
    core.emit("Gather", [core.integer(f"{name}.levels", levels.ravel()), at], name)


def write_readout(core: Core, node: Node) -> None:
    """Write the charge."""
    name = core.named[node.name]
    bias = core.integer(f"{name}.bias", offset_of(core.graph.constants, node))
    core.total([*core.read(node), bias], name)


def _latched(core: Core, node: Node) -> str:
    """Write the sum of a node's charges and its offset."""
    name = core.named[node.name]
    offset = core.integer(f"{name}.offset", offset_of(core.graph.constants, node))
    return core.total([*core.read(node), offset], core.names.unique(f"{name}.latched"))


def _entries(core: Core, node: Node) -> tuple[Ints, Ints]:
    """Return the thresholds and the levels, int64 [channels, 2^k] each."""
    assert isinstance(node.op, Ladder)
    thresholds, steps = (core.graph.constants[name] for name in node.inputs[-2:])
    channels, count = thresholds.shape
    entries = 1 << max(1, count.bit_length())
    most = np.full((channels, entries), NEVER)
    most[:, :count] = np.clip(thresholds, -INT32, NEVER)
    climbed = np.zeros((channels, entries), dtype=np.int64)
    climbed[:, 1 : count + 1] = steps
    return most, node.op.first + climbed.cumsum(axis=1)
