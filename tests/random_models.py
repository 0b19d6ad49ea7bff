"""Random feed-forward networks as ONNX models: 1-D and 2-D, odd shapes, strides, padding, groups, pools, skips."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper


@dataclass
class Net:
    """A network under construction.

    Attributes:
        shape: channels and sizes of the last value, without batch.
        last: name of the last value.
    """

    shape: tuple[int, ...]
    rng: np.random.Generator
    last: str = "x"
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    tensors: list[onnx.TensorProto] = field(default_factory=list)

    def add(self, op: str, *more: str, out: str = "", **attributes: object) -> str:
        """Append a node that reads the last value."""
        name = out or f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [self.last, *more], [name], name=f"n_{name}", **attributes))  # type: ignore[arg-type]
        self.last = name
        return name

    def constant(self, *shape: int, scale: float = 1.0) -> str:
        """Add a random constant."""
        name = f"w{len(self.tensors)}"
        value = self.rng.normal(scale=scale, size=shape).astype(np.float32)
        self.tensors.append(numpy_helper.from_array(value, name))
        return name

    def sized(self) -> None:
        """Work out the shape of the last value by running shape inference."""
        model = onnx.shape_inference.infer_shapes(self.model((1, *self.input_shape)))
        self.shape = tuple(d.dim_value for d in model.graph.output[0].type.tensor_type.shape.dim)[1:]

    input_shape: tuple[int, ...] = ()

    def model(self, shape: tuple[str | int | None, ...]) -> onnx.ModelProto:
        """Return the model so far, its last value the output."""
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
        y = helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "random", [x], [y], self.tensors)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _conv(draw: st.DrawFn, net: Net) -> None:
    rank = len(net.shape) - 1
    channels = net.shape[0]
    groups = draw(st.sampled_from([g for g in (1, 2, channels) if channels % g == 0]))
    kernel = [draw(st.integers(1, min(3, n))) for n in net.shape[1:]]
    dilation = [
        draw(st.integers(1, 2)) if k > 1 and n > 2 * k else 1 for k, n in zip(kernel, net.shape[1:], strict=True)
    ]
    out = groups * draw(st.integers(1, 3))
    weight = net.constant(out, channels // groups, *kernel, scale=1 / np.sqrt(channels * np.prod(kernel) / groups))
    pads = [draw(st.integers(0, 2)) for _ in range(2 * rank)]
    strides = [draw(st.integers(1, 2)) for _ in range(rank)]
    net.add(
        "Conv",
        weight,
        net.constant(out, scale=0.3),
        pads=pads,
        strides=strides,
        dilations=dilation,
        group=groups,
        kernel_shape=kernel,
    )
    net.shape = (out, *net.shape[1:])
    net.sized()


def _batch_norm(net: Net) -> None:
    channels = net.shape[0]
    names = [net.constant(channels) for _ in range(3)]
    var = numpy_helper.from_array(net.rng.uniform(0.5, 2, channels).astype(np.float32), f"w{len(net.tensors)}")
    net.tensors.append(var)
    net.add("BatchNormalization", *names, var.name)


def _pool(draw: st.DrawFn, net: Net) -> None:
    rank = len(net.shape) - 1
    kernel = [draw(st.integers(1, min(3, n))) for n in net.shape[1:]]
    strides = [draw(st.integers(1, 2)) for _ in range(rank)]
    if draw(st.booleans()):
        pads = [draw(st.integers(0, k - 1)) for k in kernel * 2]
        # Where a window of ceil mode starts outside, ONNX's own shape inference and its runtimes differ.
        ceil = (
            draw(st.integers(0, 1))
            if not any(pads) and all(s <= k for s, k in zip(strides, kernel, strict=True))
            else 0
        )
        net.add("MaxPool", kernel_shape=kernel, strides=strides, pads=pads, ceil_mode=ceil)
    else:
        net.add("AveragePool", kernel_shape=kernel, strides=strides)
    net.sized()


def _skip(net: Net) -> None:
    """Add a residual block: conv, relu, conv, plus what went in, relu."""
    before, channels = net.last, net.shape[0]
    ones = [1] * (len(net.shape) - 1)
    net.add("Conv", net.constant(channels, channels, *ones, scale=0.5), kernel_shape=ones)
    net.add("Relu")
    net.add("Conv", net.constant(channels, channels, *ones, scale=0.5), kernel_shape=ones)
    net.add("Add", before)
    net.add("Relu")


@st.composite
def networks(draw: st.DrawFn, batch_norm: bool = True) -> onnx.ModelProto:
    """Return a random trained-looking classifier with a dynamic batch."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rank = draw(st.integers(1, 2))
    shape = (draw(st.integers(1, 3)), *(draw(st.integers(3, 9)) for _ in range(rank)))
    net = Net(shape, rng)
    net.input_shape = shape
    for _ in range(draw(st.integers(1, 3))):
        _conv(draw, net)
        if batch_norm and draw(st.booleans()):
            _batch_norm(net)
        net.add("Relu")
        if draw(st.booleans()):
            _pool(draw, net)
        elif draw(st.booleans()):
            _skip(net)
    if draw(st.booleans()):
        net.add("GlobalAveragePool")
        net.sized()
    net.add("Flatten")
    size = int(np.prod(net.shape))
    net.add("Gemm", net.constant(4, size, scale=1 / np.sqrt(size)), net.constant(4), transB=1)
    return net.model(("N", *shape))
