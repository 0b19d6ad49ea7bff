"""The integer network as ONNX nodes, from levels to levels and charges: one function an op. Integers only.

Every value of the network is an int32 tensor [N, *shape] that holds its levels or charges as they are; 8-bit operands
and shifted numbers occur only on the way from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from onnx import TensorProto

from snncc.backends.onnx.digits import RADIX, WEIGHT_ZERO, Span, span_of, weight_digits
from snncc.backends.onnx.ranges import offset_of, spread
from snncc.backends.onnx.writer import Writer
from snncc.compiler.frontend.naming import NameTable
from snncc.compiler.ir.graph import Array, Graph, Node
from snncc.compiler.ir.integer_ops import Fire, Readout
from snncc.compiler.ir.op import Op
from snncc.compiler.ir.ops import Concat, Conv, Dense, MaxPool, Reshape, Transpose
from snncc.compiler.ir.to_onnx import onnx_pads, pads_beyond_kernel


class Core(Writer):
    """The network under construction.

    Attributes:
        graph: the quantized graph.
        named: ONNX name of each of its nodes.
    """

    def __init__(self, graph: Graph, names: NameTable, named: dict[str, str]) -> None:
        """Write all nodes but the encoders.

        Args:
            graph: a QUANTIZED graph.
            names: where the names of ``named`` are taken already.
            named: a name for each node of the graph.
        """
        super().__init__(names)
        self.graph, self.named = graph, named
        self._codes: dict[str, str] = {}
        self._digits: dict[str, list[str]] = {}
        self._weights: dict[str, list[str]] = {}
        for node in graph.nodes:
            self.begin(node.loc)
            if type(node.op) in WRITE:
                WRITE[type(node.op)](self, node)

    def read(self, node: Node) -> list[str]:
        """Return the ONNX names of the nodes that a node reads."""
        return [self.named[name] for name in node.inputs if name in self.named]

    def integer(self, name: str, values: Array | int) -> str:
        """Add an int32 constant and return its name."""
        return self.constant(name, np.asarray(values, dtype=np.int32))

    def code(self, source: str, span: Span) -> str:
        """Return the value q - base, 0..top - base, of a node."""
        if source not in self._codes:
            name = self.named[source]
            base = self.integer(f"{name}.base", span.base) if span.base else ""
            self._codes[source] = self.value("Sub", [name, base], f"{name}.code") if base else name
        return self._codes[source]

    def digits(self, source: str, span: Span) -> list[str]:
        """Return the 8-bit digits of a node's levels, uint8 each, least significant first."""
        if source not in self._digits:
            rest, name = self.code(source, span), self.named[source]
            radix = self.integer(f"{name}.radix", RADIX) if len(span.zeros) > 1 else ""
            parts = []
            for number in range(len(span.zeros)):
                digit = self.value("Mod", [rest, radix], f"{name}.rest") if radix else rest
                parts.append(self.value("Cast", [digit], f"{name}.digit{number}", to=TensorProto.UINT8))
                if number + 1 < len(span.zeros):
                    rest = self.value("Div", [rest, radix], f"{name}.rest")
            self._digits[source] = parts
        return self._digits[source]

    def weights(self, name: str, turned: bool) -> list[str]:
        """Return the digits of a weight, uint8 with 128 for 0; turned to [sources, targets] if asked for."""
        if name not in self._weights:
            parts = weight_digits(self.graph.constants[name])
            stored = [((part.T if turned else part) + WEIGHT_ZERO).astype(np.uint8) for part in parts]
            names = [name] if len(parts) == 1 else [f"{name}.digit{k}" for k in range(len(parts))]
            self._weights[name] = [self.constant(n, a) for n, a in zip(names, stored, strict=True)]
        return self._weights[name]

    def total(self, terms: Sequence[str], output: str) -> str:
        """Add terms one by one, the last sum under the name given."""
        first, *rest = terms
        for number, term in enumerate(rest):
            last = number + 1 == len(rest)
            first = self.emit("Add", [first, term], output if last else self.names.unique(f"{output}.part"))
        return first


def _linear(core: Core, node: Node, kind: str, turned: bool, **attributes: object) -> None:
    """Multiply digits by digits, each product times the power of 256 it stands for, and add them up."""
    source, name = node.inputs[0], core.named[node.name]
    span = span_of(core.graph.types[source])
    levels, weights = core.digits(source, span), core.weights(node.inputs[1], turned)
    weight_zero = core.constant(f"{name}.weight_zero", np.array(WEIGHT_ZERO, np.uint8))
    pairs = [(i, j) for i in range(len(levels)) for j in range(len(weights))]
    terms = []
    for i, j in pairs:
        zero = core.constant(f"{name}.zero", np.array(span.zeros[i], np.uint8))
        operands = [levels[i], weights[j], zero, weight_zero]
        if len(pairs) == 1:
            core.emit(kind, operands, name, **attributes)
            return
        term = core.value(kind, operands, f"{name}.product", **attributes)
        if i + j:
            power = core.integer(f"{name}.power", RADIX ** (i + j))
            term = core.value("Mul", [term, power], f"{name}.product")
        terms.append(term)
    core.total(terms, name)


