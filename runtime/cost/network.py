"""The integer network that a program was compiled from, as an ANN counts it: the same in every coding.

A program stores the same network in ways of its own: unary codings fold average pools into what reads them, an addition
of vectors becomes a diagonal matrix, wide weights take two parts. Here the network itself is counted:

    convolution   output channels x input channels of a group x pairs of a tap and an output position inside the input
    dense layer   outputs x inputs
    addition      one a neuron, as every elementwise operation that vectors carry out by a square matrix
    average pool  its sums, as the convolution by ones that it is

Zeros that a view puts between or around values, as transposed convolutions and paddings do, are met by no weight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np
import numpy.typing as npt

from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Encode, Fire, Ladder, Readout
from snncc.compiler.ir.ops import Conv, MaxPool
from snncc.compiler.mapping.edges import Origins
from snncc.compiler.program import SILENCE, ConvSynapses, DenseSynapses, Program
from snncc.runtime.cost.reach import weights_met

Ints = npt.NDArray[np.int64]
LAYERS = (Encode, Fire, Ladder, MaxPool, Readout)  # what has neurons
ELEMENTWISE = ("add", "sub", "sum", "mul", "div", "batchnorm")  # parts of names of operators that have no matrix
MATRICES = ("gemm", "matmul", "linear", "mm", "dense", "conv")  # and of those that have one


@dataclass(frozen=True)
class Frame:
    """What a frame of the network takes, by the population of the program that it is charged to.

    Attributes:
        macs: multiply-accumulates.
        neurons: neurons: activations, pools, readouts and inputs.
        sent: activations that something reads.
        depth: layers from the inputs to the last output.
    """

    macs: Mapping[str, int]
    neurons: Mapping[str, int]
    sent: Mapping[str, int]
    depth: int


def frame_of(program: Program) -> Frame | None:
    """Return what a frame of a program's network takes; None for a program made by hand.

    A layer without a population of its own, such as a pool that is folded into what reads it, is charged to the first
    population behind it.
    """
    if program.origin is None:
        return None
    network = program.origin.network
    users, homes = network.users(), _homes(program)
    for node in reversed(network.nodes):
        if node.name not in homes:
            behind = [homes[user.name] for user in users[node.name] if user.name in homes]
            homes |= {node.name: behind[0]} if behind else {}
    layers = [node for node in network.nodes if isinstance(node.op, LAYERS)]
    linear = [node for node in network.nodes if node.op.linear]
    if any(node.name not in homes for node in (*layers, *linear)):
        return None  # another network's
    origins = Origins(network)
    macs: dict[str, int] = {}
    neurons: dict[str, int] = {}
    sent: dict[str, int] = {}
    for node in linear:
        _add(macs, homes[node.name], macs_of(network, node, origins))
    for node in layers:
        _add(neurons, homes[node.name], node.type.size)
        _add(sent, homes[node.name], node.type.size if users[node.name] and not isinstance(node.op, Readout) else 0)
    return Frame(macs, neurons, sent, network_depth(network))


def macs_of(network: Graph, node: Node, origins: Origins) -> int:
    """Return the multiply-accumulates of a linear node of a QUANTIZED graph for one frame."""
    weight, shape = network.constants[node.inputs[1]], network.types[node.inputs[0]].shape
    if isinstance(node.op, Conv):
        op = node.op
        met = weights_met(ConvSynapses(weight, shape, op.strides, op.pads, op.dilations, op.groups))
    elif _adds(node, weight):
        met = np.ones(len(weight), dtype=np.int64)
    else:
        met = weights_met(DenseSynapses(weight))
    return int(met[_heard(origins, node.inputs[0], prod(shape))].sum())


def network_depth(network: Graph) -> int:
    """Return the layers from the inputs to the last output."""
    found = dict.fromkeys(network.types, 0)
    for node in network.nodes:
        own = isinstance(node.op, LAYERS) and not isinstance(node.op, Encode)
        found[node.name] = max(found[name] for name in node.inputs) + own
    return max((found[name] for name in network.outputs), default=0)


def _homes(program: Program) -> dict[str, str]:
    """Return the population that computes each layer of the network; relays compute none."""
    inputs = {tensor.population for tensor in program.inputs}
    claims = [(p.name, p.claim) for p in program.populations if p.claim is not None]
    return {claim.node: name for name, claim in claims if claim.kind != "copy" or name in inputs}


def _add(found: dict[str, int], name: str, amount: int) -> None:
    found[name] = found.get(name, 0) + amount


def _adds(node: Node, weight: Array) -> bool:
    """Return whether a square matrix only carries an elementwise operation of the user's model, by the operator's name.

    In integers it need not be diagonal: adaptive rounding uses its zeros, too. Where the name is unknown, it must be.
    """
    operator = node.loc.op.lower()
    if weight.shape[0] != weight.shape[1] or any(part in operator for part in MATRICES):
        return False
    diagonal = np.count_nonzero(weight) == np.count_nonzero(np.diagonal(weight))
    return bool(diagonal) or any(part in operator for part in ELEMENTWISE)


def _heard(origins: Origins, name: str, size: int) -> npt.NDArray[np.bool_]:
    """Return which elements of a value are a neuron's, bool [size]; the others are zeros that a view put there."""
    heard = np.zeros(size, dtype=bool)
    for part in origins.parts(name):
        heard |= True if part.order is None else part.order != SILENCE
    return heard
