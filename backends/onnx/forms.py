"""Which networks have a form in the models: the ops they may hold, and what these may read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from snncc.compiler.diagnostics import Diagnostic, Loc
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Encode, EncodeEven, Fire, Ladder, Readout
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample
from snncc.compiler.ir.views import behind_views

OPS = (
    Encode, EncodeEven, Conv, Dense, MaxPool, Fire, Ladder, Readout, Concat, Reshape, Transpose, Slice, Upsample,
    Dilate, Pad,
)  # fmt: skip
CONSTANTS: dict[type[Op], int] = {Fire: 2, Ladder: 3, Readout: 1}  # after the charges
OTHER = "use another backend"


def form_problems(graph: Graph) -> Iterator[Diagnostic]:
    """Yield every node and output of a quantized graph that has no form in the models."""
    for node in graph.nodes:
        if reason := _form(graph, node):
            yield Diagnostic("SNN613", f"'{node.name}' ({node.op.name}) {reason}", node.loc, OTHER)
    for name in graph.outputs:
        if name not in graph.node or not isinstance(behind_views(graph, name)[0].op, Readout):
            yield Diagnostic("SNN613", f"output '{name}' is no readout", Loc(graph.name, name), OTHER)


def readout_of(graph: Graph, output: str) -> Readout:
    """Return the readout behind an output, which is a readout or a chain of views of one."""
    op = behind_views(graph, output)[0].op
    assert isinstance(op, Readout)
    return op


def _form(graph: Graph, node: Node) -> str:
    """Return why a node has no form in the models; empty if it has one."""
    if type(node.op) not in OPS:
        return "is an operation that the ONNX backend does not know"
    if isinstance(node.op, Conv | Dense) and (len(node.inputs) != 2 or node.inputs[1] not in graph.constants):
        return "has weights that are no constants, or a bias of its own"
    if type(node.op) in CONSTANTS:
        return _neuron_form(graph, node)
    if isinstance(node.op, MaxPool) and not _meets_input(node.op, graph.types[node.inputs[0]].shape[1:]):
        return "has windows that lie wholly in the padding"
    return ""


def _neuron_form(graph: Graph, node: Node) -> str:
    constants = CONSTANTS[type(node.op)]
    charges, rest = node.inputs[:-constants], node.inputs[-constants:]
    if any(name not in graph.node or not isinstance(graph.node[name].op, Conv | Dense) for name in charges):
        return "adds what is no convolution or dense layer"
    if any(name not in graph.constants for name in rest):
        return "has a bias or thresholds that are no constants"
    falls = isinstance(node.op, Ladder) and (np.diff(graph.constants[rest[1]]) < 0).any()
    return "has thresholds that do not follow each other" if falls else ""


def _meets_input(op: MaxPool, sizes: tuple[int, ...]) -> bool:
    """Return whether every window of a max-pool holds a value of its input; there must be an axis to pool over."""
    for axis, size in enumerate(sizes):
        span = op.dilations[axis] * (op.kernel[axis] - 1)
        last = (size + op.pads[axis] + op.pads[len(sizes) + axis] - span - 1) // op.strides[axis]
        begins = np.arange(last + 1) * op.strides[axis] - op.pads[axis]
        taps = begins[:, None] + np.arange(op.kernel[axis]) * op.dilations[axis]
        if not ((taps >= 0) & (taps < size)).any(axis=1).all():
            return False
    return len(sizes) > 0
