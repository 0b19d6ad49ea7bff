"""The graph IR: types, operations, graphs, their text form and their rules."""

from snncc.compiler.ir.graph import Array, Graph, Input, Node, Stage, rebuild
from snncc.compiler.ir.op import OPS, Op
from snncc.compiler.ir.text import parse_graph, print_graph
from snncc.compiler.ir.types import CHARGE, FLOAT, LEVEL, TensorType
from snncc.compiler.ir.verify import check, verify

__all__ = [
    "CHARGE",
    "FLOAT",
    "LEVEL",
    "OPS",
    "Array",
    "Graph",
    "Input",
    "Node",
    "Op",
    "Stage",
    "TensorType",
    "check",
    "parse_graph",
    "print_graph",
    "rebuild",
    "verify",
]
