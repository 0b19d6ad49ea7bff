"""Populations of the integer network's own neurons: inputs, firing layers, ladders, readouts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from snncc.compiler.coding import Coding, Levels, firing_neuron, ladder_neuron, reading_neuron
from snncc.compiler.coding.base import Ints, parameters
from snncc.compiler.diagnostics import Diagnostic
from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Ladder
from snncc.compiler.mapping.schedule import Slot
from snncc.compiler.neuron import NeuronProgram
from snncc.compiler.program import Claim, Population
from snncc.compiler.targets import Target

ONE = np.ones((), dtype=np.int64)


def input_population(node: Node, op: Encode, coding: Coding, slot: Slot, bits: int) -> Population:
    """Return the population that takes an input's levels and sends them: its charge is the level."""
    levels = Levels(op.lo, op.hi)
    neuron = firing_neuron(coding, levels, ["add"], bits)
    return _sending(node, neuron, parameters(0 * ONE, ONE, levels), "copy", coding, levels, slot)


def firing_population(
    graph: Graph, node: Node, kernels: Iterable[str], coding: Coding, slot: Slot, bits: int
) -> Population:
    """Return the population of a fire node."""
    levels = Levels(node.type.lo, node.type.hi)
    bias, theta = (spread(graph.constants[name], node) for name in node.inputs[-2:])
    shifts = bool(((theta & (theta - 1)) == 0).all())
    neuron = firing_neuron(coding, levels, kernels, bits, shifts)
    return _sending(node, neuron, parameters(bias, theta, levels), "fire", coding, levels, slot)


def ladder_population(
    graph: Graph, node: Node, op: Ladder, kernels: Iterable[str], coding: Coding, slot: Slot, bits: int
) -> Population:
    """Return the population of a ladder node: one parameter a threshold, and one a step whose direction differs."""
    levels = Levels(op.lo, op.hi)
    bias, thresholds, steps = (graph.constants[name] for name in node.inputs[-3:])
    shared = [int(column[0]) if (column == column[0]).all() else None for column in steps.T]
    neuron = ladder_neuron(coding, levels, kernels, bits, op.first, shared)
    values = parameters(0 * ONE, ONE, levels) | {"offset": spread(bias, node)}
    values |= {f"t{j}": spread(column, node) for j, column in enumerate(thresholds.T)}
    values |= {f"d{j}": spread(column, node) for j, column in enumerate(steps.T)}
    return _sending(node, neuron, values, "ladder", coding, levels, slot)


def fixed_neurons(node: Node, target: Target) -> Diagnostic:
    """Return SNN334: a ladder on neurons that run no programs."""
    rungs = node.type.hi - node.type.lo
    message = f"'{node.name}' counts {rungs} thresholds or more, and the neurons of {target.name} run no programs"
    hint = "use ReLU, with or without a cap, or a target with programmable neurons"
    return Diagnostic("SNN334", message, node.loc, hint)


def reading_population(graph: Graph, node: Node, kernels: Iterable[str], slot: Slot, bits: int) -> Population:
    """Return the population of a readout: it sends nothing."""
    neuron = reading_neuron(kernels, bits)
    params = {"offset": spread(graph.constants[node.inputs[-1]], node)}
    claim = Claim(node.name, "read")
    return Population(node.name, node.type.shape, neuron, params, slot.start, 1, 1, False, claim, node.loc)


def _sending(
    node: Node, neuron: NeuronProgram, values: dict[str, Ints], kind: str, coding: Coding, levels: Levels, slot: Slot
) -> Population:
    return Population(
        node.name,
        node.type.shape,
        neuron,
        {name: values[name] for name in neuron.params},
        slot.start,
        slot.window,
        coding.payload_bits(levels),
        levels.signed,
        Claim(node.name, kind, coding.name, levels.lo, levels.hi),
        node.loc,
    )


def spread(constant: Array, node: Node) -> Ints:
    """Return a constant of shape [C] or of the node so that it broadcasts to the node, as small as it can be."""
    array: Ints = np.asarray(constant, dtype=np.int64)
    if array.size and (array == array.flat[0]).all():
        return np.array(array.flat[0])
    if array.shape == node.type.shape:
        return array
    return array.reshape(-1, *(1,) * (len(node.type.shape) - 1))
