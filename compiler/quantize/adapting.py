"""Weights of a layer by adaptive rounding: what its neurons hear and the float network's charges, at some places."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Conv
from snncc.compiler.quantize.layers import Layer
from snncc.compiler.quantize.rounding import rounded
from snncc.compiler.quantize.rows import Places, charges, heard, places
from snncc.compiler.quantize.shares import Share, joined
from snncc.compiler.quantize.solving import Calibration
from snncc.compiler.quantize.weights import Edge, IntegerLayer

Floats = npt.NDArray[np.floating]
Ints = npt.NDArray[np.int64]
Rows = npt.NDArray[np.float64]
MOST_WORK = 1 << 33  # channels times fan-in squared of a weighted sum, some seconds; wider ones are rounded to nearest


class Adaptive:
    """Rounds the weights of layers, one weighted sum after the other, each for what the others leave to it."""

    def __init__(self, known: Calibration, adapted: Iterable[Layer]) -> None:
        """Run the float network once, over all layers to be adapted."""
        self.known = known
        self.places = {layer.charge: self._places(layer) for layer in adapted}
        self._made: dict[object, tuple[Ints, ...]] = {}
        self.wanted = charges(known.graph, known.data, self.places) if self.places else {}

    def _places(self, layer: Layer) -> Places:
        samples = len(next(iter(self.known.data.values())))
        shape = layer.linears[0].type.shape
        widest = max(layer.linears, key=lambda linear: self._fan_in(linear) ** 2 * _groups(linear))
        return places(samples, int(np.prod(shape[1:])), self._fan_in(widest), _groups(widest))

    def _fan_in(self, linear: Node) -> int:
        return int(np.prod(self.known.graph.constants[linear.inputs[1]].shape[1:]))

    def is_wide(self, linear: Node) -> bool:
        """Return whether a weighted sum is too wide to be adapted; it is rounded to nearest, and gets no zeros."""
        return linear.type.shape[0] * self._fan_in(linear) ** 2 > MOST_WORK

    def adapted(self, layer: Layer, shares: list[Share], integer: IntegerLayer, zeros: float) -> IntegerLayer:
        """Return the layer with other weights in the same units, a share of them zero; the bias stays."""
        key = (layer.charge, layer.kind, integer.unit.tobytes(), integer.steps.tobytes())
        if key not in self._made:
            self._made = {key: self._adapted(layer, shares, integer, zeros)}  # bias correction asks twice for one
        return replace(integer, weights=self._made[key])

    def _adapted(self, layer: Layer, shares: list[Share], integer: IntegerLayer, zeros: float) -> tuple[Ints, ...]:
        weights, edges = list(integer.weights), self.known.edges(shares)
        rows, busy = self._rows(layer)
        own = {n: [i for i, share in enumerate(shares) if share.linear.name == n] for n in rows}
        wanted = self._wanted(layer, integer)
        made = {n: _applied(rows[n], joined([shares[i] for i in own[n]], [weights[i] for i in own[n]])) for n in rows}
        for linear in layer.linears:
            name, chosen = linear.name, own[linear.name]
            if self.is_wide(linear):
                continue
            rest = wanted - sum((made[other] for other in rows if other != name), np.zeros_like(wanted))
            grid = _grid([(shares[i], edges[i], i) for i in chosen], integer)
            weight = _linear(rows[name], rest, grid, zeros, busy[name])
            for i in chosen:
                weights[i] = np.where(shares[i].heard, weight, 0)
            made[name] = _applied(rows[name], weight)
        return tuple(weights)

    def _rows(self, layer: Layer) -> tuple[dict[str, Rows], dict[str, Rows]]:
        """Return what each weighted sum hears, [groups, rows, fan-in], without means, and how often it is not 0."""
        rows, busy = {}, {}
        for linear in layer.linears:
            weight, x = self.known.graph.constants[linear.inputs[1]], self.known.levels(linear.inputs[0])
            found = heard(linear, weight, x, self.places[layer.charge])
            rows[linear.name] = found - found.mean(axis=1, keepdims=True)
            busy[linear.name] = (found != 0).mean(axis=1)
        return rows, busy

    def _wanted(self, layer: Layer, integer: IntegerLayer) -> Rows:
        """Return the float charges [rows, channels] in units, without bias and mean."""
        bias = self.known.bias(layer)
        flat = bias.reshape(len(bias), -1)
        position = self.places[layer.charge].position if flat.shape[1] > 1 else np.zeros(1, dtype=np.int64)
        real = self.wanted[layer.charge].astype(np.float64) - flat[:, position].T
        return (real - real.mean(axis=0)) / integer.unit


def _groups(linear: Node) -> int:
    return linear.op.groups if isinstance(linear.op, Conv) else 1


def _applied(rows: Rows, weight: npt.NDArray[np.number]) -> Rows:
    """Return the charges [rows, channels] that weights make."""
    columns = weight.reshape(len(rows), -1, rows.shape[2]).astype(rows.dtype)
    made = np.matmul(rows, np.swapaxes(columns, 1, 2))
    return np.concatenate(list(made), axis=1).astype(np.float64)


def _grid(parts: list[tuple[Share, Edge, int]], integer: IntegerLayer) -> tuple[Floats, Floats, Floats]:
    """Return float weights in units, the steps they may take and the most of them, in the shape of the weight."""
    shape = parts[0][0].weight.shape
    real: Floats = np.zeros(shape)
    step, most = real, real
    column = (-1, *(1,) * (len(shape) - 1))
    for share, edge, i in parts:
        unit, own = integer.unit.reshape(column), integer.steps[i].reshape(column)
        real = np.where(share.heard, edge.weight * (edge.scale / unit), real)
        step = np.where(share.heard, own, step)
        most = np.where(share.heard, integer.mosts[i], most)
    return real, np.maximum(step, 1), most


def _linear(rows: Rows, wanted: Rows, grid: tuple[Floats, Floats, Floats], zeros: float, busy: Rows) -> Ints:
    """Return the weights of one weighted sum, int64, in the shape of its float weight."""
    shape, groups = grid[0].shape, len(rows)
    real, step, most = (np.ascontiguousarray(a.reshape(groups, shape[0] // groups, -1)) for a in grid)
    parts = np.split(wanted, groups, axis=1)
    found = []
    for x, y, w, s, m, spikes in zip(rows, parts, real, step, most, busy, strict=True):
        gram, cross = (x.T @ x).astype(np.float64), (y.T.astype(x.dtype) @ x).astype(np.float64)
        found.append(rounded(gram, cross, w, s, m, len(x), zeros, spikes))
    return np.concatenate(found).reshape(shape)
