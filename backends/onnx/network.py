"""The integer network as ONNX nodes, from levels to levels and charges. Integers only.

Every value of the network is an int32 tensor [N, *shape] that holds its levels or charges as they are; 8-bit operands
and shifted numbers occur only on the way from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable

from snncc.backends.onnx.core import Core
from snncc.backends.onnx.moves import (
    write_concat,
    write_dilate,
    write_pad,
    write_reshape,
    write_slice,
    write_transpose,
    write_upsample,
)
from snncc.backends.onnx.neurons import write_fire, write_ladder, write_readout
from snncc.backends.onnx.sums import write_conv, write_dense, write_max_pool
from snncc.compiler.frontend.naming import NameTable
from snncc.compiler.ir.graph import Graph, Node
from snncc.compiler.ir.integer_ops import Fire, Ladder, Readout
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Pad, Reshape, Transpose
from snncc.compiler.ir.view_ops import Dilate, Slice, Upsample

WRITE: dict[type[Op], Callable[[Core, Node], None]] = {
    Conv: write_conv,
    Dense: write_dense,
    MaxPool: write_max_pool,
    Fire: write_fire,
    Ladder: write_ladder,
    Readout: write_readout,
    Reshape: write_reshape,
    Transpose: write_transpose,
    Concat: write_concat,
    Slice: write_slice,
    Pad: write_pad,
    Upsample: write_upsample,
    Dilate: write_dilate,
}


def write_network(graph: Graph, names: NameTable, named: dict[str, str]) -> Core:
    """Write all nodes of a QUANTIZED graph but the encoders; see ``Core`` for the arguments."""
    core = Core(graph, names, named)
    for node in graph.nodes:
        core.begin(node.loc)
        if type(node.op) in WRITE:
            WRITE[type(node.op)](core, node)
    return core
