"""Weighted sums and max-pools in 8-bit operands."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from snncc.backends.onnx.core import Core
from snncc.backends.onnx.digits import RADIX, WEIGHT_ZERO, Span, span_of
from snncc.compiler.ir.graph import Node
from snncc.compiler.ir.ops import Conv, MaxPool
from snncc.compiler.ir.to_onnx import onnx_pads, pads_beyond_kernel


def write_conv(core: Core, node: Node) -> None:
    """Write a convolution."""
    op = node.op
    assert isinstance(op, Conv)
    kernel = core.graph.constants[node.inputs[1]].shape[2:]
    _linear(
        core, node, "ConvInteger", False,
        kernel_shape=kernel, strides=op.strides, pads=op.pads, dilations=op.dilations, group=op.groups,
    )  # fmt: skip


def write_dense(core: Core, node: Node) -> None:
    """Write a dense layer."""
    _linear(core, node, "MatMulInteger", True)


def _linear(core: Core, node: Node, kind: str, turned: bool, **attributes: object) -> None:
    """Multiply digits by digits, each product times the power of 256 it stands for, and add them up."""
    source, name = node.inputs[0], core.named[node.name]
    span = span_of(core.graph.types[source])
    levels, weights = core.digits(source, span), core.weights(node.inputs[1], turned)
    weight_zero = core.constant(f"{name}.weight_zero", np.array(WEIGHT_ZERO, np.uint8))
    zeros = [core.constant(f"{name}.zero", np.array(zero, np.uint8)) for zero in span.zeros]
    products = [(i, j) for i in range(len(levels)) for j in weights]
    terms = []
    for i, j in products:
        term = name if len(products) == 1 else core.names.unique(f"{name}.product")
        product = core.names.unique(f"{name}.product") if i + j else term
        core.emit(kind, [levels[i], weights[j], zeros[i], weight_zero], product, **attributes)
        if i + j:
            core.emit("Mul", [product, core.integer(f"{name}.power", RADIX ** (i + j))], term)
        terms.append(term)
    core.total(terms, name)


def write_max_pool(core: Core, node: Node) -> None:
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
