"""Synapses arranged by source neuron, so that a spike finds its weights side by side."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

import numpy as np

from snncc.backends.c.arrays import ConstArray, Ints
from snncc.backends.c.layout import Layout
from snncc.backends.golden import escaped, layer_of
from snncc.compiler.program import SILENCE, Connection, ConvSynapses, DenseSynapses, SparseSynapses


@dataclass(frozen=True)
class Wiring:
    """The arrays of a connection.

    Attributes:
        weight: dense: [element, target place]; conv: [channel, *kernel, out channel of the group], the last axis of the
            kernel backwards where it ``runs``; sparse: [synapse].
        target: sparse: place of each synapse's target; else None.
        begin: first entry of each source neuron and the end of the last; None if neuron n is element n.
        element: elements of the synapses' input by source neuron, as ``begin`` says; None where there is no list.
        runs: whether what a spike meets along the last axis of a kernel lies side by side in memory.
    """

    weight: ConstArray
    target: ConstArray | None = None
    begin: ConstArray | None = None
    element: ConstArray | None = None
    runs: bool = False

    @property
    def arrays(self) -> list[ConstArray]:
        """Return the arrays that there are."""
        return [a for a in (self.weight, self.target, self.begin, self.element) if a is not None]


def is_heard(connection: Connection) -> bool:
    """Return whether anything can arrive over a connection: some weight is not 0 and does not read silence."""
    weight, gather = connection.synapses.weight, connection.gather
    if gather is None:
        return bool(weight.any())
    if isinstance(connection.synapses, SparseSynapses):
        return bool((weight * (gather[connection.synapses.source] != SILENCE)).any())
    return bool(weight.any() and (gather != SILENCE).any())


def wiring_of(name: str, connection: Connection, target: Layout, sources: int) -> Wiring:
    """Return the wiring of a connection that is heard.

    Args:
        name: ``c<k>``.
        connection: the connection.
        target: layout of the receiving population.
        sources: neurons of the sending one.
    """
    described = escaped(connection.name), layer_of(connection.loc)

    def array(part: str, values: Ints) -> ConstArray:
        return ConstArray(name, part, values, *described)

    synapses = connection.synapses
    if isinstance(synapses, SparseSynapses):
        source = synapses.source if connection.gather is None else connection.gather[synapses.source]
        order, begin = _by_source(source, sources)
        places = np.argsort(target.order)[synapses.target]
        weight = replace(array("weight", synapses.weight[order]), weights=True)
        return Wiring(weight, array("target", places[order]), array("begin", begin))
    runs = isinstance(synapses, ConvSynapses) and _runs(synapses, target)
    arranged = _dense(synapses, target) if isinstance(synapses, DenseSynapses) else _conv(synapses, runs)
    wiring = Wiring(replace(array("weight", arranged), weights=True), runs=runs)
    gather = connection.gather
    if gather is None or np.array_equal(gather, np.arange(sources)):
        return wiring
    order, begin = _by_source(gather, sources)
    return replace(wiring, begin=array("begin", begin), element=array("element", order))


def _by_source(source: Ints, sources: int) -> tuple[Ints, Ints]:
    """Return the entries that read a neuron, sorted by it, and where each neuron's begin."""
    order = np.argsort(source, kind="stable").astype(np.int64)
    order = order[source[order] != SILENCE]
    return order, np.searchsorted(source[order], np.arange(sources + 1)).astype(np.int64)


def _dense(synapses: DenseSynapses, target: Layout) -> Ints:
    return np.ascontiguousarray(synapses.weight[target.order].T).ravel()


def _runs(conv: ConvSynapses, target: Layout) -> bool:
    """Return whether neighbouring taps of the last axis meet outputs that follow each other in memory."""
    if len(conv.in_shape) == 1 or conv.groups > 1 or (conv.strides[-1], conv.dilations[-1]) != (1, 1):
        return False
    return target.last or conv.out_shape[0] == 1 or prod(conv.out_shape[1:]) == 1


def _conv(conv: ConvSynapses, runs: bool) -> Ints:
    weight = conv.weight[..., ::-1] if runs else conv.weight
    outs, ins, *kernel = weight.shape
    outs //= conv.groups
    grouped = weight.reshape(conv.groups, outs, ins, prod(kernel))
    return np.ascontiguousarray(grouped.transpose(0, 2, 3, 1)).ravel()