def _conv(core: Core, node: Node) -> None:
    op = node.op
    assert isinstance(op, Conv)
    kernel = core.graph.constants[node.inputs[1]].shape[2:]
    _linear(
        core, node, "ConvInteger", False,
        kernel_shape=kernel, strides=op.strides, pads=op.pads, dilations=op.dilations, group=op.groups,
    )  # fmt: skip


def _dense(core: Core, node: Node) -> None:
    _linear(core, node, "MatMulInteger", True)


def _fire(core: Core, node: Node) -> None:
    """Write q = floor(max(v - lo theta, 0) / theta), at most hi - lo, plus lo: no operand of Div is negative."""
    op, name = node.op, core.named[node.name]
    assert isinstance(op, Fire)
    offset = core.integer(f"{name}.offset", offset_of(core.graph.constants, node))
    charge = core.total([*core.read(node), offset], core.names.unique(f"{name}.latched"))
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


def _readout(core: Core, node: Node) -> None:
    name = core.named[node.name]
    bias = core.integer(f"{name}.bias", offset_of(core.graph.constants, node))
    core.total([*core.read(node), bias], name)


def _max_pool(core: Core, node: Node) -> None:
    """Pool q - base; padding takes no part."""
    op, name, source = node.op, core.named[node.name], node.inputs[0]
    assert isinstance(op, MaxPool)
    span = span_of(core.graph.types[source])
    code, pads = _pooled(core, node, span)
    sizes = {"kernel_shape": op.kernel, "strides": op.strides, "dilations": op.dilations, "pads": pads}
    code = core.value("MaxPool", [code], f"{name}.greatest", **sizes)
    if not span.base:
        core.emit("Cast", [code], name, to=TensorProto.INT32)
        return
    code = core.value("Cast", [code], f"{name}.code", to=TensorProto.INT32)
    core.emit("Add", [code, core.integer(f"{name}.lo", span.base)], name)


def _pooled(core: Core, node: Node, span: Span) -> tuple[str, tuple[int, ...]]:
    """Return q - base in a type that MaxPool takes, and what is left to pad: uint8, or float32, exact below 2^24.

    onnxruntime refuses pads as large as the kernel. They are written as a Pad with -1, which is below all levels; one
    with 0 it would merge with the MaxPool, and then refuse.
    """
    op, name, source = node.op, core.named[node.name], node.inputs[0]
    assert isinstance(op, MaxPool)
    beyond = pads_beyond_kernel(op)
    if len(span.zeros) == 1 and not beyond:
        return core.digits(source, span)[0], op.pads
    code = core.value("Cast", [core.code(source, span)], f"{name}.float", to=TensorProto.FLOAT)
    if not beyond:
        return code, op.pads
    pads = core.constant(f"{name}.pads", onnx_pads(op.pads))
    below = core.constant(f"{name}.below", np.array(-1, np.float32))
    return core.value("Pad", [code, pads, below], f"{name}.padded"), (0,) * len(op.pads)


def _reshape(core: Core, node: Node) -> None:
    assert isinstance(node.op, Reshape)
    name = core.named[node.name]
    shape = core.constant(f"{name}.shape", np.array([0, *node.op.shape], np.int64))
    core.emit("Reshape", [*core.read(node), shape], name)


def _transpose(core: Core, node: Node) -> None:
    op, name = node.op, core.named[node.name]
    assert isinstance(op, Transpose)
    if op.perm == tuple(range(len(op.perm))):
        core.emit("Identity", core.read(node), name)
        return
    core.emit("Transpose", core.read(node), name, perm=(0, *(axis + 1 for axis in op.perm)))


def _concat(core: Core, node: Node) -> None:
    assert isinstance(node.op, Concat)
    core.emit("Concat", core.read(node), core.named[node.name], axis=node.op.axis + 1)


WRITE: dict[type[Op], Callable[[Core, Node], None]] = {
    Conv: _conv,
    Dense: _dense,
    Fire: _fire,
    Readout: _readout,
    MaxPool: _max_pool,
    Reshape: _reshape,
    Transpose: _transpose,
    Concat: _concat,
}
