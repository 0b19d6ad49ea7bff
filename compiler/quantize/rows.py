"""Rows of a layer: what its neurons hear, and what the float network makes of it, at some samples and positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.ops import Conv
from snncc.compiler.quantize.calibrate import batches, session

Ints = npt.NDArray[np.int64]
ROWS = 1 << 14
MOST_PRODUCTS = 1 << 34  # rows times fan-in squared, a second or so; for 2048 synapses that is twice as many rows
MOST_VALUES = 1 << 25  # values of the rows of one weighted sum that are held at a time, 128 MB in float32


@dataclass(frozen=True)
class Places:
    """Samples and positions, int64 [rows] each."""

    sample: Ints
    position: Ints


def places(samples: int, positions: int, fan_in: int, groups: int = 1) -> Places:
    """Return as many places as memory allows, all of them or a draw that is the same every time."""
    total, most = (
        samples * positions,
        max(1, min(ROWS, MOST_VALUES // (groups * fan_in), MOST_PRODUCTS // (groups * fan_in**2))),
    )
    chosen = np.arange(total)
    if total > most:
        chosen = np.sort(np.random.default_rng(0).choice(total, most, replace=False))
    return Places(chosen // positions, chosen % positions)


def heard(linear: Node, weight: Array, x: Array, at: Places) -> npt.NDArray[np.float32]:
    """Return what the neurons of each group hear, float32 [groups, rows, fan-in].

    Args:
        linear: a dense or conv node.
        weight: its weight; the fan-in is in the order of one row of it.
        x: its input, [samples, *shape].
        at: where.
    """
    if not isinstance(linear.op, Conv):
        return np.asarray(x[at.sample], dtype=np.float32)[None]
    op, rank = linear.op, x.ndim - 2
    padded = np.pad(x, [(0, 0), (0, 0), *zip(op.pads[:rank], op.pads[rank:], strict=True)])
    corners = np.unravel_index(at.position, linear.type.shape[1:])
    taps = np.meshgrid(*(np.arange(k) for k in weight.shape[2:]), indexing="ij")
    index = np.zeros((len(at.position), prod(weight.shape[2:])), dtype=np.int64)
    for axis in range(rank):
        along = corners[axis][:, None] * op.strides[axis] + taps[axis].ravel() * op.dilations[axis]
        index = index * padded.shape[2 + axis] + along
    flat = padded.reshape(*padded.shape[:2], -1)
    channels = np.arange(flat.shape[1])[None, :, None]
    rows = flat[at.sample[:, None, None], channels, index[:, None, :]]
    rows = rows.reshape(len(rows), op.groups, -1)
    return np.ascontiguousarray(np.moveaxis(rows, 1, 0), dtype=np.float32)


def charges(graph: Graph, inputs: Mapping[str, Array], at: Mapping[str, Places]) -> dict[str, npt.NDArray[np.float32]]:
    """Return the float network's values at some places, float32 [rows, channels] by name, in one run."""
    names: Sequence[str] = list(at)
    runner = session(graph, [name for name in names if name not in graph.outputs])
    found: dict[str, list[npt.NDArray[np.float32]]] = {name: [] for name in names}
    for part in batches(len(next(iter(inputs.values())))):
        feed = {name: np.asarray(array[part], dtype=np.float32) for name, array in inputs.items()}
        for name, value in zip(names, runner.run(list(names), feed), strict=True):  # type: ignore[attr-defined]
            inside = (at[name].sample >= part.start) & (at[name].sample < part.stop)
            flat = value.reshape(*value.shape[:2], -1)
            found[name].append(flat[at[name].sample[inside] - part.start, :, at[name].position[inside]])
    return {name: np.concatenate(pieces) for name, pieces in found.items()}
