"""Synapses as a sparse matrix [targets, sources]: every synapse of a connection, one by one.

This enumerates a convolution from its definition, index by index, and shares nothing with the integer executor, which
slides kernels over tensors.
"""

from __future__ import annotations

from math import prod

import numpy as np
from scipy import sparse

from snncc.compiler.ir.graph import Array
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, SparseSynapses


def synapse_matrix(connection: Connection, sources: int, targets: int) -> sparse.csr_matrix:
    """Return the int64 matrix W with W[i, j] the weight from neuron j of the source to neuron i of the target.

    Args:
        connection: gives weights and geometry.
        sources: neurons of the source population.
        targets: neurons of the target population.
    """
    target, source, weight = _entries(connection)
    if connection.gather is not None:
        source = np.asarray(connection.gather)[source]
    nonzero = (weight != 0) & (source != SILENCE)
    entries = (weight[nonzero].astype(np.int64), (target[nonzero], source[nonzero]))
    return sparse.coo_matrix(entries, shape=(targets, sources)).tocsr()


def synapses_onto(connection: Connection, neuron: int) -> dict[int, int]:
    """Return the weight of each source neuron onto one target neuron, where there are synapses that are not 0."""
    synapses = connection.synapses
    if isinstance(synapses, ConvSynapses):
        channel, *position = np.unravel_index(neuron, synapses.out_shape)
        _, source, weight = _conv_entries(synapses, np.array([channel]), np.array([position], dtype=np.int64))
    else:
        target, source, weight = _entries(connection)
        source, weight = source[target == neuron], weight[target == neuron]
    if connection.gather is not None:
        source = np.asarray(connection.gather)[source]
    found: dict[int, int] = {}
    for place, value in zip(source.tolist(), weight.tolist(), strict=True):
        if value and place != SILENCE:
            found[place] = found.get(place, 0) + value
    return dict(sorted(found.items()))


def unrolled(conv: ConvSynapses) -> SparseSynapses:
    """Return a convolution as a list of its synapses, weights of 0 included."""
    target, source, weight = _conv_entries(conv)
    return SparseSynapses(source, target, weight)


def _entries(connection: Connection) -> tuple[Array, Array, Array]:
    synapses = connection.synapses
    if isinstance(synapses, DenseSynapses):
        rows, columns = np.indices(synapses.weight.shape)
        return rows.ravel(), columns.ravel(), np.asarray(synapses.weight).ravel()
    if isinstance(synapses, SparseSynapses):
        return synapses.target, synapses.source, synapses.weight
    return _conv_entries(synapses)


def _conv_entries(conv: ConvSynapses, outs: Array | None = None, at: Array | None = None) -> tuple[Array, Array, Array]:
    """Return (target, source, weight) of every synapse of a convolution whose source lies inside the input.

    Args:
        conv: weights and geometry.
        outs: int64 [channels], the output channels to look at; all by default.
        at: int64 [positions, axes], the output positions to look at; all by default.
    """
    weight = np.asarray(conv.weight)
    outs = np.arange(weight.shape[0]) if outs is None else outs
    size_in, size_out = conv.in_shape[1:], conv.out_shape[1:]
    at = np.indices(size_out).reshape(len(size_out), prod(size_out)).T if at is None else at
    area_in, area_out, to = prod(size_in), prod(size_out), _flat(at, size_out)
    first = outs // (weight.shape[0] // conv.groups) * weight.shape[1]
    rows, columns, values = [], [], []
    for tap in np.ndindex(*weight.shape[2:]):
        where = at * np.array(conv.strides) + np.array(tap, dtype=np.int64) * np.array(conv.dilations)
        where = where - np.array(conv.pads[: len(size_in)], dtype=np.int64)
        inside = ((where >= 0) & (where < np.array(size_in, dtype=np.int64))).all(axis=1)
        pixel_out, pixel_in = to[inside], _flat(where[inside], size_in)
        for c in range(weight.shape[1]):
            rows.append((outs[:, None] * area_out + pixel_out).ravel())
            columns.append(((first + c)[:, None] * area_in + pixel_in).ravel())
            index = (outs, c, *tap)
            values.append(np.repeat(weight[index], len(pixel_out)))
    return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)


def _flat(where: Array, sizes: tuple[int, ...]) -> Array:
    index = np.zeros(len(where), dtype=np.int64)
    for axis, size in enumerate(sizes):
        index = index * size + where[:, axis]
    return index
